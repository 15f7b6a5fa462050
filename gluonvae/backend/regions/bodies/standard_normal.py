"""The bodies of :mod:`gluonvae.backend.regions.standard_normal`."""

from __future__ import annotations

import math
from typing import Any

from numba import carray

from ..operator import SIZES
from .native import argument_words, bytes_of, compile_bodies, ints, numbers, thread, threads, words, zero_and_one
from .rows import share

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def _forward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 2)
    rows, width = size[SIZES], size[SIZES + 1]
    zero, one = zero_and_one(arguments)
    first, end = share(rows, 1, thread(), threads())
    out = carray(numbers(tensor[1], arguments), rows)
    for row in range(first, end):
        value = carray(numbers(tensor[0] + bytes_of(arguments) * row * width, arguments), width)
        total = zero
        for i in range(width):
            total += value[i] * value[i]
        out[row] = -(one * 0.5) * total - one * (HALF_LOG_TWO_PI * width)


def _backward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 4)
    request = carray(ints(argument[2]), 1)[0]
    if request == 0:
        return
    rows, width = size[SIZES], size[SIZES + 1]
    first, end = share(rows, 1, thread(), threads())
    weight = carray(numbers(tensor[0], arguments), rows)
    for row in range(first, end):
        place, factor = bytes_of(arguments) * row * width, weight[row]
        value = carray(numbers(tensor[1] + place, arguments), width)
        to = carray(numbers(tensor[3] + place, arguments), width)
        for i in range(width):
            own = -factor * value[i]
            to[i] = own + to[i] if request == 3 else own


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
