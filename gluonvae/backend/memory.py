"""The memory of NDArrays on the CPU: addresses for compiled loops, and views as NumPy arrays."""

from __future__ import annotations

import ctypes
import functools
import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Callable

import numpy as np

from .operators import as_numpy
from .runtime import is_gpu, mx
from .types import Context, DType, Tensor

VIEWED = (np.float32, np.float64)
"""The dtypes whose memory is viewed."""


OF_PYTHON = 1000
"""How many objects Python itself may have among the frozen ones: 3.12 keeps a few hundred there that live for ever."""


@contextmanager
def earlier_objects_left_alone() -> Iterator[None]:
    """Context manager in which the garbage collector does not look through what was there before.

    That is some 100,000 objects of the packages that are imported, which took a tenth of a small training step.
    """
    if gc.get_freeze_count() > OF_PYTHON:  # someone else's, who would not have them collected after this
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def address(tensor: Tensor) -> int:
    """Return the address of an NDArray's values.

    Parameters
    ----------
    tensor : Tensor
        An NDArray on the CPU. The operators that compute it must have finished.

    Returns
    -------
    int
        The address of the first value.
    """
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(tensor.handle, ctypes.byref(pointer)))
    return pointer.value or 0


def wait(tensors: Sequence[Tensor]) -> None:
    """Wait until nothing that was asked of the engine is still at work on them."""
    for tensor in tensors:
        mx.base.check_call(mx.base._LIB.MXNDArrayWaitToWrite(tensor.handle))


@functools.lru_cache(maxsize=256)
def view(place: int, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """View memory as an array.

    Views are cached, as the addresses in a static graph recur. An array does not keep its memory alive.

    Parameters
    ----------
    place : int
        Address of the first value.
    dtype : type
        ``np.float32`` or ``np.float64``.
    shape : tuple[int, ...]
        Shape of the array.

    Returns
    -------
    np.ndarray
        An array on that memory.
    """
    values = np.ctypeslib.as_ctypes_type(dtype) * math.prod(shape)
    return np.ctypeslib.as_array(values.from_address(place)).reshape(shape)


def read_values(tensor: Tensor) -> np.ndarray:
    """Return the values of an NDArray, to read and not to keep: where they are on the CPU, not a copy.

    Parameters
    ----------
    tensor : Tensor
        Of any dtype and device.
    """
    dtype = tensor.dtype
    if is_gpu(tensor.context) or dtype not in VIEWED:
        return as_numpy(tensor)
    wait((tensor,))
    return view(address(tensor), dtype, tensor.shape)


def set_values(tensor: Any, values: np.ndarray) -> None:
    """Set the values of an NDArray of any dtype and device, on the CPU without the copies of ``tensor[:] = values``.

    Parameters
    ----------
    tensor : Tensor
        What is changed.
    values : np.ndarray
        Of the same shape.
    """
    if is_gpu(tensor.context) or tensor.dtype not in VIEWED:
        tensor[:] = values
        return
    wait((tensor,))
    view(address(tensor), tensor.dtype, tensor.shape)[:] = values


def filled(fill: Callable[[np.ndarray], object], shape: Sequence[int], ctx: Context, dtype: DType) -> Tensor:
    """Make an NDArray whose values are written by a function, without the copies of ``mx.nd.array``.

    Parameters
    ----------
    fill : Callable[[np.ndarray], object]
        Called with an array of the shape to write to, float64 if ``dtype`` is float64 and float32 otherwise.
    shape : Sequence[int]
        Shape of the NDArray.
    ctx : Context
        Its device. For a GPU the values are written on the CPU and copied asynchronously.
    dtype : DType
        Its dtype.

    Returns
    -------
    Tensor
        The NDArray.
    """
    written = np.float64 if np.dtype(dtype) == np.float64 else np.float32
    tensor = mx.nd.empty(tuple(shape), mx.cpu() if is_gpu(ctx) else ctx, written)
    fill(view(address(tensor), written, tuple(shape)))
    return tensor.as_in_context(ctx).astype(dtype, copy=False)
