"""Tensors that are like one that has passed checks, of which nothing but the values is to be looked at.

MXNet is asked for shape, dtype, device and address by compiled code at once: each question of Python's takes
microseconds.
"""

from __future__ import annotations

import ctypes
import functools
from array import array
from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from ..memory import VIEWED, is_gpu, view
from ..runtime import mx
from .availability import available
from .direct import AXES

KIND = 5 + AXES
"""Words of what a tensor is like: MXNet's numbers of its dtype, its storage type and its device, how many axes it has,
and their sizes. Its address comes after them."""


class LastAccepted:
    """What the tensor was like that a check accepted last; a key is what the check depends on beside the tensor."""

    def __init__(self) -> None:
        self._key: Any = None
        self._kind: Optional[array[int]] = None
        self._dtype: Any = None
        self._shape: tuple[int, ...] = ()

    def values_if_like(self, tensor: Any, key: Any) -> Optional[np.ndarray]:
        """Return the values of a tensor, to read and not to keep, if it is to be accepted; None if it is to be checked.

        Parameters
        ----------
        tensor : object
            What is to be checked.
        key : object
            What the check depends on beside it.
        """
        if self._kind is None or type(tensor) is not mx.nd.NDArray or self._key != key:
            return None
        words = _described(tensor)
        if words[:KIND] != self._kind or words[KIND] == 0:
            return None
        return view(words[KIND], self._dtype, self._shape)

    def remember(self, tensor: Any, key: Any) -> None:
        """Remember a tensor that was accepted."""
        self._key, self._kind = key, None
        if available() and not is_gpu(tensor.context) and tensor.dtype in VIEWED and tensor.ndim <= AXES:
            self._kind, self._dtype, self._shape = _described(tensor)[:KIND], tensor.dtype, tensor.shape


def _described(tensor: Any) -> array[int]:
    words = array("q", bytes(8 * (KIND + 1)))
    _describe()(tensor.handle.value, words.buffer_info()[0])
    return words


@functools.cache
def _describe() -> Callable[[int, int], int]:
    from .bodies import inputs

    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * 2)(inputs.address_of_describe())
