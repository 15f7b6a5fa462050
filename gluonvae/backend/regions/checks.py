"""Checks of values in memory that are made at each step, in one pass."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .availability import loops_compile


def is_binary(values: np.ndarray) -> bool:
    """Return whether all values are 0 or 1.

    Parameters
    ----------
    values : np.ndarray
        Of any shape and dtype.
    """
    if values.dtype == bool:
        return True
    if values.dtype == np.float32 and values.flags.c_contiguous and loops_compile():
        return bool(_compiled()[0](values.__array_interface__["data"][0], values.size))
    # in fewer passes than there are comparisons
    return bool(np.count_nonzero(values != 0) == np.count_nonzero(values == 1))


def are_opposite(first: Any, second: Any) -> bool:
    """Return whether each number of one NDArray in float32 is the negative of that of another; not where one is NaN."""
    return bool(_compiled()[1](first.handle.value, second.handle.value))


@functools.cache
def _compiled() -> list[Callable[[int, int], int]]:
    from .bodies import checks

    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 2)
    return [function(address) for address in checks.addresses()]
