"""The memory of NDArrays on the CPU, as NumPy sees it."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Sequence
from typing import Any, Callable

import numpy as np

from .runtime import is_gpu, mx

KINDS = {np.float32: ctypes.c_float, np.float64: ctypes.c_double}
"""The dtypes whose memory can be seen."""


def address(tensor: Any) -> int:
    """Where the numbers of an NDArray on the CPU lie. Whatever computes it must have ended."""
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(tensor.handle, ctypes.byref(pointer)))
    return pointer.value or 0


@functools.lru_cache(maxsize=256)
def view(place: int, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The numbers at an address, whoever they belong to now. In a static graph the addresses recur."""
    return np.ctypeslib.as_array((KINDS[dtype] * math.prod(shape)).from_address(place)).reshape(shape)


def filled(fill: Callable[[np.ndarray], object], shape: Sequence[int], ctx: Any, dtype: Any) -> Any:
    """A new NDArray of ``shape`` on ``ctx``; ``fill`` is given an array of that shape, float64 where
    ``dtype`` is and else float32, and writes the values.

    ``mx.nd.array`` makes copies, and takes longer than drawing the noise of a small batch. For a GPU
    the values are written on the CPU; the copy is asked for, and not waited for.
    """
    written = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    tensor = mx.nd.empty(tuple(shape), mx.cpu() if is_gpu(ctx) else ctx, written)
    fill(view(address(tensor), written, tuple(shape)))
    return tensor.as_in_context(ctx).astype(dtype, copy=False)
