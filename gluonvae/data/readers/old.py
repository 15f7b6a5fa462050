"""x"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

import numpy as np

from ..sources import DataError, read_arrays
from .base import *

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".tif", ".tiff", ".webp"})


def read(path, wishes):
    arrays = _read(path, wishes.shape)
    labels = arrays.pop("labels", None)
    kind = IMAGES if path.is_dir() or wishes.shape or next(iter(arrays.values())).ndim > 2 else ROWS
    return Contents({n: Rows(v, labels) for n, v in arrays.items()}, kind)


READER = Reader("old", lambda p: True, read, ("shape",))


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
    """Read the pixels of an image, ``(H, W)`` or ``(H, W, 3)``, uint8."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255:
                raise DataError(f"{path} is transparent in places: put it on a background first")
            if image.mode.startswith("I;16"):
                # Pillow would clip 16 bits to 8 instead of scaling them
                image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
            if image.mode in ("I", "F"):
                raise DataError(f"{path} has pixels of mode {image.mode}: save it with 8 or 16 bits")
            return np.asarray(image.convert("RGB" if colour else "L"))
    except OSError as error:
        raise DataError(f"{path} cannot be read as an image: {error}") from error
