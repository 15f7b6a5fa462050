"""The compiled code of :mod:`gluonvae.backend.regions.checks`."""

from __future__ import annotations

import numpy as np
from numba import carray, types

from .handles import data_of, dtype_of, shape_of
from .native import compile_callback, floats, ints, stack_words, words

FLOAT32 = 0
"""MXNet's number of the dtype."""


def _is_binary(place, count):
    values = carray(floats(place), count)
    zero, one = np.float32(0), np.float32(1)
    wrong = zero  # a float32, of which LLVM adds up many at once
    for i in range(count):
        distance = values[i] * (values[i] - one)
        wrong += zero if distance == zero else one
    return wrong == zero


def _are_opposite(first, second):
    """Whether each of the numbers of one tensor is the negative of that of another; not where there is a NaN."""
    room = stack_words(4)
    place, kind = carray(words(room), 4), carray(ints(room), 2)
    dtype_of(first, room)
    if kind[0] != FLOAT32:
        return 0
    shape_of(first, room, room + 8)
    axes, count = kind[0], 1
    size = carray(ints(place[1]), axes)
    for axis in range(axes):
        count *= size[axis]
    data_of(first, room + 16)
    data_of(second, room + 24)
    x, y, differ = carray(floats(place[2]), count), carray(floats(place[3]), count), 0
    for i in range(count):
        differ += 0 if x[i] == -y[i] else 1
    return 1 if differ == 0 else 0


def addresses() -> list[int]:
    """Compile the functions, and return their addresses."""
    return [
        compile_callback(_is_binary, types.int64, types.int64, types.int64),
        compile_callback(_are_opposite, types.int64, types.int64, types.int64),
    ]
