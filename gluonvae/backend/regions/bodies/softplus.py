"""The bodies of :mod:`gluonvae.backend.regions.softplus`."""

from __future__ import annotations

from typing import Any

from numba import carray

from ..operator import SIZES
from .native import (
    argument_words,
    bytes_of,
    compile_bodies,
    ints,
    numbers,
    thread,
    threads,
    words,
    zero_and_one,
)
from .numerics import exp_of_negative, log1p_of_fraction
from .rows import share


def _forward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 2)
    zero, _ = zero_and_one(arguments)
    first, end = share(size[SIZES], 64, thread(), threads())
    x = carray(numbers(tensor[0] + bytes_of(arguments) * first, arguments), end - first)
    y = carray(numbers(tensor[1] + bytes_of(arguments) * first, arguments), end - first)
    floor = x.dtype.type(size[SIZES + 1] / 1e18)
    for i in range(end - first):
        v = x[i]
        y[i] = (zero if v < zero else v) + log1p_of_fraction(exp_of_negative(-abs(v))) + floor


def _backward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 2), carray(words(argument[1]), 4)
    request = carray(ints(argument[2]), 1)[0]
    if request == 0:
        return
    zero, one = zero_and_one(arguments)
    first, end = share(size[SIZES], 64, thread(), threads())
    g = carray(numbers(tensor[0] + bytes_of(arguments) * first, arguments), end - first)
    x = carray(numbers(tensor[1] + bytes_of(arguments) * first, arguments), end - first)
    d = carray(numbers(tensor[3] + bytes_of(arguments) * first, arguments), end - first)
    for i in range(end - first):
        e = exp_of_negative(-abs(x[i]))
        v = g[i] * ((e if x[i] < zero else one) / (one + e))
        d[i] = v + d[i] if request == 3 else v


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
