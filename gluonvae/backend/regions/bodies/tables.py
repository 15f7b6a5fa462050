"""The rules of :mod:`gluonvae.backend.regions.tables`."""

from __future__ import annotations

import numpy as np
from numba import carray, types

from ..tables import OF_HANDLES, OF_NUMBERS, OF_PIECES, OF_SETTINGS, OF_TENSORS, PIECES, ROWS, RULE, TEAM
from .native import (
    argument_words,
    compile_bodies,
    compile_callback,
    compiled,
    floats,
    ints,
    is_fresh,
    set_fresh,
    stack_words,
    thread,
    threads,
    words,
)
from .passes import run_body
from .rows import share


@compiled
def _piece(table, number):
    """A piece's row, and the offset and number of its values."""
    piece = carray(words(table[OF_PIECES] + 24 * number), 3)
    return piece[0], piece[1], piece[2]


@compiled
def _values(table, row, which, first, count):
    """Values of one of a row's tensors."""
    start = carray(words(table[OF_TENSORS]), 4 * (row + 1))[4 * row + which]
    return carray(floats(start + 4 * first), count)


@compiled
def _numbers(table):
    """The two numbers of each row."""
    return carray(floats(table[OF_NUMBERS]), (2, table[ROWS]))


@compiled
def _clipped(x, limit):
    return limit if x > limit else (-limit if x < -limit else x)


def _adam(arguments):
    """Kingma and Ba 2015, algorithm 1 in the form of section 2."""
    table = carray(words(argument_words(arguments)[0]), 9)
    settings, one = carray(floats(table[OF_SETTINGS]), 5), np.float32(1)
    rescale, clip, beta1, beta2, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        row, first, count = _piece(table, number)
        weight, grad = _values(table, row, 0, first, count), _values(table, row, 1, first, count)
        mean, var = _values(table, row, 2, first, count), _values(table, row, 3, first, count)
        rate, decay = _numbers(table)[0, row], _numbers(table)[1, row]
        for i in range(count):
            g = _clipped(grad[i] * rescale + decay * weight[i], clip)
            m = beta1 * mean[i] + (one - beta1) * g
            v = beta2 * var[i] + (one - beta2) * g * g
            mean[i] = m
            var[i] = v
            weight[i] -= rate * m / (np.sqrt(v) + epsilon)


def _sgd(arguments):
    """Stochastic gradient descent."""
    table = carray(words(argument_words(arguments)[0]), 9)
    settings = carray(floats(table[OF_SETTINGS]), 2)
    rescale, clip = settings[0], settings[1]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        row, first, count = _piece(table, number)
        weight, grad = _values(table, row, 0, first, count), _values(table, row, 1, first, count)
        rate, decay = _numbers(table)[0, row], _numbers(table)[1, row]
        for i in range(count):
            weight[i] -= rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])


def _momentum(arguments):
    """Stochastic gradient descent with momentum."""
    table = carray(words(argument_words(arguments)[0]), 9)
    settings = carray(floats(table[OF_SETTINGS]), 3)
    rescale, clip, momentum = settings[0], settings[1], settings[2]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        row, first, count = _piece(table, number)
        weight, grad = _values(table, row, 0, first, count), _values(table, row, 1, first, count)
        velocity = _values(table, row, 2, first, count)
        rate, decay = _numbers(table)[0, row], _numbers(table)[1, row]
        for i in range(count):
            v = momentum * velocity[i] - rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])
            velocity[i] = v
            weight[i] += v


def _too_large(arguments):
    """Mark the rows in which a value is NaN, infinite or beyond a limit in size."""
    table = carray(words(argument_words(arguments)[0]), 9)
    limit = carray(floats(table[OF_SETTINGS]), 1)[0]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        row, first, count = _piece(table, number)
        values = _values(table, row, 0, first, count)
        wrong = False
        for i in range(count):
            wrong |= not (abs(values[i]) <= limit)  # a NaN is not less than anything
        if wrong:
            _numbers(table)[0, row] = 1


def _run(place):
    table = carray(words(place), 9)
    run_body(table[RULE], table[TEAM], place, 0, 0, 0)


def _find_stale(place):
    table = carray(words(place), 9)
    handles = carray(words(table[OF_HANDLES]), table[ROWS])
    memory = stack_words(4)
    state = carray(ints(memory), 1)
    for number in range(table[ROWS]):
        is_fresh(handles[number], memory)
        if state[0] == 0:
            return number
    for number in range(table[ROWS]):
        set_fresh(handles[number], 0)
    return -1


def rules() -> dict[str, int]:
    """Compile the rules, and return the addresses of their bodies."""
    bodies = {"adam": _adam, "sgd": _sgd, "momentum": _momentum, "too_large": _too_large}
    return dict(zip(bodies, compile_bodies(np.float32, *bodies.values(), as_written=True)))


def addresses() -> tuple[int, int]:
    """Compile what Python calls with the address of a table: to go through it, and to find stale gradients."""
    return (
        compile_callback(_run, types.void, types.int64),
        compile_callback(_find_stale, types.int64, types.int64),
    )
