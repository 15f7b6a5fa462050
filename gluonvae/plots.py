"""Pictures: curves, images and the network's graph. The only module that imports matplotlib."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from matplotlib.figure import Figure

from . import checks
from .backend.runtime import mx
from .files import replacing
from .graph import training_graph
from .models.vae import VAE
from .objectives import Objective
from .training.fit import History

PathLike = Union[str, Path]


Limits = Optional[Sequence[float]]
"""The values drawn black and white, (low, high); those beyond are drawn as these. By default 0, and 1 or the
largest value if that is more."""


def plot_images(
    images: Any, path: PathLike, shape: Optional[Sequence[int]] = None, columns: int = 10, limits: Limits = None
) -> None:
    """Write a grid of images ``(N, X)``, row by row.

    Parameters
    ----------
    shape : of one image, see :func:`picture_shape`; by default square.
    limits : see :data:`Limits`.
    """
    figure, _ = _grid(_as_images(images, shape), checks.positive_int("columns", columns), limits)
    _save(figure, path)


def plot_reconstructions(
    data: Any, reconstructions: Any, path: PathLike, shape: Optional[Sequence[int]] = None, limits: Limits = None
) -> None:
    """Write each of ``data`` ``(B, X)`` with its ``reconstructions`` ``(n, B, X)`` to the right of it;
    ``shape`` and ``limits`` are those of :func:`plot_images`."""
    originals = _as_images(data, shape)
    several = np.stack([_as_images(images, shape) for images in reconstructions])
    if several.shape[1:] != originals.shape:
        raise ValueError(f"reconstructions must be (n, {len(originals)}, X), got {reconstructions.shape}")
    rows = np.concatenate([originals[None], several]).swapaxes(0, 1)
    figure, axis = _grid(rows.reshape(-1, *originals.shape[1:]), rows.shape[1], limits)
    axis.set_title("left: the original; to its right: reconstructions", fontsize=7, loc="left")
    _save(figure, path)


def plot_history(history: History, path: PathLike) -> None:
    """Write the bound, its log-likelihood and its KL, in nats, against the epoch."""
    if not len(history):
        raise ValueError("history is empty: not one epoch was finished")
    figure = Figure(figsize=(10, 3.2), layout="constrained")
    titles = {"bound": "bound", "log_likelihood": "log-likelihood", "kl": "KL divergence"}
    for axis, (term, title) in zip(figure.subplots(1, 3), titles.items()):
        for part, label in (("train", "training"), ("valid", "validation")):
            if f"{part}_{term}" in history.rows[0]:
                axis.plot(
                    history["epoch"], history[f"{part}_{term}"], label=label, marker="." if len(history) < 30 else None
                )
        axis.set(title=title, xlabel="epoch", ylabel="nats per image")
        axis.grid(alpha=0.3)
        axis.legend()
    _save(figure, path)


def plot_network(model: Union[VAE, Objective], path: PathLike) -> None:
    """Draw the training graph into a file, whose suffix (.png, .svg, .pdf) is the format.

    Raises RuntimeError where the program ``dot`` of Graphviz is not installed;
    :func:`gluonvae.summary` needs nothing.
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
    """How an image of ``shape`` is drawn: ``(H, W)`` or ``(H, W, 3)``, a square for a row of so many
    values; None where it is no picture. Colours may come first or last."""
    shape = tuple(shape)
    side = math.isqrt(math.prod(shape))
    if len(shape) == 1:
        return (side, side) if side * side == shape[0] else None
    if len(shape) == 3:
        colours = shape[0] if shape[0] in (1, 3) else shape[2]
        height, width = shape[1:] if shape[0] in (1, 3) else shape[:2]
        return {1: (height, width), 3: (height, width, 3)}.get(colours)
    return shape if len(shape) == 2 else None


def _as_images(images: Any, shape: Optional[Sequence[int]]) -> np.ndarray:
    array = images.asnumpy() if hasattr(images, "asnumpy") else np.asarray(images)
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


def _grid(images: np.ndarray, columns: int, limits: Limits) -> tuple[Figure, Any]:
    """A figure with ``images`` ``(N, H, W, ...)`` side by side, two grey pixels apart."""
    rows, blank = math.ceil(len(images) / columns), -len(images) % columns
    low, high = limits or (0.0, max(1.0, float(images.max())))
    images = np.clip((images - low) / ((high - low) or 1.0), 0, 1)
    edges = [(0, 0)] * (images.ndim - 3)
    tiles = np.pad(images, [(0, blank), (1, 1), (1, 1), *edges], constant_values=0.5)
    height, width = tiles.shape[1:3]
    tiles = tiles.reshape(rows, columns, *tiles.shape[1:]).swapaxes(1, 2)
    figure = Figure(figsize=(0.6 * columns, 0.6 * rows * height / width + 0.3), layout="constrained")
    axis = figure.subplots()
    axis.imshow(tiles.reshape(rows * height, columns * width, *tiles.shape[4:]), cmap="gray", vmin=0, vmax=1)
    axis.axis("off")
    return figure, axis


def _picture(path: PathLike) -> Path:
    path = Path(path)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"the name of a picture must end in .png, .svg or .pdf, got {path.name}")
    return path


def _save(figure: Figure, path: PathLike) -> None:
    with replacing(_picture(path)) as part:
        figure.savefig(part, dpi=150)
