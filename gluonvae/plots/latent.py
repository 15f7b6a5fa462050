"""Pictures of the latent code: where data points lie in it, and which of its variables are used."""

from __future__ import annotations

import importlib
from typing import Any, Callable, Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from .. import checks
from ..backend.types import ArrayLike
from ..evaluation import kl_by_dimension, kl_by_layer
from ..labels import MISSING, Labels, as_labels, has_classes
from ..models import VAE
from ..objectives.layered_kl import layers_of
from .encoded import as_dataset, latent_means, some_rows
from .figure import (
    COLOURS,
    LABEL_SIZE,
    NotebookFigure,
    PathLike,
    finished,
    new_figure,
    plain_axis,
    set_title,
)

MARKERS = "o^sDvP"
"""Classes beyond the tenth have a colour again, with another marker."""
MOST_CLASSES = len(COLOURS) * len(MARKERS)
NAMED = 40
"""Up to so many bars each have a name below them."""
USED = 0.01
"""Nats from which a latent variable counts as used."""


def plot_latent(
    vae: VAE,
    data: Any,
    path: Optional[PathLike] = None,
    *,
    labels: Optional[ArrayLike] = None,
    method: Optional[str] = None,
    n: int = 2000,
    seed: int = 0,
) -> NotebookFigure:
    """Plot the latent means of data points in two dimensions, coloured by label.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        ``(N, X)``, with labels for a model that takes them.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    labels : ArrayLike, optional
        Classes ``(N,)``, by number or by name, one-hot rows ``(N, C)``, or numbers ``(N,)``; by default those of the
        data.
    method : {"pca", "tsne", "umap"}, optional
        Principal components; t-SNE of scikit-learn, ``pip install 'gluonvae[sklearn]'``; UMAP of umap-learn,
        ``pip install 'gluonvae[umap]'``. By default the latent variables themselves where there are two, else "pca".
    n : int
        The most data points that are shown; of more, so many are picked at random.
    seed : int
        Seed of the pick and of the method.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For labels that do not fit the data, and where there are fewer than two latent variables, or fewer than three
        data points.
    ImportError
        Where the library of the method is not installed.
    """
    if vae.latent_variable_size < 2:
        raise ValueError("the latent code is drawn in two dimensions, and this model has one latent variable")
    data = as_dataset(vae, data)
    found = data.named_labels if labels is None else as_labels(labels, len(data), data.things)
    rows = some_rows(len(data), n, seed)
    if len(rows) < 3:
        raise ValueError(f"the latent code is drawn of 3 {data.things} or more, got {len(rows)}")
    means = latent_means(vae, data.subset(rows), seed).astype(np.float64)
    method = method or ("none" if means.shape[1] == 2 else "pca")
    points, names = METHODS[checks.known_name("method", method, METHODS)](means, seed)
    figure = new_figure(6, 5)
    axis = figure.subplots()
    plain_axis(axis, xlabel=names[0], ylabel=names[1])
    _scatter(axis, points, None if found is None else found._replace(values=found.values[rows]))
    set_title(axis, f"latent means of {len(rows):,} {data.things}", 5)
    return finished(figure, path)


Projected = tuple[np.ndarray, tuple[str, str]]
"""Points ``(N, 2)``, and what their axes are called."""


def _as_they_are(means: np.ndarray, seed: int) -> Projected:
    if means.shape[1] != 2:
        raise ValueError(f"the {means.shape[1]} latent variables are no points in two dimensions: take another method")
    return means, ("z0", "z1")


def _principal_components(means: np.ndarray, seed: int) -> Projected:
    directions, values, _ = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    share = 100 * values**2 / max((values**2).sum(), 1e-300)
    names = (f"principal component {k + 1} ({share[k]:.0f} % of the variance)" for k in range(2))
    first, second = names
    return directions[:, :2] * values[:2], (first, second)


def _tsne(means: np.ndarray, seed: int) -> Projected:
    # at most a third of the points are neighbours
    perplexity = min(30.0, (len(means) - 1) / 3)
    tsne = _library("tsne", "sklearn.manifold", "scikit-learn", "sklearn").TSNE(
        perplexity=perplexity, init="pca", learning_rate="auto", random_state=seed
    )
    return tsne.fit_transform(means), ("t-SNE 1", "t-SNE 2")


