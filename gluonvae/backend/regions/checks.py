"""Checks of values in memory that are made at each step, in one pass."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

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
        return bool(_is_binary()(values.__array_interface__["data"][0], values.size))
    # in fewer passes than there are comparisons
    return bool(np.count_nonzero(values != 0) == np.count_nonzero(values == 1))


@functools.cache
def _is_binary() -> Callable[[int, int], int]:
    from .bodies import checks

    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 2)(checks.address())
