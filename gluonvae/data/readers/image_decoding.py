"""Decoding of one image file: pixels as they are to be shown, with all bits that the file has."""

from __future__ import annotations

import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Callable, NamedTuple, TypeVar, Union

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL import ImageFile as PillowFile

from ..sources import DataError
from .image_folder import ImageFile, shown, stamp

Result = TypeVar("Result")

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""The formats that are opened, whatever a file is called. EPS, which would start Ghostscript, is none of them."""

MOST_PIXELS = 1 << 26
"""The most pixels of an image."""

FEW_PIXELS, PIXELS_A_BYTE = 1 << 22, 1100
"""Beyond the first, an image may have so many pixels for each byte of its file: more than deflate can hold."""

MOST_BYTES = 1 << 29
"""The largest file: that of :data:`MOST_PIXELS` with 16 bits of three colours, uncompressed, is smaller."""

WHITE: dict[np.dtype, float] = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}
"""The value of full intensity in each dtype of pixels, from shallow to deep."""

_MAY_HOLD_ORIENTATION = (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp")
"""Of a PNG. Pillow decodes all of it to look for them, as they may come last."""


class Header(NamedTuple):
    """What is known of an image before it is decoded."""

    height: int
    width: int
    colour: bool
    """Whether it may have colours."""
    pixel_dtype: np.dtype
    """One of :data:`WHITE`."""


class Refused(Exception):
    """An image is not one that can be read. The message goes on from its path."""


def attempt(function: Callable[..., Result], file: ImageFile, *arguments: object) -> Union[Result, DataError]:
    """Call a function with an image file that is open, and further arguments.

    Returns
    -------
    object or DataError
        What the function returns, or what is wrong with the file.
    """
    try:
        with _opened(file) as stream:
            return function(stream, *arguments)
    except Refused as error:
        reason = str(error)
    except UnidentifiedImageError:
        reason = f"is none of {', '.join(FORMATS)}, or is broken: replace or remove it"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        reason = f"has more than {MOST_PIXELS} pixels: make it smaller"
    except Exception as error:  # Pillow raises nearly anything at a broken file
        reason = f"cannot be read as an image: {error or type(error).__name__}"
    return DataError(f"{shown(file.path)} {reason}")


@contextmanager
def _opened(file: ImageFile) -> Iterator[BinaryIO]:
    # a pipe that takes the file's place in the meantime does not block, and a link is not followed
    descriptor = os.open(file.real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or stamp(status) != file.stamp:
            raise Refused("was changed while the folder was read: try again")
        if status.st_size > MOST_BYTES:
            raise Refused(f"has {status.st_size} bytes, more than {MOST_BYTES}: make it smaller")
        yield stream


def _open(stream: BinaryIO) -> Any:
    stream.seek(0)
    return Image.open(stream, formats=FORMATS)


def read_header(stream: BinaryIO) -> Header:
    """Read what is known of an image before it is decoded.

    Raises
    ------
    Refused
        If it has too many pixels, several frames, or a depth that is not understood.
    """
    with _open(stream) as image:
        size = image.size
        if image.format == "TIFF":  # some versions of Pillow have turned the size, others have not
            size = image.tag_v2[256], image.tag_v2[257]
            # Pillow leaves what no strip covers black
            if sum((right - left) * (low - top) for _, (left, top, right, low), *_ in image.tile) < size[0] * size[1]:
                raise Refused("lacks some of its pixels: it is broken")
        if not 0 < size[0] * size[1] <= MOST_PIXELS:
            raise Refused(f"has {size[1]}×{size[0]} pixels, more than {MOST_PIXELS} or none: make it smaller")
        held = os.fstat(stream.fileno()).st_size
        if size[0] * size[1] > FEW_PIXELS + PIXELS_A_BYTE * held:
            raise Refused(f"claims {size[1]}×{size[0]} pixels and has {held} bytes: it is broken; replace or remove it")
        # further pictures in a JPEG file (MPO) are previews
        if getattr(image, "is_animated", False) and image.format != "MPO":
            raise Refused("holds several frames: save each as a file, or only one of them")
        dtype = _dtype(image)
        width, height = size[::-1] if _orientation(image, stream) > 4 else size
        return Header(height, width, not image.mode.startswith(("1", "L", "I", "F")) or image.mode == "LAB", dtype)


def _orientation(image: Any, stream: BinaryIO) -> int:
    if image.format == "PNG":
        stream.seek(0)
        content = stream.read()
        if not any(name in content for name in _MAY_HOLD_ORIENTATION):
            return 1
    return image.getexif().get(274, 1)


def _dtype(image: Any) -> np.dtype:
    if image.mode.startswith("I"):
        return np.dtype(np.uint16)
    if image.mode == "F":
        return np.dtype(np.float32)
    bits = image.tag_v2.get(258, (8,)) if image.format == "TIFF" else (8,)
    if "LA;16B" in _raw_modes(image) or (max(bits) > 8 and not _is_deep_colour(image)):
        raise Refused(f"has 16 bits in a form that is not read ({image.mode}): save it as grey or RGB without alpha")
    return np.dtype(np.uint16 if _is_deep_colour(image) else np.uint8)


def _raw_modes(image: Any) -> set[str]:
    """Return how the pixels lie in the file, in Pillow's names such as "RGB;16B"."""
    arguments = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in image.tile]
    return {argument[0] for argument in arguments if argument and isinstance(argument[0], str)}


