"""Pictures of how well a model fits the values of tables and counts, and of any other data, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .. import checks
from ..data import Dataset
from ..models import VAE
from .encoded import as_dataset, predicted, some_rows
from .figure import (
    COLOURS,
    LABEL_SIZE,
    TITLE_SIZE,
    NotebookFigure,
    PathLike,
    finished,
    new_figure,
    plain_axis,
    set_title,
    wrapped,
)

COLUMNS = 4
BARS = 40
"""The most bars of a histogram."""
UNSEEN = 0.005
"""The share of the values, at either end, that a histogram does not show."""
INTERVAL = (2.5, 97.5)
"""Percentiles of a 95 % interval."""
NAMED = 12
"""Up to so many features have a row each."""


def plot_features(
    vae: VAE,
    data: Any,
    path: Optional[PathLike] = None,
    *,
    features: Union[int, Sequence[Union[int, str]]] = 12,
    n: int = 2000,
    seed: int = 0,
) -> NotebookFigure:
    """Plot the histogram of each feature in the data, and in data drawn anew from the model.

    For each data point another one is drawn from p(x | z), with z from q(z | x). The title of a feature has the
    Kolmogorov-Smirnov distance of the two, the greatest difference of their cumulative distributions: 0 where they are
    the same, 1 at most.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        ``(N, X)``, with labels for a model that takes them. Where a value is missing, the one drawn in its place is
        left out too.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    features : int or sequence of int or str
        Features by name or number, or the most that are shown: of more, those with the greatest distance.
    n : int
        The most data points that are looked at; of more, so many are picked at random.
    seed : int
        Seed of the pick and the draws.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For features that the data do not have.
    """
    data = _some(vae, data, n, seed)
    original = data.batch(slice(None))
    (drawn,) = predicted(vae, data, 1, seed, lambda draw: np.where(np.isnan(original), np.nan, draw))
    chosen, heading = _chosen(features, data, original, drawn)
    columns = min(COLUMNS, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = new_figure(max(3.5, 2.2 * columns), 1.6 * rows + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for axis in axes[len(chosen) :]:
        axis.axis("off")
    for axis, column in zip(axes, chosen):
        pair = tuple(values[~np.isnan(values)] for values in (original[:, column], drawn[:, column]))
        _histograms(axis, *pair)
        distance = f"KS {_distance(original[:, column], drawn[:, column]):.2f}"
        axis.set_title(f"{wrapped(name_of(data, column), 2)}  ({distance})", fontsize=LABEL_SIZE, loc="left")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=LABEL_SIZE, frameon=False)
    figure.suptitle(wrapped(heading, figure.get_figwidth()), fontsize=TITLE_SIZE)
    return finished(figure, path)


def _some(vae: VAE, data: Any, n: int, seed: int) -> Dataset:
    data = as_dataset(vae, data)
    return data.subset(some_rows(len(data), n, seed)).drawn_once(seed)


def _chosen(
    asked: Union[int, Sequence[Union[int, str]]], data: Dataset, original: np.ndarray, drawn: np.ndarray
) -> tuple[list[int], str]:
    """The numbers of the features to show, and what they are."""
    what = f"{len(data):,} {data.things} and as many drawn from the model"
    if not isinstance(asked, (int, np.integer)):
        return [_number(data, name) for name in asked], what
    most = checks.positive_int("features", asked)
    if data.width <= most:
        return list(range(data.width)), what
    distances = np.array([_distance(original[:, column], drawn[:, column]) for column in range(data.width)])
    chosen = np.argsort(-distances, kind="stable")[:most]
    return list(map(int, chosen)), f"{what}; {most} of {data.width:,} features, those that fit worst"


def _number(data: Dataset, name: Union[int, str]) -> int:
    names = [name_of(data, column) for column in range(data.width)]
    if isinstance(name, str) and name in names:
        return names.index(name)
    if isinstance(name, (int, np.integer)) and 0 <= name < data.width:
        return int(name)
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    raise ValueError(f"features must be names or numbers from 0 to {data.width - 1}, of {shown}; got {name!r}")


def name_of(data: Dataset, column: int) -> str:
    """Return what a feature is called."""
    return f"x{column}" if data.columns is None else str(data.columns[column])


def _distance(original: np.ndarray, drawn: np.ndarray) -> float:
    """The Kolmogorov-Smirnov distance of two features, of the values that are not NaN; 0 without any."""
    pair = [np.sort(values[~np.isnan(values)]) for values in (original, drawn)]
    if not len(pair[0]):
        return 0.0
    everywhere = np.concatenate(pair)
    one, other = (np.searchsorted(values, everywhere, side="right") / len(values) for values in pair)
    return float(abs(one - other).max())


def _histograms(axis: Axes, original: np.ndarray, drawn: np.ndarray) -> None:
    edges = _edges(original, drawn)
    if edges[0] % 1 == 0.5:
        axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    weights = [np.full(len(values), 1 / max(len(values), 1)) for values in (original, drawn)]
    axis.hist(original, edges, weights=weights[0], color=COLOURS[0], alpha=0.55, label="data")
    axis.hist(drawn, edges, weights=weights[1], histtype="step", color=COLOURS[6], linewidth=1.4, label="model")
    plain_axis(axis)
    axis.grid(visible=False)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)


def _edges(original: np.ndarray, drawn: np.ndarray) -> Sequence[float]:
    """Edges of bars that show nearly all values: of whole numbers one bar for each, if these are not too many."""
    both = np.sort(np.concatenate([original, drawn]))
    if not len(both):
        return [0.0, 1.0]
    unseen = int(UNSEEN * len(both))
    low, high = both[unseen], both[-1 - unseen]
    whole = np.array_equal(both, np.rint(both))
    if whole and high - low < BARS:
        return list(np.arange(np.floor(low), np.ceil(high) + 2) - 0.5)
    bars = len(np.histogram_bin_edges(original, "auto", (low, high))) - 1 if high > low else 1
    return list(np.linspace(low, high if high > low else low + 1, min(bars, BARS) + 1))


class Statistics(NamedTuple):
    """Statistics of each feature, ``(X,)`` each."""

    mean: np.ndarray
    standard_deviation: np.ndarray
    share_of_zeros: np.ndarray


def plot_predictive_check(
    vae: VAE,
    data: Any,
    path: Optional[PathLike] = None,
    *,
    draws: int = 25,
    n: int = 1000,
    seed: int = 0,
) -> NotebookFigure:
    """Plot a posterior predictive check: statistics of each feature of the data, against those of data drawn anew.

    All data points are drawn anew several times, each from p(x | z) with z from q(z | x). Each feature has a point for
    its mean, one for its standard deviation and, where the data have zeros, one for their share, with a bar from the
    2.5th to the 97.5th percentile of the draws (Gelman, Meng and Stern 1996). Up to twelve features have a row each,
    with the difference from the data; of more, the model is plotted against the data, which agree on the diagonal. The
    titles say for how many features the statistic of the data lies within the bar.

    Parameters
    ----------
    vae : VAE
        The model.
    data : Dataset or array
        ``(N, X)``, see :func:`plot_features`.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.
    draws : int
        How many times the data are drawn anew.
    n : int
        The most data points that are looked at; of more, so many are picked at random.
    seed : int
        Seed of the pick and the draws.

    Returns
    -------
    matplotlib.figure.Figure
    """
    data, draws = _some(vae, data, n, seed), checks.positive_int("draws", draws)
    original = data.batch(slice(None))
    of_data = _statistics(original)
    found = predicted(vae, data, draws, seed, lambda draw: _statistics(np.where(np.isnan(original), np.nan, draw)))
    # (draws, X) each
    of_draws = Statistics(*map(np.stack, zip(*found)))
    shown = [name for name in Statistics._fields if name != "share_of_zeros" or of_data.share_of_zeros.any()]
    few = data.width <= NAMED
    names = [name_of(data, column) for column in range(data.width)]
    figure = new_figure(3.4 * len(shown), 1.6 + 0.25 * len(names) if few else 3.6)
    for axis, name in zip(figure.subplots(1, len(shown), squeeze=False, sharey=few).flat, shown):
        title, pair = name.replace("_", " "), (getattr(of_data, name), getattr(of_draws, name))
        if few:
            scale = np.ones(data.width) if name == "share_of_zeros" else of_data.standard_deviation
            _compare_each(axis, title, *pair, scale, names)
        else:
            _compare(axis, title, *pair)
    heading = f"posterior predictive check: {len(data):,} {data.things}, drawn anew {draws} times"
    figure.suptitle(wrapped(heading, figure.get_figwidth()), fontsize=TITLE_SIZE)
    return finished(figure, path)


def _statistics(values: np.ndarray) -> Statistics:
    observed = ~np.isnan(values)
    count = np.maximum(observed.sum(axis=0), 1)
    mean = np.where(observed, values, 0).sum(axis=0, dtype=np.float64) / count
    squares = np.where(observed, np.square(values - mean), 0).sum(axis=0)
    return Statistics(mean, np.sqrt(squares / count), (values == 0).sum(axis=0) / count)


def _compare(axis: Axes, name: str, of_data: np.ndarray, of_draws: np.ndarray) -> None:
    """Draw a statistic of the data ``(X,)`` against that of the draws ``(draws, X)``, a point for each feature."""
    low, high = np.percentile(of_draws, INTERVAL, axis=0)
    # where there are many, darker where they are dense
    alpha = float(np.clip(100 / len(of_data), 0.03, 0.5))
    axis.vlines(of_data, low, high, color=COLOURS[0], alpha=alpha, linewidth=1.2)
    size = float(np.clip(2000 / len(of_data), 3, 25))
    axis.scatter(of_data, of_draws.mean(axis=0), s=size, color=COLOURS[0], linewidths=0, zorder=3)
    # as wide a range of many sizes as that of counts is seen in logarithms
    everything = np.concatenate([of_data, low, high])
    if everything.min() > 0 and everything.max() > 100 * everything.min():
        axis.set(xscale="log", yscale="log")
    ends = [everything.min(), everything.max()]
    axis.plot(ends, ends, color="0.5", linewidth=1, zorder=4)
    plain_axis(axis, xlabel=f"{name}, data", ylabel=f"{name}, model")
    _tell_how_many(axis, name, of_data, of_draws)


def _compare_each(
    axis: Axes, name: str, of_data: np.ndarray, of_draws: np.ndarray, scale: np.ndarray, names: Sequence[str]
) -> None:
    """Draw how far a statistic of the draws ``(draws, X)`` is from that of the data ``(X,)``, a row a feature."""
    off = (of_draws - of_data) / np.where(scale > 0, scale, 1)
    low, high = np.percentile(off, INTERVAL, axis=0)
    places = np.arange(len(names))
    axis.hlines(places, low, high, color=COLOURS[0], alpha=0.5, linewidth=3)
    axis.scatter(off.mean(axis=0), places, s=25, color=COLOURS[0], linewidths=0, zorder=3)
    axis.axvline(0, color="0.5", linewidth=1, zorder=0)
    unit = "share of rows" if name == "share of zeros" else "standard deviations of the data"
    plain_axis(axis, xlabel=f"{name}, model − data\n({unit})")
    axis.locator_params(axis="x", nbins=5)
    axis.set_yticks(places, names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    _tell_how_many(axis, name, of_data, of_draws)


def _tell_how_many(axis: Axes, name: str, of_data: np.ndarray, of_draws: np.ndarray) -> None:
    low, high = np.percentile(of_draws, INTERVAL, axis=0)
    met = int(((low <= of_data) & (of_data <= high)).sum())
    set_title(axis, f"{name}: {met} of {len(of_data)} agree", 3.4)
