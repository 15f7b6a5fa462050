"""Pictures of images that are there already: of data, of samples, of reconstructions."""

from __future__ import annotations

import math
from typing import Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from .figure import NotebookFigure, PathLike, finished
from .grid import Labels, Limits, Shape, as_bytes, as_images, draw_grid


def plot_images(
    images: ArrayLike,
    path: Optional[PathLike] = None,
    shape: Shape = None,
    columns: Optional[int] = None,
    limits: Limits = None,
    title: Optional[str] = None,
    row_labels: Labels = None,
    column_labels: Labels = None,
) -> NotebookFigure:
    """Plot images in a grid, row by row.

    Parameters
    ----------
    images : ArrayLike
        ``(N, X)``.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    shape : Sequence[int], optional
        Shape of one image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)`` with one or three colours; by default square.
    columns : int, optional
        Number of columns of the grid; by default 10, and of more than 100 images as many as rows.
    limits : Sequence[float], optional
        Values drawn black and white, (low, high); by default 0 and 1, or 0 and the largest value if that is above 1.
    title : str, optional
    row_labels, column_labels : sequence, optional
        What is written beside each row and above each column.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the images have no such shape, there is another number of labels, or the suffix of the file is another.
    """
    drawn = as_bytes(as_images(images, shape), limits)
    by_default = max(min(10, len(drawn)), math.ceil(math.sqrt(len(drawn))))
    columns = by_default if columns is None else checks.positive_int("columns", columns)
    return finished(draw_grid(drawn, columns, title, row_labels, column_labels), path)


def plot_reconstructions(
    data: ArrayLike,
    reconstructions: ArrayLike,
    path: Optional[PathLike] = None,
    shape: Shape = None,
    limits: Limits = None,
    title: Optional[str] = None,
) -> NotebookFigure:
    """Plot each image in a row with its reconstructions to the right.

    Parameters
    ----------
    data : ArrayLike
        The images, ``(B, X)``.
    reconstructions : ArrayLike
        n reconstructions of each image, ``(n, B, X)``.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    shape : Sequence[int], optional
        Shape of one image, see :func:`plot_images`.
    limits : Sequence[float], optional
        Values drawn black and white, see :func:`plot_images`.
    title : str, optional
        By default one that says where the originals are.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the images or reconstructions have no such shape, or the suffix of the file is another.
    """
    originals = as_images(data, shape)
    several = np.stack([as_images(images, shape) for images in reconstructions])
    if several.shape[1:] != originals.shape:
        raise ValueError(f"reconstructions must be (n, {len(originals)}, X), got {as_numpy(reconstructions).shape}")
    rows = np.concatenate([originals[None], several]).swapaxes(0, 1)
    drawn = as_bytes(rows.reshape(-1, *originals.shape[1:]), limits)
    title = "left: the original; to its right: reconstructions" if title is None else title
    return finished(draw_grid(drawn, rows.shape[1], title), path)
