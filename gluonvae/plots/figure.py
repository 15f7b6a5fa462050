"""Figures that are drawn without pyplot: they show themselves in a notebook, and none stays open."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from ..files import replacing

PathLike = Union[str, Path]

DPI = 150
"""Pixels an inch of a picture."""
PIXELS = 2**23
"""The most pixels of a grid of images: those of more are drawn smaller."""
CSS_DPI = 100
"""Pixels an inch of a page, of the picture in a notebook."""

COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
"""Ten colours that differ for people with any colour vision, on white and on black (Petroff 2021)."""
LABEL_SIZE, TITLE_SIZE = 8, 9
"""In points."""


class NotebookFigure(Figure):
    """A figure that a notebook shows. pyplot does not know it, so it goes when nothing refers to it."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=DPI)
        # shown at the size of the page's own pixels, and sharp on a screen that has more
        return content.getvalue(), {"width": round(self.get_figwidth() * CSS_DPI)}


def new_figure(width: float, height: float) -> NotebookFigure:
    """Return an empty figure of a size in inches, whose parts are laid out not to overlap."""
    return NotebookFigure(figsize=(width, height), layout="constrained")


def figure_around(size: tuple[float, float], margins: tuple[float, float, float, float]) -> tuple[NotebookFigure, Axes]:
    """Return a figure of an axis of a size, and of margins on its left, bottom, right and top, all in inches."""
    left, bottom, right, top = margins
    width, height = left + size[0] + right, bottom + size[1] + top
    figure = NotebookFigure(figsize=(width, height))
    return figure, figure.add_axes((left / width, bottom / height, size[0] / width, size[1] / height))


def width_of_text(text: str, size: float) -> float:
    """Return how wide a line of text is, in inches, in letters of ``size`` points."""
    # of the outlines' points: the extents of their curves take a hundred times as long
    return float(np.ptp(TextPath((0, 0), text, size=size).vertices[:, 0])) / 72 if text.strip() else 0.0


def set_title(axis: Axes, title: Optional[str], width: float) -> None:
    """Set the title of an axis that is ``width`` inches wide, broken into lines."""
    if title:
        axis.set_title(wrapped(title, width), fontsize=TITLE_SIZE, loc="left")


def wrapped(title: str, width: float) -> str:
    """Break a title into lines of at most ``width`` inches, as far as its words allow."""
    of_all = width_of_text(title, TITLE_SIZE)
    return textwrap.fill(title, max(1, int(0.95 * len(title) * width / of_all))) if of_all > width else title


def plain_axis(axis: Axes, **properties: Any) -> None:
    """Draw lines behind a plot and no frame around it, with labels of one size."""
    axis.set(**properties)
    axis.xaxis.label.set_fontsize(LABEL_SIZE)
    axis.yaxis.label.set_fontsize(LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1)
    axis.grid(alpha=0.25, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def picture_path(path: PathLike) -> Path:
    """Return the path of a picture, with its suffix checked."""
    path = Path(path)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"the name of a picture must end in .png, .svg or .pdf, got {path.name}")
    return path


def finished(figure: NotebookFigure, path: Optional[PathLike]) -> NotebookFigure:
    """Return a figure, saved if there is a path."""
    if path is not None:
        save(figure, path)
    return figure


def save(figure: NotebookFigure, path: PathLike) -> None:
    """Write a figure, whole or not at all."""
    with replacing(picture_path(path)) as part:
        figure.savefig(part, dpi=DPI)
