"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..training import History
from .figure import COLOURS, LABEL_SIZE, NotebookFigure, PathLike, finished, new_figure, plain_axis

TERMS = {"bound": "bound", "log_likelihood": "log-likelihood", "kl": "KL divergence"}
PARTS = {"train": "training", "valid": "validation"}
FEW = 30
"""Fewer epochs than this are marked by a point each."""
FEWEST = 5
"""Fewer epochs than this are all seen."""
FIRST = 0.2
"""The share of the epochs that may lie outside the picture."""
SQUASHED = 0.5
"""The share of the height below which the later epochs are drawn without the first ones."""


def plot_history(history: History, path: Optional[PathLike] = None) -> NotebookFigure:
    """Plot the bound, the log-likelihood and the KL divergence, in nats, against the epoch.

    Where, of five epochs or more, the first fifth would leave less than half of the height to the others, the
    curves start outside the picture, which then says from where.

    Parameters
    ----------
    history : History
        What :func:`gluonvae.fit` returned.
    path : str or Path, optional
        A file to write, ending in .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there is no epoch in the history, or the suffix of the file is another.
    """
    if not len(history):
        raise ValueError("history is empty: not one epoch was finished")
    figure = new_figure(10, 3.2)
    for axis, (term, title) in zip(figure.subplots(1, 3), TERMS.items()):
        curves = {
            part: np.array(history[f"{part}_{term}"], float) for part in PARTS if f"{part}_{term}" in history.rows[0]
        }
        _draw_curves(axis, history["epoch"], curves)
        plain_axis(axis, xlabel="epoch", ylabel="nats per data point")
        axis.set_title(title, fontsize=LABEL_SIZE + 2)
        axis.legend(fontsize=LABEL_SIZE, frameon=False)
    return finished(figure, path)


def _draw_curves(axis: Axes, epochs: Sequence[float], curves: Mapping[str, np.ndarray]) -> None:
    marker = "." if len(epochs) < FEW else None
    for (part, values), colour in zip(curves.items(), COLOURS):
        axis.plot(epochs, values, label=PARTS[part], marker=marker, color=colour, linewidth=1.5)
    axis.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    values = np.stack(list(curves.values()))
    limits = _limits_of_later_epochs(values)
    if limits is None:
        return
    axis.set_ylim(*limits)
    first = values[:, 0]
    far = first[np.argmax(np.abs(first - np.mean(limits)))]
    below = far < limits[0]
    axis.annotate(
        f"{'↓' if below else '↑'} epoch {epochs[0]:g}: {far:.4g}",
        (0.98, 0.02 if below else 0.98),
        xycoords="axes fraction",
        ha="right",
        va="bottom" if below else "top",
        fontsize=LABEL_SIZE - 1,
    )


def _limits_of_later_epochs(values: np.ndarray) -> Optional[tuple[float, float]]:
    """The range of curves ``(n, E)`` after their first epochs; None where all epochs can be seen well."""
    first = int(np.ceil(FIRST * values.shape[1]))
    later = values[:, first:][np.isfinite(values[:, first:])]
    all_epochs = values[np.isfinite(values)]
    if values.shape[1] < FEWEST or not later.size or np.ptp(later) >= SQUASHED * np.ptp(all_epochs):
        return None
    # some of the way of the first epochs to the others is seen
    margin = 0.1 * np.ptp(later) or 1e-3 * abs(later[0]) or 1.0
    return later.min() - margin, later.max() + margin
