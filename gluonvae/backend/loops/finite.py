"""The loop of :mod:`gluonvae.backend.finite`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from .compile import Loop


def _address_as_pointer(typing_context: object, address: object) -> tuple[object, Callable[..., object]]:
    """Convert an address to a pointer to float32, as a numba intrinsic: its signature and its code generator."""
    pointer = types.CPointer(types.float32)
    return pointer(types.uint64), lambda context, builder, signature, arguments: builder.inttoptr(
        arguments[0], context.get_value_type(pointer)
    )


_pointer: Any = intrinsic(_address_as_pointer)


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
