"""A user's own images: an .npy or .npz file, or a folder of either or of image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np

from .dataset import Dataset, Splits, drawn_once_but_train, split
from .files import DataError, read_arrays

PARTS = ("train", "valid", "test")
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".tif", ".tiff", ".webp"})


def load_own(path: Path, shape: Optional[Sequence[int]] = None, binarization: str = "dynamic") -> Splits:
    """Images from ``path``, which is one of

    - an ``.npy`` file of images ``(N, X)`` or ``(N, *shape)``;
    - an ``.npz`` file with ``train``, and ``valid`` and ``test`` if there are any, or with
      ``images`` (and ``labels``), or with one array of any name;
    - a folder with ``train.npy``, ``valid.npy`` and ``test.npy``;
    - a folder of image files, searched with its subfolders, made grey unless ``shape`` has three
      numbers.

    A tenth each of the training images, drawn by a fixed seed, serves for validation and test
    where they do not have their own. Raises DataError for a file that cannot be read, ValueError
    for images that do not fit.
    """
    arrays = _read(path, shape)
    labels = arrays.pop("labels", None)
    parts = {part: Dataset(images, shape, binarization, labels) for part, images in arrays.items()}
    train, tenth = parts["train"], max(1, len(parts["train"]) // 10)
    if "valid" in parts and "test" in parts:
        return drawn_once_but_train(**parts)
    if "test" in parts:
        return drawn_once_but_train(*_hold_out(train, tenth), parts["test"])
    if "valid" in parts:
        train, test = _hold_out(train, tenth)
        return drawn_once_but_train(train, parts["valid"], test)
    return split(train, tenth, tenth)


def _hold_out(data: Dataset, count: int) -> tuple[Dataset, Dataset]:
    if len(data) <= count:
        raise ValueError(f"{len(data)} images cannot be split: each part needs at least one")
    order = np.random.default_rng(0).permutation(len(data))
    return data.subset(order[count:]), data.subset(order[:count])


def _read(path: Path, shape: Optional[Sequence[int]]) -> dict[str, np.ndarray]:
    if path.is_dir():
        files = {part: path / f"{part}.npy" for part in PARTS if (path / f"{part}.npy").is_file()}
        if "train" in files:
            return {part: _load_array(file) for part, file in files.items()}
        return {"train": _read_images(path, colour=shape is not None and len(shape) == 3)}
    if path.suffix == ".npy":
        return {"train": _load_array(path)}
    if path.suffix == ".npz":
        return _read_npz(path)
    raise DataError(
        f"{path} must be an .npy or .npz file or a folder"
        + ("" if path.exists() else ": there is nothing of that name")
    )


def _load_array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as an array of numbers: {error}") from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    arrays = read_arrays(path)
    if "train" in arrays:
        return {part: arrays[part] for part in PARTS if part in arrays}
    if "images" in arrays:
        wanted = {"train": arrays["images"]}
        return {**wanted, "labels": arrays["labels"]} if "labels" in arrays else wanted
    if len(arrays) == 1:
        return {"train": next(iter(arrays.values()))}
    raise DataError(
        f"{path} holds {', '.join(sorted(arrays))}: name the images 'images', or 'train', 'valid' and 'test'"
    )


def _read_images(folder: Path, colour: bool) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise DataError(f"{folder} holds neither train.npy nor image files ({', '.join(sorted(IMAGE_SUFFIXES))})")
    images: list[np.ndarray] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                images.append(np.asarray(image.convert("RGB" if colour else "L")))
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"{path} cannot be read as an image: {error}") from error
        if images[-1].shape != images[0].shape:
            raise DataError(
                f"{path} has shape {images[-1].shape}, {paths[0]} has {images[0].shape}: all images must be of one size"
            )
    return np.stack(images)
