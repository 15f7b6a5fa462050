"""The bodies of :mod:`gluonvae.backend.regions.updates`: rules of optimizers."""

from __future__ import annotations

import numpy as np
from numba import carray, types

from ..updates import (
    OF_DECAYS,
    OF_HANDLES,
    OF_PIECES,
    OF_RATES,
    OF_SETTINGS,
    OF_TENSORS,
    PARAMETERS,
    PIECES,
    RULE,
    TEAM,
)
from .native import (
    argument_words,
    compile_bodies,
    compile_callback,
    compiled,
    floats,
    four_words,
    ints,
    is_fresh,
    set_fresh,
    thread,
    threads,
    words,
)
from .passes import run_body
from .rows import share


@compiled
def _piece(table, number):
    """A piece's parameter, and the offset and number of its values."""
    piece = carray(words(table[OF_PIECES] + 24 * number), 3)
    return piece[0], piece[1], piece[2]


@compiled
def _values(table, parameter, which, first, count):
    """Values of a parameter's weight, gradient or state."""
    start = carray(words(table[OF_TENSORS]), 4 * (parameter + 1))[4 * parameter + which]
    return carray(floats(start + 4 * first), count)


@compiled
def _of_parameter(table, parameter):
    """The learning rate and the weight decay of a parameter."""
    rates, decays = carray(floats(table[OF_RATES]), parameter + 1), carray(floats(table[OF_DECAYS]), parameter + 1)
    return rates[parameter], decays[parameter]


@compiled
def _clipped(x, limit):
    return limit if x > limit else (-limit if x < -limit else x)


def _adam(arguments):
    """Kingma and Ba 2015, algorithm 1 in the form of section 2."""
    table = carray(words(argument_words(arguments)[0]), 10)
    settings, one = carray(floats(table[OF_SETTINGS]), 5), np.float32(1)
    rescale, clip, beta1, beta2, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        parameter, first, count = _piece(table, number)
        weight, grad = _values(table, parameter, 0, first, count), _values(table, parameter, 1, first, count)
        mean, var = _values(table, parameter, 2, first, count), _values(table, parameter, 3, first, count)
        rate, decay = _of_parameter(table, parameter)
        for i in range(count):
            g = _clipped(grad[i] * rescale + decay * weight[i], clip)
            m = beta1 * mean[i] + (one - beta1) * g
            v = beta2 * var[i] + (one - beta2) * g * g
            mean[i] = m
            var[i] = v
            weight[i] -= rate * m / (np.sqrt(v) + epsilon)


def _sgd(arguments):
    """Stochastic gradient descent."""
    table = carray(words(argument_words(arguments)[0]), 10)
    settings = carray(floats(table[OF_SETTINGS]), 2)
    rescale, clip = settings[0], settings[1]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        parameter, first, count = _piece(table, number)
        weight, grad = _values(table, parameter, 0, first, count), _values(table, parameter, 1, first, count)
        rate, decay = _of_parameter(table, parameter)
        for i in range(count):
            weight[i] -= rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])


def _momentum(arguments):
    """Stochastic gradient descent with momentum."""
    table = carray(words(argument_words(arguments)[0]), 10)
    settings = carray(floats(table[OF_SETTINGS]), 3)
    rescale, clip, momentum = settings[0], settings[1], settings[2]
    start, end = share(table[PIECES], 1, thread(), threads())
    for number in range(start, end):
        parameter, first, count = _piece(table, number)
        weight, grad = _values(table, parameter, 0, first, count), _values(table, parameter, 1, first, count)
        velocity = _values(table, parameter, 2, first, count)
        rate, decay = _of_parameter(table, parameter)
        for i in range(count):
            v = momentum * velocity[i] - rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])
            velocity[i] = v
            weight[i] += v


def _update(place):
    table = carray(words(place), 10)
    run_body(table[RULE], table[TEAM], place, 0, 0, 0)


def _find_stale(place):
    table = carray(words(place), 10)
    handles = carray(words(table[OF_HANDLES]), table[PARAMETERS])
    memory = four_words()
    state = carray(ints(memory), 1)
    for number in range(table[PARAMETERS]):
        is_fresh(handles[number], memory)
        if state[0] == 0:
            return number
    for number in range(table[PARAMETERS]):
        set_fresh(handles[number], 0)
    return -1


def rules() -> dict[str, int]:
    """Compile the rules, and return the addresses of their bodies."""
    adam, sgd, momentum = compile_bodies(np.float32, _adam, _sgd, _momentum, as_written=True)
    return {"adam": adam, "sgd": sgd, "momentum": momentum}


def addresses() -> tuple[int, int]:
    """Compile the functions that Python calls with the address of a table: to update, and to find stale gradients."""
    return (
        compile_callback(_update, types.void, types.int64),
        compile_callback(_find_stale, types.int64, types.int64),
    )
