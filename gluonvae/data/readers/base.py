"""What readers of files and folders return, and what they may be asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

PARTS = ("train", "valid", "test")
"""The names of the parts of data."""

IMAGES, ROWS, CELLS = "images", "rows", "cells"
"""What data points are called in messages."""


class Rows(NamedTuple):
    """The data points of one part, as they were found."""

    values: Any
    """``(N, X)`` or ``(N, *shape)``: a NumPy array, which may be mapped into memory, or a ``csr_matrix`` of SciPy."""
    labels: Optional[np.ndarray] = None
    """``(N,)`` or ``(N, C)``, as they were found: names, numbers, None or NaN where one is missing."""
    groups: Optional[np.ndarray] = None
    """``(N,)``: data points of one group are not to be split."""


class Contents(NamedTuple):
    """What a file or folder holds."""

    parts: dict[str, Rows]
    """By name, of :data:`gluonvae.data.readers.base.PARTS`; all is "train" where the parts are not named."""
    kind: str
    """What a data point is called: :data:`IMAGES`, :data:`ROWS` or :data:`CELLS`."""
    white: Optional[float] = None
    """Of images: the value of full intensity, such as 255, in all parts; None where it is not known."""
    columns: Optional[tuple[str, ...]] = None
    """The names of the X values."""


@dataclass(frozen=True)
class Wishes:
    """What a reader may be asked for; None and False ask for nothing."""

    shape: Optional[tuple[int, ...]] = None
    """Of an image. Three numbers ask for colour."""
    label_column: Optional[str] = None
    """The column of a table, or the annotation of cells, that is the label."""
    group_column: Optional[str] = None
    """The one whose data points with the same value belong together."""
    drop: tuple[str, ...] = ()
    """Columns to leave out."""
    resize: Optional[tuple[int, int]] = None
    """Height and width that images are scaled to."""
    crop: bool = False
    """Whether to cut images to the proportions of ``resize``, or without it to the smallest square, at the centre."""
    skip_broken: bool = False
    """Whether to leave out image files that cannot be read."""
    layer: Optional[str] = None
    """The layer of an AnnData file that has the counts."""


class Reader(NamedTuple):
    """A way to read a kind of file or folder."""

    name: str
    """For messages, in the plural: "image folders"."""
    recognises: Callable[[Path], bool]
    """Whether a path is of this kind, by its name or first bytes."""
    read: Callable[[Path, Wishes], Contents]
    """Raises DataError, which names the file and what to do."""
    grants: Collection[str] = ()
    """The fields of :class:`Wishes` that have an effect."""
