"""A user's own images: an .npy or .npz file, or a folder of either or of image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np

from .dataset import Dataset, Splits, drawn_once_but_train, split
from .sources import DataError, read_arrays

PARTS = ("train", "valid", "test")
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".tif", ".tiff", ".webp"})


def load_own(path: Path, shape: Optional[Sequence[int]] = None, binarization: str = "dynamic") -> Splits:
    """Images from ``path``, which is one of

    - an ``.npy`` file of images ``(N, X)`` or ``(N, *shape)``;
    - an ``.npz`` file with ``train``, and ``valid`` and ``test`` if there are any, or with
      ``images`` (and ``labels``), or with one array of any name;
    - a folder with ``train.npy``, and ``valid.npy`` and ``test.npy`` if there are any;
    - a folder of image files, searched with its subfolders, made grey unless ``shape`` has three
      numbers.

    A tenth each of the training images, drawn by a fixed seed, serves for validation and test
    where they do not have their own. Raises DataError, naming the path, for files that cannot be
    read and images that do not fit.
    """
    arrays = _read(path, shape)
    labels = arrays.pop("labels", None)
    try:
        return _splits({part: Dataset(images, shape, binarization, labels) for part, images in arrays.items()})
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: {error}") from error


def _splits(parts: dict[str, Dataset]) -> Splits:
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
            return {part: read_arrays(file)["images"] for part, file in files.items()}
        return {"train": _read_images(path, colour=shape is not None and len(shape) == 3)}
    if path.suffix not in (".npy", ".npz"):
        nothing = "" if path.exists() else ": there is nothing of that name"
        raise DataError(f"{path} must be an .npy or .npz file or a folder{nothing}")
    arrays = read_arrays(path)
    if "train" in arrays and set(arrays) <= set(PARTS):
        return arrays
    if "images" in arrays and set(arrays) <= {"images", "labels"}:
        return {"train" if name == "images" else name: array for name, array in arrays.items()}
    if len(arrays) == 1:
        return {"train": next(iter(arrays.values()))}
    raise DataError(
        f"{path} holds {', '.join(sorted(arrays))}: name the images 'train', 'valid' and 'test', or "
        "'images', which 'labels' may go with"
    )


def _read_images(folder: Path, colour: bool) -> np.ndarray:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise DataError(f"{folder} holds neither train.npy nor image files ({', '.join(sorted(IMAGE_SUFFIXES))})")
    images: list[np.ndarray] = []
    for path in paths:
        images.append(_read_image(path, colour))
        if images[-1].shape != images[0].shape:
            raise DataError(
                f"{path} has shape {images[-1].shape}, {paths[0]} has {images[0].shape}: all images must be of one size"
            )
    return np.stack(images)


def _read_image(path: Path, colour: bool) -> np.ndarray:
    """Pixels as uint8, ``(H, W)`` or ``(H, W, 3)``."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255:
                raise DataError(f"{path} is transparent in places: put it on a background first")
            if image.mode.startswith("I;16"):
                # Pillow would cut off what 16 bits hold beyond 8, not scale it.
                image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
            if image.mode in ("I", "F"):
                raise DataError(f"{path} has pixels of mode {image.mode}: save it with 8 or 16 bits")
            return np.asarray(image.convert("RGB" if colour else "L"))
    except OSError as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error
