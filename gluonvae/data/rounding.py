"""Whole numbers that are rounded where models compute in float32."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Optional

import numpy as np

from ..backend.types import DType
from .stores import Store
from .summary import Summary

EXACT = 2**24
"""All whole numbers up to it are a float32."""

WHOLE = 2**53
"""Beyond it all float64 are whole numbers, which says nothing of what they count."""

_log = logging.getLogger(__name__)


def has_others(dtype: DType) -> bool:
    """Return whether a type has whole numbers that float32 has not."""
    return np.dtype(dtype).itemsize >= 4 and np.dtype(dtype).newbyteorder("=") != np.float32


def may_be_rounded(values: np.ndarray) -> bool:
    """Return whether whole numbers could be among values, ``(n, X)``, that no float32 is equal to, at a glance."""
    return has_others(values.dtype) and bool(np.fmax.reduce(abs(values), axis=None) > EXACT)


def find_rounded(values: np.ndarray) -> Optional[tuple[int, int]]:
    """Return the place of the first of whole numbers, ``(n, X)``, that no float32 is equal to."""
    with np.errstate(invalid="ignore"):  # the largest int64 becomes one more than can be converted back
        changed = values.astype(np.float32).astype(values.dtype) != values
    if values.dtype.kind == "f":
        changed &= abs(values) <= WHOLE  # and not NaN
    if not changed.any():
        return None
    row, column = np.unravel_index(int(changed.argmax()), changed.shape)
    return int(row), int(column)


def warn_of_rounded(name: str, store: Store, summary: Summary, columns: Optional[Sequence[str]] = None) -> bool:
    """Warn of counts, numbers of things and other whole numbers that a model takes for their neighbours.

    Parameters
    ----------
    name : str
        What the message calls the values.
    store : Store
        The values.
    summary : Summary
        What they are like: of real numbers nothing is said, as they are rounded anyway.
    columns : sequence of str, optional
        The names of the columns.

    Returns
    -------
    bool
        Whether there was one.
    """
    if not (has_others(store.dtype) and summary.whole and max(-summary.low, summary.high) > EXACT):
        return False
    first = 0
    for block in store.blocks():
        place = find_rounded(block)
        if place is not None:
            place_in_all = first + place[0], place[1]
            called = "" if columns is None else f", in the column {columns[place[1]]!r}"
            _log.warning(
                "%s has %d at %s%s: models compute in float32, in which whole numbers beyond 2^24 are rounded, this "
                "one to %d; take another unit, or leave the column out",
                *(name, block[place], place_in_all, called, np.float32(block[place])),
            )
            return True
        first += len(block)
    return False
