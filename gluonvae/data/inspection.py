"""What should be told of the values of data before a model is trained on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, Optional

import numpy as np

from .summary import LARGEST

FAR, UNLIKE, OUTLYING, IMPRECISE = 100.0, 1e3, 1e6, 1e4
"""A column is told of that lies more than ``FAR`` spreads from 0 or whose spread is that far from 1; columns are whose
spreads differ by more than ``UNLIKE``; a value is that lies more than ``OUTLYING`` spreads from the middle of its
column; a column is that lies ``IMPRECISE`` spreads from 0, as a float32 leaves three digits to the differences."""

SAMPLED = 2**20
"""How many values the middles and spreads of the columns are computed from, or those of 64 rows if these are more."""

RARE = 0.01
"""A column in which no larger part of the values differs from the others is all but constant."""

ROWS_COMPARED = 2**22
"""How many rows of a set :func:`count_shared` looks for; each takes 8 bytes."""

NAMED = 3
"""How many columns a message names."""


class ColumnSummary(NamedTuple):
    """What is known of each column, ``(X,)`` each; NaN is passed over."""

    lowest: np.ndarray
    highest: np.ndarray
    lowest_row: np.ndarray
    highest_row: np.ndarray
    """The first rows that hold these values."""
    middle: np.ndarray
    """The median."""
    spread: np.ndarray
    """What the standard deviation of normal values with these quartiles is; where the quartiles are equal, the median
    distance of the values that are not the median; 0 where these are :data:`RARE`."""


def find_problems(
    blocks: Iterable[np.ndarray], columns: Optional[Sequence[str]] = None, kind: str = "rows", scales: bool = True
) -> list[str]:
    """Find what a user should be told of the values that a model of real numbers is to be trained on.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray
        Rows of the data, ``(n, X)`` each, float64; NaN is passed over.
    columns : sequence of str, optional
        The names of the columns; by default their numbers.
    kind : str
        What a row is, in the plural: "rows", "cells" or "images", whose constant pixels are not told of.
    scales : bool
        Whether the scales of the columns matter: not to a model that standardises its data, to which columns matter
        that are all but constant.

    Returns
    -------
    list of str
        A sentence for each problem.

    Raises
    ------
    ValueError
        For a value that a float32 cannot hold.
    """
    summary = summarize_columns(blocks, columns, kind)
    names = _Names(columns)
    found = (
        None if kind == "images" else _constant(summary, names),
        _outlier(summary, names, kind),
        _imprecise(summary, names),
        _unlike(summary, names) if scales else _rare(summary, names),
    )
    return [problem for problem in found if problem]


def find_outlier(
    blocks: Iterable[np.ndarray], columns: Optional[Sequence[str]] = None, kind: str = "rows"
) -> Optional[str]:
    """Find the value that lies farthest off, as :func:`find_problems` does; None where none lies far off."""
    return _outlier(summarize_columns(blocks, columns, kind), _Names(columns), kind)


def summarize_columns(
    blocks: Iterable[np.ndarray], columns: Optional[Sequence[str]] = None, kind: str = "rows"
) -> ColumnSummary:
    """Summarise the columns of data; arguments and errors are those of :func:`find_problems`."""
    sample, low, high = _Sample(), _Least(), _Least()
    for block in blocks:
        first = sample.seen
        sample.add(block)
        low.add(block, first)
        high.add(-block, first)
        if max(-low.values.min(), -high.values.min()) > LARGEST:
            raise ValueError(_beyond_float32(block, first, columns, kind))
    return ColumnSummary(low.values, -high.values, low.rows, high.rows, *_middle_and_spread(sample.values))


def unscaled(highest: float, white: float) -> Optional[str]:
    """Tell of pictures that would be nearly black: whose largest value is less than half of what stands for white.

    Parameters
    ----------
    highest : float
        The largest value of all pictures.
    white : float
        What stands for white: 255 in 8-bit pictures.

    Returns
    -------
    str or None
        A sentence; None where nothing is to be told.
    """
    if not 0 < highest < white / 2:
        return None
    return (
        f"the largest value is {highest:g}, where {white:g} is white: if {highest:g} is meant to be, scale the values"
    )


def count_shared(train: Iterable[np.ndarray], *others: Iterable[np.ndarray]) -> list[int]:
    """Count the rows of other sets that are also in the training set, value for value.

    Parameters
    ----------
    train, *others : iterable of numpy.ndarray
        Rows, ``(n, X)`` each, float64. The training set is gone through once.

    Returns
    -------
    list of int
        Of each, how many of its first :data:`ROWS_COMPARED` rows. Rows are compared by hashes of 64 bits.
    """
    digests = [np.fromiter(islice(_digests(blocks), ROWS_COMPARED), np.uint64) for blocks in others]
    known = np.unique(np.concatenate(digests))
    found = np.zeros(len(known), bool)
    for block in train:
        of_block = np.fromiter(_digests([block]), np.uint64, len(block))
        places = np.minimum(np.searchsorted(known, of_block), len(known) - 1)
        found[places[known[places] == of_block]] = True
    return [int(np.isin(of_part, known[found]).sum()) for of_part in digests]


def _digests(blocks: Iterable[np.ndarray]) -> Iterator[int]:
    for block in blocks:
        # 0 and -0 are the same value
        for row in np.ascontiguousarray(block + 0.0):
            yield int.from_bytes(hashlib.blake2b(row.data, digest_size=8).digest(), "little")


class _Least:
    """The least value of each column, and the first row that holds it; infinity in columns of NaN alone."""

    def __init__(self) -> None:
        self.values = np.full(1, np.inf)
        self.rows = np.zeros(1, np.int64)

    def add(self, block: np.ndarray, first: int) -> None:
        lowest = np.fmin.reduce(block, axis=0)
        if first == 0:
            self.values, self.rows = np.full(len(lowest), np.inf), np.zeros(len(lowest), np.int64)
        # NaN is no less than anything
        (less,) = np.nonzero(lowest < self.values)
        if less.size:
            self.values[less] = lowest[less]
            self.rows[less] = first + (block[:, less] == lowest[less]).argmax(axis=0)


class _Sample:
    """Every n-th row, the least n at which the values are no more than :data:`SAMPLED`."""

    def __init__(self) -> None:
        self.seen, self._step, self._kept, self._size = 0, 1, list[np.ndarray](), 0

    def add(self, block: np.ndarray) -> None:
        self._kept.append(block[-self.seen % self._step :: self._step].copy())
        self._size += self._kept[-1].size
        self.seen += len(block)
        while self._size > max(SAMPLED, 64 * block.shape[1]):
            self._kept, self._step = [np.concatenate(self._kept)[::2].copy()], 2 * self._step
            self._size = self._kept[0].size

    @property
    def values(self) -> np.ndarray:
        """``(n, X)``, 0 in columns of NaN alone."""
        values = np.concatenate(self._kept)
        return np.where(np.isnan(values).all(axis=0), 0, values)


def _middle_and_spread(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    quarter, middle, three_quarters = np.nanpercentile(sample, [25, 50, 75], axis=0)
    # 1.349 is the distance of a standard normal's quartiles
    spread = (three_quarters - quarter) / 1.349
    for column in np.flatnonzero(spread == 0):
        distances = abs(sample[:, column] - middle[column])
        others = distances[distances > 0]
        spread[column] = np.median(others) if others.size > RARE * len(distances) else 0
    return middle, spread


class _Names:
    """What messages call the columns."""

    def __init__(self, columns: Optional[Sequence[str]]) -> None:
        self._columns = columns

    def __call__(self, column: int) -> str:
        return f"column {column}" if self._columns is None else f"column {self._columns[column]!r}"

    def of(self, chosen: np.ndarray, summary: Optional[ColumnSummary] = None) -> str:
        """Say how many columns are chosen, ``(X,)`` of bool, the names of some, and where the first lies."""
        numbers = np.flatnonzero(chosen)
        names = [self(number) for number in numbers[:NAMED]]
        if summary is not None:
            middle, spread = summary.middle[numbers[0]], summary.spread[numbers[0]]
            names[0] += f" has {middle:.3g} with a spread of {spread:.2g}"
        return f"{len(numbers)} of {len(chosen)} ({', '.join(names)}{', ...' if len(numbers) > NAMED else ''})"


def _beyond_float32(block: np.ndarray, first: int, columns: Optional[Sequence[str]], kind: str) -> str:
    row, column = map(int, np.argwhere(abs(block) > LARGEST)[0])
    return (
        f"{kind[:-1]} {first + row}, {_Names(columns)(column)} is {block[row, column]:g}: a float32 holds at most "
        f"{LARGEST:.3g}; correct it, or take another unit"
    )


def _constant(summary: ColumnSummary, names: _Names) -> Optional[str]:
    constant = summary.lowest == summary.highest
    if not constant.any():
        return None
    return f"some columns are constant, {names.of(constant)}: they tell nothing, and may be left out"


def _outlier(summary: ColumnSummary, names: _Names, kind: str) -> Optional[str]:
    distances = np.stack([summary.middle - summary.lowest, summary.highest - summary.middle])
    # a column that is all but constant is measured by its value
    spread = np.where(summary.spread > 0, summary.spread, np.maximum(abs(summary.middle), 1))
    spreads = distances / spread
    if not (spreads > OUTLYING).any():
        return None
    end, column = np.unravel_index(spreads.argmax(), spreads.shape)
    row = (summary.lowest_row, summary.highest_row)[end][column]
    value = (summary.lowest, summary.highest)[end][column]
    others = np.count_nonzero((spreads > OUTLYING).any(axis=0)) - 1
    return (
        f"{kind[:-1]} {row}, {names(int(column))} is {value:g}, where the others lie around "
        f"{summary.middle[column]:.3g} with a spread of {spread[column]:.2g}: correct it or leave it out"
        + (f" ({others} more columns have such values)" if others else "")
    )


def _imprecise(summary: ColumnSummary, names: _Names) -> Optional[str]:
    lost = (summary.spread > 0) & (abs(summary.middle) > IMPRECISE * summary.spread)
    if not lost.any():
        return None
    return (
        "some columns lie so far from 0 that a float32 keeps fewer than 3 digits of how their values differ, "
        f"{names.of(lost, summary)}: subtract an offset before"
    )


def _rare(summary: ColumnSummary, names: _Names) -> Optional[str]:
    rare = (summary.spread == 0) & (summary.lowest < summary.highest)
    if not rare.any():
        return None
    return (
        f"some columns are all but constant, {names.of(rare)}: the few other values lie many standard deviations off, "
        "which makes standardised data hard to learn; leave these columns out, or set standardize=False"
    )


def _unlike(summary: ColumnSummary, names: _Names) -> Optional[str]:
    spread, middle = summary.spread, summary.middle
    varies = spread > 0
    far = varies & (abs(middle) > FAR * spread) & (abs(middle) > 1)
    large, small = varies & (spread > FAR), varies & (spread < 1 / FAR)
    if not varies.any():
        return None
    reasons = []
    least, most = (int(np.where(varies, spread, end).argmin()) for spread, end in ((spread, np.inf), (-spread, 0)))
    if spread[most] > UNLIKE * spread[least]:
        ends = (f"{spread[column]:.2g} ({names(column)})" for column in (least, most))
        reasons.append(f"the spreads of columns range from {' to '.join(ends)}")
    elif large.any() or small.all():
        chosen = large if large.any() else small
        reasons.append(f"columns have spreads far from 1, {names.of(chosen, summary)}")
    if far.any():
        reasons.append(f"columns lie far from 0, {names.of(far, summary)}")
    if not reasons:
        return None
    return f"{', and '.join(reasons)}: a network is slow to learn what is not around 0 and 1, set standardize=True"