def _umap(means: np.ndarray, seed: int) -> Projected:
    reducer = _library("umap", "umap", "umap-learn", "umap").UMAP(
        n_neighbors=min(15, len(means) - 1), random_state=seed, n_jobs=1
    )
    return reducer.fit_transform(means), ("UMAP 1", "UMAP 2")


METHODS: dict[str, Callable[[np.ndarray, int], Projected]] = {
    "none": _as_they_are,
    "pca": _principal_components,
    "tsne": _tsne,
    "umap": _umap,
}
"""What makes points in two dimensions of latent means, by name."""


def _library(method: str, module: str, distribution: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"method {method!r} needs {distribution}: pip install 'gluonvae[{extra}]'") from error


def _scatter(axis: Axes, points: np.ndarray, labels: Optional[Labels]) -> None:
    """Draw points ``(N, 2)`` in the colours of their labels."""
    size = float(np.clip(9000 / len(points), 4, 40))
    style: dict[str, Any] = {"s": size, "alpha": 0.8, "linewidths": 0}
    classes = None if labels is None or not has_classes(labels.values) else _numbers(labels.values)
    if labels is None or (classes is None and labels.values.ndim == 2):
        axis.scatter(*points.T, color=COLOURS[0], **style)
    elif classes is None or len(np.unique(classes)) > MOST_CLASSES:
        values = labels.values if classes is None else classes
        drawn = axis.scatter(points[:, 0], points[:, 1], c=values, cmap="viridis", **style)
        axis.figure.colorbar(drawn, ax=axis).ax.tick_params(labelsize=LABEL_SIZE - 1)
    else:
        _scatter_classes(axis, points, classes, labels.names, style)


def _numbers(classes: np.ndarray) -> np.ndarray:
    return classes.argmax(axis=1) if classes.ndim == 2 else classes.astype(np.int64)


def _scatter_classes(axis: Axes, points: np.ndarray, classes: np.ndarray, names: Any, style: dict[str, Any]) -> None:
    without_label = classes == MISSING
    if without_label.any():
        axis.scatter(*points[without_label].T, color="0.6", label="no label", **{**style, "alpha": 0.4})
    for place, number in enumerate(np.unique(classes[~without_label])):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place // len(COLOURS)]
        of_class = points[classes == number]
        name = str(number if names is None else names[number])
        axis.scatter(*of_class.T, color=colour, marker=marker, label=name, **style)
        # the name too, as ten colours are many
        axis.annotate(
            name,
            np.median(of_class, axis=0),
            ha="center",
            va="center",
            fontsize=LABEL_SIZE + 2,
            fontweight="bold",
            path_effects=[withStroke(linewidth=3, foreground=axis.get_facecolor())],
        )
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=LABEL_SIZE, frameon=False, markerscale=2)


def plot_kl(vae: VAE, data: Any, path: Optional[PathLike] = None, *, seed: int = 0) -> NotebookFigure:
    """Plot the KL divergence of each latent variable, the largest first; of a model with layers that of each layer.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array, or batches
        See :func:`gluonvae.evaluate`.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    seed : int
        Seed of the noise.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        As :func:`gluonvae.kl_by_dimension`.
    """
    if layers_of(vae) > 1:
        kl, order, things = kl_by_layer(vae, data, seed=seed), np.arange(layers_of(vae)), "layer"
        names = [f"z_{layer + 1}" for layer in order]
    else:
        kl, things = kl_by_dimension(vae, data, seed=seed), "latent variable"
        order = np.argsort(-kl, kind="stable")
        names = [f"z{variable}" for variable in order]
    named = len(order) <= NAMED
    figure = new_figure(max(3.5, min(8, 1.5 + 0.25 * len(order))), 3)
    axis = figure.subplots()
    axis.bar(range(len(order)), kl[order], width=0.8 if named else 1.0, color=COLOURS[0])
    below = f"{things}, the largest first" if things != "layer" else things
    plain_axis(axis, xlabel=below, ylabel="KL divergence (nats)")
    axis.grid(visible=False, axis="x")
    axis.set_xlim(-0.6, len(order) - 0.4)
    if named:
        axis.set_xticks(range(len(order)), names, rotation=90 if len(order) > 15 else 0)
    used = f"; {int((kl > USED).sum())} of {len(kl)} {things}s above {USED} nats"
    set_title(axis, f"{kl.sum():.4g} nats in all{used}", figure.get_figwidth() - 0.7)
    return finished(figure, path)
