"""The loop of :mod:`gluonvae.backend.finite`."""

from __future__ import annotations

import numba
import numpy as np
from numba import carray

from .adam import _pointer
from .compile import Loop


@Loop
def too_large(addresses: np.ndarray, sizes: np.ndarray, limit: np.float32) -> int:
    """Count the pieces of memory in which a float32 is NaN, infinite or beyond ``limit`` in size.

    ``addresses`` are ``(n, 1)`` and ``sizes`` ``(n,)``, as :func:`gluonvae.backend.memory.cut` gives them.
    """
    found = 0
    for row in numba.prange(len(sizes)):
        values = carray(_pointer(addresses[row, 0]), sizes[row])
        wrong = False
        for i in range(sizes[row]):
            wrong |= not (abs(values[i]) <= limit)  # a NaN is not less than anything
        found += wrong
    return found