def _is_deep_colour(image: Any) -> bool:
    return image.mode in ("RGB", "RGBA") and any(raw[:-1].endswith(";16") for raw in _raw_modes(image))


def read_pixels(stream: BinaryIO) -> np.ndarray:
    """Read the pixels of an image, turned as its EXIF orientation says.

    Palettes, CMYK, YCbCr and LAB become RGB. An alpha channel or a transparent colour is dropped if all pixels are
    opaque. Profiles of colour are not applied.

    Returns
    -------
    np.ndarray
        ``(H, W)`` or ``(H, W, 3)``, of a dtype of :data:`WHITE`.

    Raises
    ------
    Refused
        If pixels are transparent, integers beyond 16 bits, or floats beyond [0, 1].
    """
    with _open(stream) as image:
        if _is_deep_colour(image):
            return _deep_colour(stream)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith(("I", "F")):
            values = np.asarray(image)
            _check_opaque(not (values == image.info.get("transparency")).any())
            return _fractions(values) if image.mode == "F" else _sixteen_bits(values)
        _check_opaque(not image.has_transparency_data or image.convert("RGBA").getextrema()[3][0] == 255)
        if image.mode == "LAB":
            return np.asarray(ImageCms.applyTransform(image, _lab_to_rgb()))
        mode = "L" if image.mode in ("1", "L", "LA") else "RGB"
        return np.asarray(image if image.mode == mode else image.convert(mode))


def _check_opaque(opaque: Any) -> None:
    if not opaque:
        raise Refused("is transparent in places: put it on a background first")


def _lab_to_rgb() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")


def _fractions(values: np.ndarray) -> np.ndarray:
    if not ((values >= 0) & (values <= 1)).all():
        raise Refused(
            f"has floating-point values from {values.min():.4g} to {values.max():.4g}: scale them to lie from 0 to 1"
        )
    return values


def _sixteen_bits(values: np.ndarray) -> np.ndarray:
    low, high = values.min(), values.max()
    if low < 0 or high > 65535:
        raise Refused(f"has values from {low} to {high}, which are not of 16 bits: scale them to lie from 0 to 65535")
    return values.astype(np.uint16)


def _deep_colour(stream: BinaryIO) -> np.ndarray:
    """Read colours of 16 bits, of which Pillow unpacks the high bytes: with the order of bytes exchanged, the low."""
    halves = []
    for exchanged in (False, True):
        with _open(stream) as image:
            if exchanged:
                image.tile = [_exchanged(tile) for tile in image.tile]
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            halves.append(np.asarray(image).astype(np.uint16))
    values = halves[0] << 8 | halves[1]
    colours, alpha = values[..., :3], values[..., 3:]
    _check_opaque((alpha == 65535).all() and not (colours == image.info.get("transparency", (-1,) * 3)).all(-1).any())
    return colours


def _exchanged(tile: Any) -> Any:
    low_first = "B" if sys.byteorder == "little" else "L"
    others = {"B": "L", "L": "B", "N": low_first}
    first, rest = (tile[3], None) if isinstance(tile[3], str) else (tile[3][0], tile[3][1:])
    raw = first[:-1] + others[first[-1]]
    arguments = raw if rest is None else (raw, *rest)
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)


@contextmanager
def strict_and_quiet() -> Iterator[None]:
    """Discard Pillow's warnings, in all threads that run meanwhile, also where warnings are errors.

    Truncated images are errors meanwhile: a part of GluonCV sets Pillow to show what there is of them, the rest grey.
    """
    shows_truncated = PillowFile.LOAD_TRUNCATED_IMAGES
    PillowFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PillowFile.LOAD_TRUNCATED_IMAGES = shows_truncated
