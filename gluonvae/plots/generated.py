"""Pictures of what a model generates: samples and reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.structures import map_structure
from ..backend.types import Label
from ..evaluation.estimates import in_predict_mode
from ..models import VAE, ConditionalVAE
from ..noise import seeded
from .encoded import as_dataset, predicted
from .figure import NotebookFigure, PathLike, finished
from .grid import Limits, Shape, as_bytes, as_images, draw_grid, signed_as_bytes
from .images import plot_images


@in_predict_mode
def plot_samples(
    vae: VAE,
    path: Optional[PathLike] = None,
    *,
    n: int = 100,
    image: str = "mean",
    label: Optional[Label] = None,
    seed: int = 0,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Draw images from a model and plot them, with their number and the seed in the title.

    Parameters
    ----------
    vae : VAE
        The model.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    n : int
        The number of images.
    image : {"sample", "mean", "mode"}
        See :meth:`gluonvae.VAE.phantasize`.
    label : optional
        See :meth:`gluonvae.VAE.phantasize`.
    seed : int
        Seed of the noise: the same seed gives the same images, and what is drawn later does not depend on them.
    shape, limits
        See :func:`plot_images`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with seeded(seed):
        images = vae.phantasize(n, image, label=label)
    return plot_images(images, path, shape, limits=limits, title=f"{n} samples ({image}), seed {seed}")


@in_predict_mode
def plot_by_label(
    vae: ConditionalVAE,
    path: Optional[PathLike] = None,
    *,
    labels: Optional[Sequence[Any]] = None,
    columns: int = 10,
    image: str = "mean",
    seed: int = 0,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Plot a row of images for each label. Those of a column are drawn with the same noise.

    Parameters
    ----------
    vae : ConditionalVAE
        The model.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    labels : sequence, optional
        Classes ``(R,)``, or conditions ``(R, Y)``; by default all classes.
    columns : int
        How many images there are of each label.
    image, seed, shape, limits
        See :func:`plot_samples`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError
        For a model without labels.
    ValueError
        For labels that the model does not know, and where a condition is a single number and no labels are given.
    """
    if not isinstance(vae, ConditionalVAE):
        raise TypeError(f"plot_by_label is of a model with labels, a ConditionalVAE, not {type(vae).__name__}")
    columns = checks.positive_int("columns", columns)
    rows = _all_classes(vae) if labels is None else np.asarray(labels)
    with seeded(seed):
        # the noise of a row, for every row
        noise = map_structure(lambda leaf: leaf.tile((len(rows), 1)), vae.draw_noise(vae.prior.noise, columns))
        images = vae.phantasize(len(rows) * columns, image, noise, np.repeat(rows, columns, axis=0))
    names = [", ".join(f"{of:.3g}" for of in row) if np.ndim(row) else str(row) for row in rows]
    title = f"samples ({image}) by label, seed {seed}"
    return plot_images(images, path, shape, columns, limits, title, names)


def _all_classes(vae: ConditionalVAE) -> np.ndarray:
    if vae.label_size == 1:
        raise ValueError("labels is missing: the condition of each row, a number")
    return np.asarray(range(vae.label_size) if vae.class_names is None else vae.class_names)


def plot_reconstruction_error(
    vae: VAE,
    data: Any,
    path: Optional[PathLike] = None,
    *,
    n: int = 10,
    seed: int = 0,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Plot images, the mean of p(x | z) for a latent state of each, a draw from it, and how far the mean is off.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        ``(N, X)``, with labels for a model that takes them.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    n : int
        How many images are shown, the first ones.
    seed, shape, limits
        See :func:`plot_samples`; by default those of the data.

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = as_dataset(vae, data).subset(slice(checks.positive_int("n", n))).drawn_once(seed)
    shape, limits = shape or shown.shape, limits or shown.limits
    # the same latent states for mean and draw: the same noise
    (mean,), (draw,) = (predicted(vae, shown, 1, seed, lambda drawn: drawn, image) for image in ("mean", "sample"))
    original, mean, draw = (as_images(images, shape) for images in (shown.batch(slice(None)), mean, draw))
    rows = as_bytes(np.concatenate([original, mean, draw]), limits)
    cells = np.concatenate([rows, signed_as_bytes(mean - original)])
    names = ("original", "mean", "draw", "mean − original")
    title = "reconstructions; in the last row, red is too bright and blue too dark"
    return finished(draw_grid(cells, len(shown), title, names), path)
