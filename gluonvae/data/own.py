"""A user's own files and folders: which reader reads them, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ..labels import class_names, has_classes, numbered
from .dataset import Dataset
from .readers import READERS
from .readers.base import IMAGES, PARTS, ROWS, Contents, Reader, Rows, Wishes
from .sources import DataError
from .splits import Splits, held_out, part_of_split, split

OPTIONS = {
    "shape": "--shape",
    "label_column": "--label-column",
    "group_column": "--groups",
    "drop": "--drop",
    "resize": "--resize",
    "crop": "--crop",
    "skip_broken": "--skip-broken",
    "layer": "--layer",
}
"""What the command calls the fields of :class:`Wishes`."""


def wishes_of(arguments: Mapping[str, Any]) -> Wishes:
    """Return what arguments of :func:`gluonvae.data.load` ask of a reader; lists may stand for tuples."""
    asked = {field.name: arguments[field.name] for field in fields(Wishes)}
    as_tuples: dict[str, Any] = {name: tuple(of) if isinstance(of, list) else of for name, of in asked.items()}
    return Wishes(**as_tuples)


def load_own(
    path: Path,
    wishes: Wishes,
    shares: Optional[Sequence[float]] = None,
    seed: int = 0,
    white: Optional[float] = None,
) -> Splits:
    """Load data from a file or folder, with the values as they are.

    Parameters
    ----------
    path : Path
        What one of :data:`gluonvae.data.readers.READERS` reads.
    wishes : Wishes
        What is asked of the reader.
    shares : Sequence[float], optional
        Shares of the training, validation and test set, for data that is not in parts. Where there is no validation
        or test set and none are asked for, a tenth of the training data is held out for each.
    seed : int, default 0
        Seed of the split.
    white : float, optional
        The value of full intensity, where the values are grey and it is not to be told from them.

    Returns
    -------
    Splits
        Training, validation and test set.

    Raises
    ------
    DataError
        If a file cannot be read, values or labels do not fit, or something was asked for that has no effect; the
        message names the path.
    """
    contents = read_own(path, wishes)
    if white is not None:
        contents = contents._replace(white=white)
    try:
        return splits_of(contents, wishes.shape, shares, seed)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def splits_of(
    contents: Contents,
    shape: Optional[Sequence[int]] = None,
    shares: Optional[Sequence[float]] = None,
    seed: int = 0,
) -> Splits:
    """Return what was read as training, validation and test set, see :func:`load_own`."""
    return split_parts(parts_of(contents, shape), contents, shares, seed)


def split_parts(
    parts: dict[str, Dataset], contents: Contents, shares: Optional[Sequence[float]] = None, seed: int = 0
) -> Splits:
    """Return the parts of what was read, see :func:`parts_of`, as training, validation and test set."""
    groups = {name: rows.groups for name, rows in contents.parts.items()}
    _check_groups(groups)
    return _splits(parts, groups, shares, seed)


def parts_of(contents: Contents, shape: Optional[Sequence[int]] = None) -> dict[str, Dataset]:
    """Return the parts that were read, as they were found; a class has the same number in all."""
    if shape is not None and contents.kind == ROWS:  # rows that are said to be images
        contents = contents._replace(kind=IMAGES, columns=None)
    return _with_joint_classes({name: _dataset(rows, contents, shape) for name, rows in contents.parts.items()})


def read_own(path: Path, wishes: Wishes) -> Contents:
    """Read a file or folder with the reader that knows it."""
    for reader in READERS:
        if reader.recognises(path):
            _check_granted(path, reader, wishes)
            return reader.read(path, wishes)
    nothing = "" if path.exists() else ": there is nothing of that name"
    known = ", ".join(reader.name for reader in READERS)
    raise DataError(f"{path} cannot be read as data{nothing}; what can be read is {known}")


def granted(path: Path) -> set[str]:
    """Return the fields of :class:`Wishes` that have an effect on a file or folder; all where nobody reads it."""
    for reader in READERS:
        if reader.recognises(path):
            return {*reader.grants, "shape"}
    return set(OPTIONS)


def _check_granted(path: Path, reader: Reader, wishes: Wishes) -> None:
    """Refuse what was asked for and has no effect."""
    for field in fields(wishes):
        if getattr(wishes, field.name) != field.default and field.name not in {*reader.grants, "shape"}:
            raise DataError(f"{OPTIONS[field.name]} has no effect on {path}: {reader.name} have none; leave it out")


def _dataset(rows: Rows, contents: Contents, shape: Optional[Sequence[int]]) -> Dataset:
    return Dataset(
        rows.values,
        shape,
        "none",
        rows.labels,
        white=contents.white,
        things=contents.kind,
        columns=contents.columns,
        name=contents.kind,
    )


def _with_joint_classes(parts: dict[str, Dataset]) -> dict[str, Dataset]:
    """Give a class the same number in all parts, also where one lacks some of the classes."""
    labels = [data.named_labels for data in parts.values() if data.labels is not None]
    known = [of for of in labels if of is not None and of.values.ndim == 1 and has_classes(of.values)]
    if len(known) < len(parts):
        return parts
    names = class_names(known)
    if names is None:
        return parts
    return {part: data.with_labels(numbered(of, names), names) for (part, data), of in zip(parts.items(), known)}


def _check_groups(groups: Mapping[str, Optional[np.ndarray]]) -> None:
    """Refuse parts of the user's own that share a group."""
    met: dict[Any, str] = {}
    for part, of in groups.items():
        for group in () if of is None else np.unique(np.asarray(of).astype(str)):
            if met.setdefault(group, part) != part:
                raise ValueError(f"group {group!r} is in {met[group]} and in {part}: its data points belong together")


def _splits(
    parts: dict[str, Dataset],
    groups: Mapping[str, Optional[np.ndarray]],
    shares: Optional[Sequence[float]],
    seed: int,
) -> Splits:
    missing, own = [part for part in PARTS if part not in parts], groups.get("train")
    if "train" in missing:
        raise ValueError(f"there is no training set, only {', '.join(parts)}")
    if shares is not None:
        if len(missing) < 2:
            raise ValueError(f"--split is for data in one piece, and this has {', '.join(parts)}: leave it out")
        return split(parts["train"], shares[1], shares[2], seed, own)
    tenth = max(1, len(parts["train"]) // 10)
    if len(missing) == 2:
        return split(parts["train"], tenth, tenth, seed, own)
    for part in missing:
        parts["train"], parts[part] = _hold_out(parts["train"], tenth, seed, own)
    return Splits(**parts)


def _hold_out(data: Dataset, count: int, seed: int, groups: Optional[np.ndarray]) -> tuple[Dataset, Dataset]:
    kept, held = held_out(data, count, seed, groups)
    return part_of_split(data, kept, seed), part_of_split(data, held, seed)
