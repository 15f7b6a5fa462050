"""A data set: data points, of which a batch is what a model is trained on, and their labels."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.types import ArrayLike
from ..distributed.sharing import Within
from ..labels import Labels, as_labels
from ..moments import RowBlocks
from ..noise import NoiseSource
from ..noise import source as default_source
from .binarization import BINARIZATIONS, Preparation, draw_all, white_of
from .digest import digest_of
from .forms import as_values
from .rounding import warn_of_rounded
from .stores import Rows
from .summary import summarize


class Dataset:
    """Data points, one in each row, with optional labels.

    Nothing is copied: arrays are used as they are, files that are mapped into memory are read as batches need them,
    and of sparse matrices batches alone are made dense.

    Parameters
    ----------
    images : ArrayLike
        ``(N, X)`` or ``(N, *shape)``: an array, a masked one, one that is mapped into memory, an NDArray, a sparse
        matrix of SciPy, a table of pandas, or a Gluon ``Dataset``, of items that are values or pairs of a value and a
        label. Grey values are whole numbers 0 to 255, 16-bit ones, or fractions in [0, 1]; binary images are zeros and
        ones of any dtype; with ``binarization="none"`` values may be any numbers, and NaN where they are missing.
    shape : Sequence[int], optional
        Shape of one image, such as ``(28, 28)``, for rows without one; by default that of ``images`` without the first
        axis. Images that have a shape must have this one, but for where their channels are.
    binarization : str, default "dynamic"
        One of :data:`BINARIZATIONS`.
    labels : ArrayLike, optional
        Of each data point a class, ``(N,)``, a number or a name, or a condition, ``(N,)`` or ``(N, C)``. A class is
        missing where it is -1, NaN, None or masked.
    seed : int, default 0
        Seed of the draw of ``binarization="once"``.
    white : float, optional
        The value of full intensity of grey images; by default 255 of whole numbers, 65535 of 16-bit ones (4095, where
        none is greater), 1 of fractions.
    things : str, default "images"
        What messages call the data points.
    columns : Sequence[str], optional
        Names of the X values.
    name : str, default "images"
        What messages call all of the data.

    Attributes
    ----------
    labels : np.ndarray or None
        ``(N,)`` or ``(N, C)``.
    class_names : tuple or None
        The names of classes 0, 1, ..., where they were given by name.
    shape : tuple[int, ...]
        Shape of one data point.
    binarization : str
        One of :data:`BINARIZATIONS`.
    white : float or None
        The value of full intensity of what :attr:`store` has; None for zeros and ones, and for values that are left as
        they are.
    full_intensity : float or None
        The same of what was given, before pixels were drawn once.
    summary : Summary
        What the values are like.
    split_seed : int or None
        Seed of the split at random that this is a part of; None where it was a set of its own.

    Raises
    ------
    TypeError
        If the values are not numbers.
    ValueError
        If there are none, a value is infinite or outside these ranges, or missing where a grey value is wanted, a
        shape does not fit, or the labels are neither numbers nor names.
    """

    def __init__(
        self,
        images: ArrayLike,
        shape: Optional[Sequence[int]] = None,
        binarization: str = "dynamic",
        labels: Optional[ArrayLike] = None,
        seed: int = 0,
        white: Optional[float] = None,
        things: str = "images",
        columns: Optional[Sequence[str]] = None,
        name: str = "images",
    ) -> None:
        self.binarization = checks.known_name("binarization", binarization, BINARIZATIONS)
        found = as_values(name, images, shape)
        self.store, self.shape, self.things = found.store, found.shape, things
        self.columns = found.columns if columns is None else tuple(columns)
        self.split_seed: Optional[int] = None
        self.name = name
        self.given_white = white
        """The value of full intensity, if it is not to be told from the values."""
        self.summary = summarize(name, self.store)
        if self.summary.missing == self.store.shape[0] * self.width:
            raise ValueError(f"{name} has nan everywhere: all values are missing")
        if white is None:  # of which grey values are fractions
            warn_of_rounded(name, self.store, self.summary, self.columns)
        labels = found.labels if labels is None else labels
        self.labels: Optional[np.ndarray] = None
        self.class_names: Optional[tuple[Any, ...]] = None
        if labels is not None:
            self.labels, self.class_names = as_labels(labels, len(self), things)
        self._binarize(seed)

    def __len__(self) -> int:
        return len(self.store)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} {self.things} {self.shape}, binarization={self.binarization!r})"

    @property
    def known_rows(self) -> Optional[int]:
        """The number of data points, see :attr:`Stream.known_rows`."""
        return len(self)

    @property
    def binary(self) -> bool:
        """Whether the images were zeros and ones when they were given."""
        return self.summary.binary and not self.summary.missing and self.white is None

    @property
    def is_binarized(self) -> bool:
        """Whether batches are of zeros and ones."""
        return self.binary or self.binarization in ("dynamic", "threshold", "once")

    @property
    def _preparation(self) -> Preparation:
        return Preparation(self.binarization, self.white, self.binary)

    @property
    def width(self) -> int:
        """X, the number of values in a data point."""
        return self.store.shape[1]

    @property
    def pixels(self) -> np.ndarray:
        """The values of all images, ``(N, X)``: bool, uint8 (grey, where 255 stands for 1) or float32.

        Values that are kept in another form are converted at each use, all of them.
        """
        return self._preparation.stored(self.store.take(slice(None)))

    @property
    def named_labels(self) -> Optional[Labels]:
        """The labels with the names of classes; None where there are none."""
        return None if self.labels is None else Labels(self.labels, self.class_names)

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest value that :meth:`batch` can return."""
        if self.is_binarized or self.white is None:
            return (0.0, 1.0) if self.is_binarized else (self.summary.low, self.summary.high)
        return 0.0, 255.0 if self.binarization == "bytes" else 1.0

    def digest(self) -> str:
        """Return a fingerprint of what is held: values, whatever their form, labels, shape and binarisation.

        Returns
        -------
        str
            SHA-256, 64 hexadecimal digits; of one million bytes it takes about a millisecond.
        """
        stored = map(self._preparation.stored, self.store.blocks())
        return digest_of((self.shape, self.binarization), self.store.shape, stored, self.named_labels)

    def batch(self, rows: Rows, source: Optional[NoiseSource] = None, within: Optional[Within] = None) -> np.ndarray:
        """Return some of the data points as input for a model.

        Parameters
        ----------
        rows : slice or np.ndarray
            Which data points.
        source : NoiseSource, optional
            Source of the draws of ``binarization="dynamic"``, by default the one that :func:`gluonvae.seed` seeds.
            The draws depend on the sizes of the batches drawn since the seed was set.
        within : Within, optional
            Where these data points lie in a batch that is drawn for as a whole.

        Returns
        -------
        np.ndarray
            ``(B, X)``, float32; NaN where a value is missing.
        """
        return self.input_of(self.store.take(rows), source, within)

    def input_of(
        self, taken: np.ndarray, source: Optional[NoiseSource] = None, within: Optional[Within] = None
    ) -> np.ndarray:
        """Return rows of :attr:`store` as :meth:`batch` does."""
        return self._preparation.drawn(taken, source or default_source, within)

    def possible_values(self) -> Iterator[np.ndarray]:
        """Yield arrays ``(n, X)`` that together contain every value that :meth:`batch` can return.

        They are what a likelihood has to check against its support: of grey images a few that have all values, else all
        data points, block by block.
        """
        drawn_anew = self.binarization == "dynamic" and not self.binary
        if drawn_anew or (self.white == 255 and self.binarization != "threshold"):
            values = self._preparation.scaled(np.arange(2 if drawn_anew else 256, dtype=np.uint8))
            yield np.broadcast_to(values[:, None], (len(values), self.width))
        else:
            yield from map(self._preparation.stored, self.store.blocks())

    def blocks(self) -> RowBlocks:
        """Return all rows in blocks of float64, on the scale of the model's input; dynamic pixels as their means."""
        exact = self._preparation.exact
        return RowBlocks(lambda rows: exact(self.store.take(rows)), self.store.shape)

    def binarized(self, binarization: str, seed: int = 0, white: Optional[float] = None) -> Dataset:
        """Return the data set with another binarisation, of one with "none".

        Parameters
        ----------
        binarization, seed, white
            See :class:`Dataset`.

        Raises
        ------
        ValueError
            If the values are no grey values.
        """
        other = copy.copy(self)
        other.binarization = checks.known_name("binarization", binarization, BINARIZATIONS)
        other.given_white = self.given_white if white is None else white
        other._binarize(seed)
        return other

    def _binarize(self, seed: int) -> None:
        self.white = None
        if self.binarization != "none":
            self.white = white_of(self.name, self.summary, self.store.dtype, self.given_white)
        self.full_intensity = self.white
        if self.binarization == "once" and not self.binary:
            self.store, self.white = draw_all(self.store, self._preparation.fractions, seed), None

    def drawn_once(self, seed: int = 0) -> Dataset:
        """Return the data set with dynamic pixels drawn once, as for validation and test sets.

        Parameters
        ----------
        seed : int, default 0
            Seed of the draw.

        Returns
        -------
        Dataset
            A data set with ``binarization="once"``; under any other binarization than "dynamic" this one.
        """
        if self.binarization != "dynamic":
            return self
        drawn = copy.copy(self)
        drawn.binarization = "once"
        if not self.binary:
            drawn.store, drawn.white = draw_all(self.store, self._preparation.fractions, seed), None
        return drawn

    def subset(self, rows: Rows) -> Dataset:
        """Return the data set of some of the data points and their labels.

        Parameters
        ----------
        rows : slice or np.ndarray
            Which data points.

        Returns
        -------
        Dataset
            A data set with the same shape of an image and binarisation. Values that are not in memory stay where they
            are.
        """
        part = copy.copy(self)
        part.store = self.store.select(rows)
        if self.summary.missing:
            part.summary = summarize(self.name, part.store)  # how many there are in it, if any
        part.labels = None if self.labels is None else self.labels[rows]
        return part

    def with_labels(self, labels: Optional[np.ndarray], names: Optional[Sequence[Any]] = None) -> Dataset:
        """Return the same data points with other labels, ``(N,)`` or ``(N, C)``, and other names of classes."""
        other = copy.copy(self)
        other.labels, other.class_names = labels, None if names is None else tuple(names)
        return other
