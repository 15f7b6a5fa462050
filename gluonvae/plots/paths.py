"""Pictures of ways through the latent space of a model: between data points, along a variable, and all of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np
import scipy.stats

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import Label
from ..batches import to_device
from ..evaluation.estimates import in_predict_mode
from ..models import VAE
from ..noise import NoiseSpec
from .encoded import as_dataset, label_rows, latent_draws, latent_means
from .figure import NotebookFigure, PathLike, finished
from .grid import Limits, Shape, as_bytes, as_images, draw_grid
from .images import plot_images

PERCENTILES = (1, 99)
"""Of the latent states of the data: between which a latent variable is traversed."""


def plot_interpolations(
    vae: VAE,
    start: Any,
    end: Any,
    path: Optional[PathLike] = None,
    *,
    steps: int = 8,
    seed: int = 0,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Plot what is decoded on the straight line between the latent means of two images, a row for each pair.

    Parameters
    ----------
    vae : VAE
        The model. Labels, where it takes them, change along the line too, from those of ``start`` to those of ``end``.
    start, end : Dataset or array
        ``(B, X)`` each. They are shown on the left and on the right.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    steps : int
        How many images are decoded, the ends of the line among them.
    seed, shape, limits
        See :func:`plot_samples`; by default those of the data.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are not as many images in ``start`` as in ``end``.
    """
    ends = [as_dataset(vae, data).drawn_once(seed) for data in (start, end)]
    if len(ends[0]) != len(ends[1]):
        raise ValueError(f"start and end must be as many images, got {len(ends[0])} and {len(ends[1])}")
    shape, limits = shape or ends[0].shape, limits or ends[0].limits
    along = np.linspace(0, 1, checks.positive_int("steps", steps))
    latent_state = _between([latent_means(vae, data, seed) for data in ends], along)
    labels: Any = [label_rows(vae, data) for data in ends]
    means = as_images(vae.decode(latent_state, label=_between(labels, along) if vae.label_size else None), shape)
    first, last = (as_images(data.batch(slice(None)), shape)[:, None] for data in ends)
    rows = np.concatenate([first, means.reshape(len(first), steps, *means.shape[1:]), last], axis=1)
    cells = as_bytes(rows.reshape(-1, *means.shape[1:]), limits)
    title = "from the latent mean of the image on the left to that of the image on the right"
    return finished(draw_grid(cells, steps + 2, title), path)


def _between(ends: Sequence[np.ndarray], along: np.ndarray) -> np.ndarray:
    """Points on the lines between two ends, ``(B, D)`` each, a line after the other: ``(B * steps, D)``."""
    start, end = ends
    lines = start[:, None] + along[:, None] * (end - start)[:, None]
    return lines.reshape(-1, start.shape[1]).astype(np.float32)


def plot_traversals(
    vae: VAE,
    data: Any,
    path: Optional[PathLike] = None,
    *,
    variables: Union[int, Sequence[int]] = 10,
    steps: int = 9,
    seed: int = 0,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Plot what is decoded as one latent variable changes and the others stay, a row for each variable.

    The others have the mean of q(z | x) of the first data point. The variable goes from the 1st to the 99th percentile
    of the latent states of the data.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        ``(N, X)``, with labels for a model that takes them: a few hundred data points are enough.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    variables : int or sequence of int
        The variables, by number from 0, or how many of them: those that tell data points apart best, by the
        correlation of two latent states of the same data point.
    steps : int
        The number of columns.
    seed, shape, limits
        See :func:`plot_samples`; by default those of the data.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For numbers of variables that the model does not have.
    """
    data, steps = as_dataset(vae, data).drawn_once(seed), checks.positive_int("steps", steps)
    drawn = latent_draws(vae, data, 2, seed)
    chosen = _variables(variables, drawn)
    first = data.subset(slice(1))
    base = latent_means(vae, first, seed)[0]
    low, high = np.percentile(drawn, PERCENTILES, axis=(0, 1))
    latent_state = np.tile(base, (len(chosen), steps, 1))
    for row, variable in enumerate(chosen):
        latent_state[row, :, variable] = np.linspace(low[variable], high[variable], steps)
    label = label_rows(vae, first)
    labels = None if label is None else np.repeat(label, len(chosen) * steps, axis=0)
    images = vae.decode(latent_state.reshape(-1, len(base)), label=labels)
    title = "one latent variable changes in each row, from the 1st to the 99th percentile"
    names = [f"z{variable}" for variable in chosen]
    return plot_images(images, path, shape or data.shape, steps, limits or data.limits, title, names)


def _variables(asked: Union[int, Sequence[int]], drawn: np.ndarray) -> list[int]:
    """The numbers of the variables asked for; ``drawn`` are two latent states a data point, ``(2, N, D)``."""
    size = drawn.shape[-1]
    if not isinstance(asked, (int, np.integer)):
        wrong = [number for number in asked if not 0 <= number < size]
        if wrong:
            raise ValueError(f"variables must be from 0 to {size - 1}, got {wrong[0]}")
        return list(asked)
    one, other = drawn - drawn.mean(axis=1, keepdims=True)
    explained = (one * other).mean(axis=0) / np.maximum(drawn.var(axis=1).mean(axis=0), 1e-12)
    return [int(number) for number in np.argsort(-explained, kind="stable")[: checks.positive_int("variables", asked)]]


@in_predict_mode
def plot_manifold(
    vae: VAE,
    path: Optional[PathLike] = None,
    *,
    n: int = 20,
    label: Optional[Label] = None,
    shape: Shape = None,
    limits: Limits = None,
) -> NotebookFigure:
    """Plot the images of a model with two latent variables, over the quantiles of their prior.

    Rows and columns are n quantiles of a standard normal, 1 / 2n, 3 / 2n, ..., which the prior maps to latent states
    (Kingma and Welling 2014, figure 4): the first variable grows to the right and the second upwards.

    Parameters
    ----------
    vae : VAE
        The model.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    n : int
        The number of rows, and of columns.
    label : optional
        One label for all images, in a model that takes it.
    shape, limits
        See :func:`plot_images`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For a model of which p(z) is not drawn by two standard normal numbers.
    """
    n = checks.positive_int("n", n)
    if vae.prior.noise != NoiseSpec("normal", 2):
        raise ValueError(
            f"the manifold is of two latent variables that are drawn by normal noise; this {type(vae).__name__} has "
            f"{vae.latent_variable_size} and the prior {type(vae.prior).__name__}: plot_traversals shows others"
        )
    quantiles = scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    noise = np.stack(np.meshgrid(quantiles, quantiles[::-1]), axis=-1).reshape(-1, 2)
    images = as_images(as_numpy(vae.phantasize(n * n, "mean", to_device(vae, noise), label)), shape)
    title = f"latent space, {n} × {n} quantiles of the prior"
    return finished(draw_grid(as_bytes(images, limits), n, title, gap=0), path)
