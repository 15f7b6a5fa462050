"""The bodies of :mod:`gluonvae.backend.regions.normal`. A draw r is of the row r modulo the number of rows."""

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
from .numerics import log_of_positive
from .rows import share

KL, LOG_PROB = 0, 1
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@compiled
def _row(address, row, width, like):
    return carray(numbers(address + bytes_of(like) * row * width, like), width)


@compiled
def _divergence(mean, std):
    zero, one = mean.dtype.type(0), mean.dtype.type(1)
    half, total = mean.dtype.type(0.5), mean.dtype.type(0)
    for i in range(len(mean)):
        # (s - 1)(s + 1) keeps digits that s**2 - 1 loses near 1
        spread = half * ((std[i] - one) * (std[i] + one)) - log_of_positive(std[i])
        total += half * mean[i] * mean[i] + (zero if spread < zero else spread)
    return total


@compiled
def _log_density(noise, std):
    half, total, constant = noise.dtype.type(0.5), noise.dtype.type(0), noise.dtype.type(HALF_LOG_TWO_PI)
    for i in range(len(noise)):
        total -= half * noise[i] * noise[i] + log_of_positive(std[i]) + constant
    return total


def _forward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 4), carray(words(argument[1]), 5)
    request = carray(ints(argument[2]), 2)
    rows, width, draws, kind = size[SIZES], size[SIZES + 1], size[SIZES + 2], size[SIZES + 3]
    first, end = share(rows, 1, thread(), threads())
    second = carray(numbers(tensor[4], arguments), draws)
    for row in range(first, end):
        mean, std = _row(tensor[0], row, width, arguments), _row(tensor[1], row, width, arguments)
        for draw in range(row, draws, rows):
            noise = _row(tensor[2], draw, width, arguments)
            if request[0] != 0:
                to = _row(tensor[3], draw, width, arguments)
                for i in range(width):
                    to[i] = mean[i] + std[i] * noise[i]
            if kind == LOG_PROB and request[1] != 0:
                second[draw] = _log_density(noise, std)
        if kind == KL and request[1] != 0:
            second[row] = _divergence(mean, std)


def _backward(arguments):
    argument = argument_words(arguments)
    size, tensor = carray(words(argument[0]), SIZES + 4), carray(words(argument[1]), 10)
    request = carray(ints(argument[2]), 3)
    rows, width, draws, kind = size[SIZES], size[SIZES + 1], size[SIZES + 2], size[SIZES + 3]
    zero, one = zero_and_one(arguments)
    first, end = share(rows, 1, thread(), threads())
    weight = carray(numbers(tensor[1], arguments), draws)
    for row in range(first, end):
        mean, std = _row(tensor[2], row, width, arguments), _row(tensor[3], row, width, arguments)
        of_mean, of_std = _row(tensor[7], row, width, arguments), _row(tensor[8], row, width, arguments)
        if request[0] != 0:
            w = weight[row] if kind == KL else zero
            for i in range(width):
                own = w * mean[i]
                of_mean[i] = own + of_mean[i] if request[0] == 3 else own
        if request[1] != 0:
            w = zero
            if kind == KL:
                w = weight[row]
            else:
                for draw in range(row, draws, rows):
                    w += weight[draw]
            for i in range(width):
                own = w * ((std[i] - one) * (std[i] + one)) / std[i] if kind == KL else -w / std[i]
                of_std[i] = own + of_std[i] if request[1] == 3 else own
        for draw in range(row, draws, rows):
            gradient, noise = _row(tensor[0], draw, width, arguments), _row(tensor[4], draw, width, arguments)
            if request[0] != 0:
                for i in range(width):
                    of_mean[i] += gradient[i]
            if request[1] != 0:
                for i in range(width):
                    of_std[i] += gradient[i] * noise[i]
            if request[2] != 0:
                of_noise = _row(tensor[9], draw, width, arguments)
                w = weight[draw] if kind == LOG_PROB else zero
                for i in range(width):
                    own = gradient[i] * std[i] - w * noise[i]
                    of_noise[i] = own + of_noise[i] if request[2] == 3 else own


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
