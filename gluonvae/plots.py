"""Plots of images, learning curves and the training graph. The only module that imports matplotlib."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Optional, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import checks
from .backend.operators import as_numpy
from .backend.runtime import mx
from .backend.types import ArrayLike
from .files import replacing
from .graph import training_graph
from .models import VAE
from .networks import Layout
from .objectives import Objective
from .training import History

PathLike = Union[str, Path]
Shape = Optional[Sequence[int]]

Limits = Optional[Sequence[float]]
"""The values that are drawn black and white, (low, high); values beyond are clipped. None stands for 0 and 1, or for
0 and the largest value if that is above 1."""

DPI = 150
"""Pixels an inch of a picture."""
PIXELS = 2**23
"""The most pixels of a grid of images: those of more are drawn smaller."""


def plot_images(
    images: ArrayLike, path: PathLike, shape: Shape = None, columns: Optional[int] = None, limits: Limits = None
) -> None:
    """Plot images in a grid, row by row.

    Parameters
    ----------
    images : ArrayLike
        ``(N, X)``.
    path : str or Path
        The file to write, ending in .png, .svg or .pdf.
    shape : Sequence[int], optional
        Shape of one image, ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)`` with one or three colours; by default square.
    columns : int, optional
        Number of columns of the grid; by default 10, and of more than 100 images as many as rows.
    limits : Sequence[float], optional
        Values drawn black and white, (low, high); by default 0 and 1, or 0 and the largest value if that is above 1.

    Raises
    ------
    ValueError
        If the images have no such shape, or the suffix of the file is another.
    """
    columns = max(10, math.ceil(math.sqrt(len(images)))) if columns is None else checks.positive_int("columns", columns)
    figure, _ = _grid(_as_images(images, shape), columns, limits)
    _save(figure, path)


def plot_reconstructions(
    data: ArrayLike, reconstructions: ArrayLike, path: PathLike, shape: Shape = None, limits: Limits = None
) -> None:
    """Plot each image in a row with its reconstructions to the right.

    Parameters
    ----------
    data : ArrayLike
        The images, ``(B, X)``.
    reconstructions : ArrayLike
        n reconstructions of each image, ``(n, B, X)``.
    path : str or Path
        The file to write, ending in .png, .svg or .pdf.
    shape : Sequence[int], optional
        Shape of one image, see :func:`plot_images`.
    limits : Sequence[float], optional
        Values drawn black and white, see :func:`plot_images`.

    Raises
    ------
    ValueError
        If the images or reconstructions have no such shape, or the suffix of the file is another.
    """
    originals = _as_images(data, shape)
    several = np.stack([_as_images(images, shape) for images in reconstructions])
    if several.shape[1:] != originals.shape:
        raise ValueError(f"reconstructions must be (n, {len(originals)}, X), got {as_numpy(reconstructions).shape}")
    rows = np.concatenate([originals[None], several]).swapaxes(0, 1)
    figure, axis = _grid(rows.reshape(-1, *originals.shape[1:]), rows.shape[1], limits)
    axis.set_title("left: the original; to its right: reconstructions", fontsize=7, loc="left")
    _save(figure, path)


def plot_history(history: History, path: PathLike) -> None:
    """Plot the bound, the log-likelihood and the KL divergence, in nats, against the epoch.

    Parameters
    ----------
    history : History
        What :func:`gluonvae.fit` returned.
    path : str or Path
        The file to write, ending in .png, .svg or .pdf.

    Raises
    ------
    ValueError
        If there is no epoch in the history, or the suffix of the file is another.
    """
    if not len(history):
        raise ValueError("history is empty: not one epoch was finished")
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    titles = {"bound": "bound", "log_likelihood": "log-likelihood", "kl": "KL divergence"}
    marker = "." if len(history) < 30 else None
    for axis, (term, title) in zip(figure.subplots(1, 3), titles.items()):
        for part, label in (("train", "training"), ("valid", "validation")):
            if f"{part}_{term}" in history.rows[0]:
                axis.plot(history["epoch"], history[f"{part}_{term}"], label=label, marker=marker)
        axis.set(title=title, xlabel="epoch", ylabel="nats per data point")
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, path)


def plot_network(model: Union[VAE, Objective], path: PathLike) -> None:
    """Draw the training graph. :func:`gluonvae.summary` gives the same as text.

    Parameters
    ----------
    model : VAE or Objective
        An objective, or a VAE, whose :class:`gluonvae.ELBO` is drawn.
    path : str or Path
        The file to write, ending in .png, .svg or .pdf.

    Raises
    ------
    RuntimeError
        If the program ``dot`` of Graphviz is not installed.
    ValueError
        If the suffix of the file is another.
    """
    path = _picture(path)
    if shutil.which("dot") is None:
        raise RuntimeError(
            "drawing a network needs the program 'dot' of Graphviz, which is not installed "
            "(Debian and Ubuntu: apt install graphviz; macOS: brew install graphviz). "
            "gluonvae.summary(vae) gives the same as text without it"
        )
    symbol, shapes = training_graph(model)
    graph = mx.viz.plot_network(
        symbol, title="training graph", shape=shapes, hide_weights=True, node_attrs={"fixedsize": "false"}
    )
    graph.format = path.suffix[1:]
    with replacing(path) as part:
        part.write_bytes(graph.pipe())


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


def _as_images(images: ArrayLike, shape: Shape) -> np.ndarray:
    """Return images ``(N, X)`` in the shape in which they are drawn."""
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


def _grid(images: np.ndarray, columns: int, limits: Limits) -> tuple[Figure, Axes]:
    """Return a figure of images ``(N, H, W, ...)`` side by side, two grey pixels apart."""
    rows, blank = math.ceil(len(images) / columns), -len(images) % columns
    low, high = limits or (0.0, max(1.0, float(images.max())))
    # bytes, and the three colours of grey, of which matplotlib makes fewer copies than of fractions
    images = np.rint(255 * np.clip((images - low) / ((high - low) or 1.0), 0, 1)).astype(np.uint8)
    images = images[..., None].repeat(3, -1) if images.ndim == 3 else images
    tiles = np.pad(images, [(0, blank), (1, 1), (1, 1), (0, 0)], constant_values=128)
    height, width = tiles.shape[1:3]
    tiles = tiles.reshape(rows, columns, *tiles.shape[1:]).swapaxes(1, 2)
    # matplotlib takes a hundred bytes of memory for a pixel of the picture
    most = math.sqrt(PIXELS / (rows * columns * height / width)) / DPI
    size = min(0.6, most)
    figure = Figure(figsize=(size * columns, size * rows * height / width + 0.3), layout="constrained")
    axis = figure.subplots()
    axis.imshow(tiles.reshape(rows * height, columns * width, 3))
    axis.axis("off")
    return figure, axis


def _picture(path: PathLike) -> Path:
    """Check the suffix of a file name."""
    path = Path(path)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"the name of a picture must end in .png, .svg or .pdf, got {path.name}")
    return path


def _save(figure: Figure, path: PathLike) -> None:
    with replacing(_picture(path)) as part:
        figure.savefig(part, dpi=DPI)
