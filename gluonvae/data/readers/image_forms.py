"""Images of one size, one depth, and in colour or grey."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .image_decoding import WHITE

_LUMA = np.array([19595, 38470, 7471], np.uint32)
"""Shares of red, green and blue in the luma of ITU-R BT.601, of 65536; as Pillow's."""


def fitted(values: np.ndarray, size: tuple[int, int], crop: bool, resize: bool) -> np.ndarray:
    """Bring an image to a size.

    Parameters
    ----------
    values : np.ndarray
        ``(h, w)`` or ``(h, w, 3)``.
    size : tuple[int, int]
        H and W.
    crop : bool
        Whether to cut it at the centre: to the proportions of ``size``, or without ``resize`` to ``size``.
    resize : bool
        Whether to scale it, bilinearly; where it becomes smaller, over the area of a pixel.

    Returns
    -------
    np.ndarray
        ``(H, W)`` or ``(H, W, 3)``.
    """
    if crop:
        given = values.shape[:2]
        scale = min(have / want for have, want in zip(given, size)) if resize else 1
        cut = [max(1, round(want * scale)) for want in size]
        top, left = ((have - want) // 2 for have, want in zip(given, cut))
        values = values[top : top + cut[0], left : left + cut[1]]
    return _scaled(values, size) if resize else values


def _scaled(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    def of(plane: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BILINEAR))

    if values.dtype == np.uint8:
        return of(values)
    planes = np.moveaxis(values.astype(np.float32), -1, 0) if values.ndim == 3 else values.astype(np.float32)[None]
    scaled = np.stack([of(plane) for plane in planes], axis=-1).reshape(*size, *values.shape[2:])
    return (np.rint(scaled) if values.dtype.kind == "u" else scaled).astype(values.dtype)


def write_pixels(target: np.ndarray, values: np.ndarray) -> None:
    """Write an image to its place among others, in their depth and channels.

    Parameters
    ----------
    target : np.ndarray
        ``(H, W)`` or ``(H, W, 3)``, at least as deep as ``values``. Grey is the luma of colours (ITU-R BT.601).
    values : np.ndarray
        ``(H, W)`` or ``(H, W, 3)``.
    """
    if target.ndim < values.ndim:
        values = ((values.astype(np.uint32) @ _LUMA + 32768) >> 16).astype(values.dtype)
    elif target.ndim > values.ndim:
        values = values[..., None]
    if target.dtype.kind == "f" != values.dtype.kind:
        values = values / np.float32(WHITE[values.dtype])
    elif target.dtype != values.dtype:
        values = values.astype(np.uint16) * np.uint16(257)
    target[...] = values


def has_colour(values: np.ndarray) -> bool:
    """Return whether a pixel of ``(H, W, 3)`` or ``(H, W)`` has unequal channels."""
    return values.ndim == 3 and bool((values != values[..., :1]).any())


def white_of_depth(largest: int) -> float:
    """Return the full intensity of images with 16 bits, by the depth of which their largest value is.

    Parameters
    ----------
    largest : int
        The largest value in all of them.

    Returns
    -------
    float
        65535, or that of 8, 10, 12 or 14 bits if all values fit: cameras and microscopes leave the others empty.
    """
    return float(next(2**bits - 1 for bits in (8, 10, 12, 14, 16) if largest < 2**bits or bits == 16))
