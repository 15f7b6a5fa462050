"""Images side by side, with labels of rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional

import numpy as np
from matplotlib import colormaps

from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from ..networks import Layout
from .figure import (
    DPI,
    LABEL_SIZE,
    PIXELS,
    TITLE_SIZE,
    NotebookFigure,
    figure_around,
    set_title,
    width_of_text,
    wrapped,
)

Shape = Optional[Sequence[int]]

Limits = Optional[Sequence[float]]
"""The values that are drawn black and white, (low, high); values beyond are clipped. None stands for 0 and 1, or for
0 and the largest value if that is above 1."""

Labels = Optional[Sequence[object]]
"""What is written beside rows or above columns."""

SMALL, IMAGE, WIDE = 0.3, 0.6, 2.0
"""Inches of an image among many, of one among a hundred and of one alone."""
WIDTH = 6.0
"""Inches of a grid of few images."""
MARGIN, PAD = 0.05, 0.1
"""Inches around the images, and between them and what is written."""
LINE = 1.3 / 72
"""Inches of a line of a point."""


def picture_shape(shape: Sequence[int]) -> Optional[tuple[int, ...]]:
    """Return the shape in which an image is drawn.

    Parameters
    ----------
    shape : Sequence[int]
        Shape of the image: ``(X,)`` with X a square number, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)`` with one or
        three colours.

    Returns
    -------
    tuple[int, ...] or None
        ``(H, W)`` or ``(H, W, 3)``; None for any other shape.
    """
    try:
        colours, height, width, _ = Layout.of(shape)
    except ValueError:
        return None
    return {1: (height, width), 3: (height, width, 3)}.get(colours)


def as_images(images: ArrayLike, shape: Shape) -> np.ndarray:
    """Return images ``(N, X)`` in the shape in which they are drawn, ``(N, H, W)`` or ``(N, H, W, 3)``."""
    array = as_numpy(images)
    if array.ndim != 2 or not len(array):
        raise ValueError(f"images must have shape (N, X), got {array.shape}")
    shape = tuple(shape or array.shape[1:])
    drawn = picture_shape(shape)
    if drawn is None:
        raise ValueError(f"images of shape {shape} cannot be drawn: pass shape=(height, width) or (height, width, 3)")
    if math.prod(shape) != array.shape[1]:
        raise ValueError(f"shape {shape} has {math.prod(shape)} values, the images have {array.shape[1]}")
    array = array.reshape(len(array), *shape)
    if len(shape) == 3 and shape[0] == 3:
        array = np.moveaxis(array, 1, -1)
    return array.reshape(len(array), *drawn)


def as_bytes(images: np.ndarray, limits: Limits) -> np.ndarray:
    """Return images ``(N, H, W)`` or ``(N, H, W, 3)`` in bytes of three colours, ``(N, H, W, 3)``."""
    low, high = limits or (0.0, max(1.0, float(images.max())))
    # matplotlib makes fewer copies of bytes than of fractions
    images = np.rint(255 * np.clip((images - low) / ((high - low) or 1.0), 0, 1)).astype(np.uint8)
    return images[..., None].repeat(3, -1) if images.ndim == 3 else images


def signed_as_bytes(images: np.ndarray) -> np.ndarray:
    """Return signed images, red above 0, blue below it and white at 0, in bytes of three colours ``(N, H, W, 3)``.

    Of images ``(N, H, W, 3)`` the mean over the colours is drawn.
    """
    images = images if images.ndim == 3 else images.mean(axis=-1)
    span = float(np.abs(images).max()) or 1.0
    return colormaps["RdBu_r"](0.5 + 0.5 * images / span, bytes=True)[..., :3]


def draw_grid(
    images: np.ndarray,
    columns: int,
    title: Optional[str] = None,
    row_labels: Labels = None,
    column_labels: Labels = None,
    gap: int = 1,
) -> NotebookFigure:
    """Return a figure of images side by side, row by row.

    Parameters
    ----------
    images : numpy.ndarray
        ``(N, H, W, 3)``, bytes.
    columns : int
        The number of columns; in the last row places may be empty.
    title : str, optional
    row_labels, column_labels : sequence, optional
        What is written beside each row and above each column.
    gap : int
        Pixels of grey around each image.

    Raises
    ------
    ValueError
        For another number of labels than there are rows or columns.
    """
    rows, (height, width) = math.ceil(len(images) / columns), images.shape[1:3]
    for name, labels, count in (("row_labels", row_labels, rows), ("column_labels", column_labels, columns)):
        if labels is not None and len(labels) != count:
            raise ValueError(f"{name} must be one for each of {count} {name.split('_')[0]}s, got {len(labels)}")
    size = _inches_of_an_image(rows, columns, height, width)
    # of a few large images each pixel is many, and the lines between them are still thin
    tiles = _tiles(images, max(1, round(size * DPI / width)), gap)
    height, width = tiles.shape[1:3]
    inside = size * columns, size * rows * height / width
    beside = max((width_of_text(str(label), LABEL_SIZE) + PAD for label in row_labels or ()), default=0)
    lines = wrapped(title, inside[0]).count("\n") + 1 if title else 0
    above = (lines * TITLE_SIZE * LINE + PAD if lines else 0) + (LABEL_SIZE * LINE if column_labels else 0)
    figure, axis = figure_around(inside, (MARGIN + beside, MARGIN, MARGIN, MARGIN + above))
    axis.imshow(_joined(tiles, rows, columns))
    axis.spines[:].set_visible(False)
    axis.xaxis.tick_top()
    axis.tick_params(length=0, labelsize=LABEL_SIZE, pad=2)
    for side, labels, step in (("y", row_labels, height), ("x", column_labels, width)):
        places = [] if labels is None else [(place + 0.5) * step - 0.5 for place in range(len(labels))]
        axis.set(**{f"{side}ticks": places, f"{side}ticklabels": list(map(str, labels or ()))})
    set_title(axis, title, inside[0])
    return figure


def _inches_of_an_image(rows: int, columns: int, height: int, width: int) -> float:
    """The width of an image: not less than its own pixels in the file, unless these are too many."""
    # matplotlib takes a hundred bytes of memory for a pixel of the picture
    most = math.sqrt(PIXELS / (rows * columns * height / width)) / DPI
    least = min(IMAGE, max(SMALL, width / DPI))
    return min(most, max(least, min(WIDE, WIDTH / columns)))


def _tiles(images: np.ndarray, scale: int, gap: int) -> np.ndarray:
    """Images ``(N, H, W, 3)`` enlarged by a whole number, with grey around them, opaque: ``(N, H, W, 4)``."""
    large = images.repeat(scale, axis=1).repeat(scale, axis=2)
    framed = np.pad(large, [(0, 0), (gap, gap), (gap, gap), (0, 0)], constant_values=128)
    return np.pad(framed, [(0, 0), (0, 0), (0, 0), (0, 1)], constant_values=255)


def _joined(tiles: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """One image of all tiles ``(N, H, W, 4)``, with nothing where places are empty."""
    height, width = tiles.shape[1:3]
    tiles = np.pad(tiles, [(0, rows * columns - len(tiles)), (0, 0), (0, 0), (0, 0)])
    tiles = tiles.reshape(rows, columns, height, width, 4).swapaxes(1, 2)
    return tiles.reshape(rows * height, columns * width, 4)
