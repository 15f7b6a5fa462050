"""The bodies of :mod:`gluonvae.backend.regions.bernoulli`."""

from __future__ import annotations

from typing import Any

from numba import carray

from ..operator import SIZES
from .native import argument_words, bytes_of, compile_bodies, ints, numbers, thread, threads, words, zero_and_one
from .numerics import exp_of_negative, log1p_of_fraction
from .rows import share


def _forward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 3), carray(words(argument[1]), 3)
    rows, width, of_value = size[SIZES], size[SIZES + 1], size[SIZES + 2]
    zero, one = zero_and_one(arguments)
    stride = bytes_of(arguments) * width
    first, end = share(rows, 1, thread(), threads())
    out = carray(numbers(tensor[2], arguments), rows)
    for row in range(first, end):
        logits = carray(numbers(tensor[0] + stride * row, arguments), width)
        value = carray(numbers(tensor[1] + stride * (row % of_value), arguments), width)
        total = zero
        for i in range(width):
            # minus the logit where the value is 1, else the logit: all terms of the sum are positive, so that no order
            # of summation cancels
            unlikely = logits[i] * (one - (value[i] + value[i]))
            total += (zero if unlikely < zero else unlikely) + log1p_of_fraction(exp_of_negative(-abs(unlikely)))
        out[row] = -total


def _backward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 3), carray(words(argument[1]), 6)
    request = carray(ints(argument[2]), 2)
    rows, width, of_value = size[SIZES], size[SIZES + 1], size[SIZES + 2]
    zero, one = zero_and_one(arguments)
    stride = bytes_of(arguments) * width
    weight = carray(numbers(tensor[0], arguments), rows)
    if request[0] != 0:
        first, end = share(rows, 1, thread(), threads())
        for row in range(first, end):
            logits = carray(numbers(tensor[1] + stride * row, arguments), width)
            value = carray(numbers(tensor[2] + stride * (row % of_value), arguments), width)
            to, factor = carray(numbers(tensor[4] + stride * row, arguments), width), weight[row]
            for i in range(width):
                e = exp_of_negative(-abs(logits[i]))
                own = factor * (value[i] - (e if logits[i] < zero else one) / (one + e))
                to[i] = own + to[i] if request[0] == 3 else own
    if request[1] == 1 and thread() == 0:  # no gradient flows to values
        to = carray(numbers(tensor[5], arguments), of_value * width)
        for i in range(of_value * width):
            to[i] = zero


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
