"""The bodies of :mod:`gluonvae.backend.regions.log_mean_exp`."""

from __future__ import annotations

import math
from typing import Any

from numba import carray

from ..operator import SIZES
from .native import (
    argument_words,
    bytes_of,
    compile_bodies,
    compiled,
    ints,
    numbers,
    thread,
    threads,
    words,
    zero_and_one,
)
from .numerics import exp_of_negative, log_of_positive
from .rows import share

LEAST = -50.0
"""Terms below exp(-50) times the largest are dropped: they are below the precision of every dtype, and their gradients
would be subnormal numbers, with which a CPU is ten times slower."""
COLUMNS = 16
"""Columns that a thread takes together."""


@compiled
def _row(address, row, columns, first, count, like):
    """Columns of a row."""
    return carray(numbers(address + bytes_of(like) * (row * columns + first), like), count)


def _forward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 2)
    samples, columns = size[SIZES], size[SIZES + 1]
    zero, one = zero_and_one(arguments)
    first, end = share(columns, COLUMNS, thread(), threads())
    count = end - first
    out = _row(tensor[1], 0, columns, first, count, arguments)
    for i in range(count):
        out[i] = zero
    for i in range(count):
        top = _row(tensor[0], 0, columns, first, count, arguments)[i]
        for sample in range(1, samples):
            x = _row(tensor[0], sample, columns, first, count, arguments)[i]
            top = x if x > top else top
        total = zero
        for sample in range(samples):
            below = _row(tensor[0], sample, columns, first, count, arguments)[i] - top
            # a NaN is not below anything
            total += zero if below < one * LEAST else exp_of_negative(below)
        out[i] = log_of_positive(total / samples) + top


def _backward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 4)
    request = carray(ints(argument[2]), 1)[0]
    if request == 0:
        return
    samples, columns = size[SIZES], size[SIZES + 1]
    zero, one = zero_and_one(arguments)
    log_samples = one * math.log(samples)
    first, end = share(columns, COLUMNS, thread(), threads())
    count = end - first
    gradient = _row(tensor[0], 0, columns, first, count, arguments)
    out = _row(tensor[2], 0, columns, first, count, arguments)
    for sample in range(samples):
        x, to = (
            _row(tensor[1], sample, columns, first, count, arguments),
            _row(tensor[3], sample, columns, first, count, arguments),
        )
        for i in range(count):
            below = x[i] - out[i] - log_samples
            below = zero if below > zero else below
            own = zero if below < one * LEAST else gradient[i] * exp_of_negative(below)
            to[i] = own + to[i] if request == 3 else own


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
