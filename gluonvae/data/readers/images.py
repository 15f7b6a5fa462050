"""Folders of images."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

import numpy as np

from ..sources import DataError
from .base import IMAGES, PARTS, Contents, Reader, Rows, Wishes
from .image_cache import Decoded, cached, digest
from .image_folder import ImageFile, image_files, may_be_image, shown

_log = logging.getLogger(__name__)

VERSION = 1
"""To be raised when the same files are to be decoded to other values."""

GRANTS = ("shape", "resize", "crop", "skip_broken")


def recognises(path: Path) -> bool:
    """Return whether a path is a folder with image files in it or in its subfolders."""
    return any(may_be_image(name) for _, _, names in os.walk(path) for name in names)


def read(path: Path, wishes: Wishes) -> Contents:
    """Read a folder of images.

    *Parts.* Folders called train, valid (or val, validation) and test, also training and testing, are the parts.
    Without them, all images are of the part "train".

    *Classes.* The folders in a part, or in ``path``, are classes, and their names the labels; folders in those do not
    matter. A folder that all images are in is no class, and what it holds is read in its place.

    *Files.* Suffixes are those of :data:`.image_folder.SUFFIXES`, and formats are recognised by content: BMP, GIF,
    JPEG, PNG, PPM, TIFF and WebP. Names with a dot in front, ``__MACOSX`` and the like are ignored, other files are
    left out with a warning. Tables and arrays among images, links out of the folder, pipes and devices are errors; a
    link to what is in the folder anyway is left out. An image may have :data:`.image_decoding.MOST_PIXELS` pixels.

    *Pixels.* They are turned as the EXIF orientation says. Palettes, CMYK, YCbCr and LAB become RGB, without profiles.
    Alpha is dropped if all pixels are opaque; transparent ones are an error, as are several frames in a file (the
    previews in a camera's JPEG are not read). Images are in colour, ``(N, H, W, 3)``, if a ``shape`` of ``(H, W, 3)``
    or ``(3, H, W)`` asks for that, or if none is given and one of them has a pixel that is not grey. They are grey,
    ``(N, H, W)``, otherwise; colours become their luma (ITU-R BT.601) only if ``shape`` asks for it.

    *Depth.* Images are uint8, with full intensity at 255; uint16 if one of them has 16 bits, with 65535; float32 if
    one has fractions from 0 to 1, with 1. The others are scaled to it exactly. If all have 16 bits and their largest
    value fits into 8, 10, 12 or 14 bits, full intensity is the largest value of so many bits, and a warning says so.

    *Size.* Images of several sizes are an error. ``resize=(H, W)`` scales all, bilinearly, without regard to their
    proportions; with ``crop`` they are first cut to those of (H, W) at the centre. ``crop`` alone cuts all to
    the square at their centre whose side is the shortest side of any image.

    Images are decoded by several threads, into the cache (:func:`.image_cache.cached`), and from there as long as the
    files and the wishes are the same.

    Parameters
    ----------
    path : Path
        The folder.
    wishes : Wishes
        Of which ``shape``, ``resize``, ``crop`` and ``skip_broken`` have an effect. With ``skip_broken``, image files
        that cannot be read are left out with a warning.

    Returns
    -------
    Contents
        The images, ordered by path, mapped into memory; labels are strings.

    Raises
    ------
    DataError
        If there is no image, or one of them, the folders or the wishes do not fit. The message names the file.
    """
    import PIL

    from .image_arrays import decode_images

    colour = _asks_for_colour(wishes.shape)
    files = image_files(path)
    made_of = (VERSION, PIL.__version__, *(getattr(wishes, name) for name in GRANTS))
    key = digest([made_of, *((file.name, file.stamp) for file in files)])
    decoded = cached(key, lambda empty: decode_images(files, wishes, colour, empty))
    _warn(path, files, decoded)
    kept = [file for index, file in enumerate(files) if index not in decoded.left_out]
    for part in {file.part for file in files} - {file.part for file in kept}:
        raise DataError(f"{shown(path)}: none of the image files of {part} can be read")
    return Contents(dict(_parts(kept, decoded.values)), IMAGES, decoded.white)


READER = Reader("image folders", recognises, read, GRANTS)


def _asks_for_colour(shape: Optional[tuple[int, ...]]) -> Optional[bool]:
    if shape is None:
        return None
    channels = {1} if len(shape) == 2 else {shape[0], shape[-1]} & {1, 3} if len(shape) == 3 else set()
    if not channels:
        raise DataError(f"the shape of images must be (H, W), (H, W, 3) or (3, H, W), got {tuple(shape)}")
    return 3 in channels


def _parts(files: Sequence[ImageFile], values: np.ndarray) -> Iterator[tuple[str, Rows]]:
    """Yield the parts, which follow each other in ``values``."""
    start = 0
    for part in PARTS:
        labels = [file.label for file in files if file.part == part]
        if labels:
            named = None if labels[0] is None else np.array(labels)
            yield part, Rows(values[start : start + len(labels)], named)
        start += len(labels)


def _warn(path: Path, files: Sequence[ImageFile], decoded: Decoded) -> None:
    if decoded.left_out:
        first = next(iter(decoded.left_out.values()))
        count = len(decoded.left_out)
        _log.warning("%s: %d of %d image files are left out, the first: %s", shown(path), count, len(files), first)
    if decoded.values.dtype == np.uint16 and decoded.white < 65535:
        bits = int(decoded.white).bit_length()
        _log.warning(
            "%s: no value of the 16-bit images is above %d, so %d bits are taken to be all: the brightest has %g",
            *(shown(path), decoded.white, bits, decoded.white),
        )
