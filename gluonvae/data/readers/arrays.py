"""Arrays from files: .npy and .npz of NumPy, sparse .npz of SciPy, and folders of .npy files by part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..opening import DataError
from .base import IMAGES, PARTS, ROWS, Contents, Reader, Rows, Wishes
from .npy import read_npy, read_npz
from .parts import names_in, parts_in
from .sparse import SPARSE, read_sparse

VALUES = {
    **{part: part for part in PARTS},
    **{f"x_{part}": part for part in PARTS},
    "x_val": "valid",
    "images": "train",
}
"""Names of arrays of values, and their parts; those that begin with an x are of Keras."""

LABELS = {
    **{f"{part}_labels": part for part in PARTS},
    **{f"y_{part}": part for part in PARTS},
    "y_val": "valid",
    "labels": "train",
}
"""Names of arrays of labels, and their parts."""

WANTED = (
    "name arrays train, valid and test, with train_labels, valid_labels and test_labels; images and labels; "
    "x_train, y_train, x_test and y_test; or save a single one"
)


def recognises(path: Path) -> bool:
    """Return whether a path is named as an .npy or .npz file, or is a folder with train.npy."""
    if path.is_dir():
        return bool(parts_in(path, [".npy"]))
    return path.suffix.lower() in (".npy", ".npz")


def read(path: Path, wishes: Wishes) -> Contents:
    """Read arrays ``(N, X)`` or ``(N, *shape)``."""
    if path.is_dir():
        arrays = _read_folder(path)
    elif path.suffix.lower() == ".npy":
        arrays = {"train": read_npy(path)}
    else:
        arrays = read_npz(path)
        if set(arrays) >= SPARSE:
            return Contents({"train": Rows(read_sparse(path, arrays))}, ROWS)
        if len(arrays) == 1 and not set(arrays) & {*VALUES, *LABELS}:
            arrays = {"train": next(iter(arrays.values()))}
    return _contents(path, arrays, images=wishes.shape is not None or "images" in arrays)


def _read_folder(folder: Path) -> dict[str, np.ndarray]:
    names = names_in(folder)
    others = [name for name in names if Path(name).stem not in {*PARTS, *LABELS} or not name.endswith(".npy")]
    if others:
        raise DataError(
            f"{folder} holds {', '.join(others[:3])} beside arrays: keep train.npy, valid.npy and test.npy, with "
            "train_labels.npy, valid_labels.npy and test_labels.npy, in a folder of their own"
        )
    return {Path(name).stem: read_npy(folder / name, folder) for name in names}


def _contents(path: Path, arrays: dict[str, np.ndarray], images: bool) -> Contents:
    values = _by_part(path, arrays, VALUES)
    labels = _by_part(path, arrays, LABELS)
    others = sorted(set(arrays) - {*VALUES, *LABELS})
    if others or "train" not in values:
        raise DataError(f"{path} holds {', '.join(sorted(arrays))}: {WANTED}")
    if "labels" in arrays and len(values) > 1:
        raise DataError(
            f"{path} holds {', '.join(sorted(arrays))}: call the labels of each part {_label_names(values)}"
        )
    unused = sorted(set(labels) - set(values))
    if unused:
        raise DataError(f"{path} has labels of {', '.join(unused)} and no values of it")
    for part, array in values.items():
        _check(path, part, array, values["train"], labels.get(part))
    parts = {part: Rows(values[part], labels.get(part)) for part in PARTS if part in values}
    return Contents(parts, IMAGES if images or values["train"].ndim > 2 else ROWS)


def _label_names(values: dict[str, np.ndarray]) -> str:
    return " and ".join(f"{part}_labels" for part in values)


def _by_part(path: Path, arrays: dict[str, np.ndarray], names: dict[str, str]) -> dict[str, np.ndarray]:
    found: dict[str, list[str]] = {}
    for name in arrays:
        if name in names:
            found.setdefault(names[name], []).append(name)
    for part, several in found.items():
        if len(several) > 1:
            raise DataError(f"{path} holds {' and '.join(several)}: which of them is meant by {part}?")
    return {part: arrays[name] for part, (name,) in found.items()}


def _check(path: Path, part: str, values: np.ndarray, train: np.ndarray, labels: object) -> None:
    if values.dtype.kind not in "buif" or values.ndim < 2 or not values.size:
        raise DataError(f"{path}: {part} must be numbers (N, X) or (N, *shape), got {values.shape} of {values.dtype}")
    if values.shape[1:] != train.shape[1:]:
        raise DataError(
            f"{path}: {part} has shape {values.shape}, train has {train.shape}: they must be alike but for N"
        )
    if isinstance(labels, np.ndarray) and (labels.ndim not in (1, 2) or len(labels) != len(values)):
        raise DataError(f"{path}: labels of {part} must be (N,) or (N, C) for N = {len(values)}, got {labels.shape}")


READER = Reader("arrays of NumPy and SciPy", recognises, read, ("shape",))
