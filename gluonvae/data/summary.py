"""What the values of a data set are like, found in one pass over them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Callable, NamedTuple, Optional

import numpy as np

from .stores import Sparse, Store

LARGEST = float(np.finfo(np.float32).max)

Place = Callable[[int, int], tuple[int, int]]
"""Row and column in the data of a row and column of a block."""


class Summary(NamedTuple):
    """What is true of all values of a data set."""

    low: float
    """The least value that is not missing; NaN where all are."""
    high: float
    """The greatest."""
    binary: bool
    """Whether all values that are not missing are 0 or 1."""
    whole: bool
    """Whether all are whole numbers."""
    missing: int = 0
    """How many are missing, NaN."""
    first_missing: Optional[tuple[int, int]] = None
    """Row and column of the first."""


def joined(parts: Sequence[Summary]) -> Summary:
    """Return what is true of several data sets together; where a value is missing in one, it is that of the first."""
    return Summary(
        float(np.nanmin([part.low for part in parts])),
        float(np.nanmax([part.high for part in parts])),
        all(part.binary for part in parts),
        all(part.whole for part in parts),
        sum(part.missing for part in parts),
        next((part.first_missing for part in parts if part.first_missing), None),
    )


def summarize(name: str, store: Store) -> Summary:
    """Look at all values of a store.

    Parameters
    ----------
    name : str
        What messages call the values.
    store : Store

    Returns
    -------
    Summary

    Raises
    ------
    ValueError
        If a value is infinite, with its row and column, or all are missing.
    """
    if store.dtype == bool:
        return Summary(0.0, 1.0, True, True)
    summary = _of_sparse(name, store) if isinstance(store, Sparse) else _of_blocks(name, store)
    if summary.missing == np.prod(store.shape, dtype=float):
        raise ValueError(f"{name} has nan everywhere: all values are missing")
    return summary


def _of_blocks(name: str, store: Store) -> Summary:
    low, high, binary, whole, missing, first, row = np.inf, -np.inf, True, True, 0, None, 0
    for block in store.blocks():
        part = _of_block(name, block, partial(_place_below, row))
        low, high = np.fmin(low, part.low), np.fmax(high, part.high)
        binary, whole = binary and part.binary, whole and part.whole
        missing, first, row = missing + part.missing, first or part.first_missing, row + len(block)
    return Summary(float(low), float(high), binary, whole, missing, first)


def _place_below(first_row: int, row: int, column: int) -> tuple[int, int]:
    return first_row + row, column


def _of_sparse(name: str, store: Sparse) -> Summary:
    """Of the values that are kept, and 0 for the others."""
    matrix = store.matrix
    values = matrix.data
    if not len(values):
        return Summary(0.0, 0.0, True, True)

    def place(_: int, number: int) -> tuple[int, int]:
        return int(np.searchsorted(matrix.indptr, number, side="right")) - 1, int(matrix.indices[number])

    part = _of_block(name, values[None], place)
    full = len(values) == np.prod(store.shape, dtype=float)
    return part if full else part._replace(low=float(np.fmin(part.low, 0)), high=float(np.fmax(part.high, 0)))


def _check_range(name: str, block: np.ndarray, place: Place) -> None:
    """Refuse values that a float32, which models are trained in, cannot hold."""
    with np.errstate(invalid="ignore"):
        beyond = np.argwhere(np.isfinite(block) & (abs(block.astype(np.float64)) > LARGEST))
    if len(beyond):
        row, column = (int(i) for i in beyond[0])
        raise ValueError(
            f"{name} has {block[row, column]:.4g} at {place(row, column)}, and a float32 holds at most "
            f"{LARGEST:.3g}: correct it, or take another unit"
        )


def _of_block(name: str, block: np.ndarray, place: Place) -> Summary:
    low, high = block.min(), block.max()
    missing, first = 0, None
    if block.dtype.itemsize > 4 and not max(-float(low), float(high)) <= LARGEST:
        _check_range(name, block, place)
    if block.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        infinite = np.isinf(block)
        if infinite.any():
            row, column = (int(i) for i in np.argwhere(infinite)[0])
            raise ValueError(f"{name} has {block[row, column]} at {place(row, column)}")
        nan = np.isnan(block)
        missing, (row, column) = int(np.count_nonzero(nan)), (int(i) for i in np.argwhere(nan)[0])
        first, block = place(row, column), block[~nan]
        if not block.size:
            return Summary(np.nan, np.nan, True, True, missing, first)
        low, high = block.min(), block.max()
    in_unit = bool(low >= 0 and high <= 1)
    binary = in_unit and bool(((block == 0) | (block == 1)).all())
    whole = block.dtype.kind in "bui" or binary or (not in_unit and bool((block == np.rint(block)).all()))
    return Summary(float(low), float(high), binary, whole, missing, first)
