"""The rules of :mod:`gluonvae.backend.regions.tables`."""

from __future__ import annotations

import numpy as np
from numba import carray, types

from ..shared import LAST_TEAM
from ..tables import (
    OF_HANDLES,
    OF_NUMBERS,
    OF_PIECES,
    OF_SETTINGS,
    OF_SHARED,
    OF_TENSORS,
    PIECES,
    ROWS,
    RULE,
    TEAM,
    TEAM_OF_SLEEPERS,
)
from .handles import is_fresh, set_fresh
from .native import (
    argument_words,
    compile_body,
    compile_callback,
    compiled,
    floats,
    ints,
    stack_words,
    thread,
    threads,
    words,
)
from .passes import run_body
from .rows import share


@compiled
def _begin(arguments):
    """The table, its settings, and which pieces are this thread's."""
    table = words(argument_words(arguments)[0])
    first, end = share(table[PIECES], 1, thread(), threads())
    return table, carray(floats(table[OF_SETTINGS]), 8), first, end


@compiled
def _piece(table, number):
    """A piece's row, and the offset and number of its values."""
    piece = words(table[OF_PIECES] + 24 * number)
    return piece[0], piece[1], piece[2]


@compiled
def _values(table, number, which):
    """A piece of one of the tensors of its row."""
    row, first, count = _piece(table, number)
    start = words(table[OF_TENSORS])[4 * row + which]
    return carray(floats(start + 4 * first), count)


@compiled
def _weight_and_grad(table, number):
    return _values(table, number, 0), _values(table, number, 1)


@compiled
def _states(table, number):
    return _values(table, number, 2), _values(table, number, 3)


@compiled
def _numbers(table):
    """The two numbers of each row."""
    return carray(floats(table[OF_NUMBERS]), (2, table[ROWS]))


@compiled
def _rate_and_decay(table, number):
    row, numbers = _piece(table, number)[0], _numbers(table)
    return numbers[0, row], numbers[1, row]


@compiled
def _clipped(x, limit):
    return limit if x > limit else (-limit if x < -limit else x)


def _adam(arguments):
    """Kingma and Ba 2015, algorithm 1 in the form of section 2."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, beta1, beta2, epsilon = settings[0], settings[1], settings[2], settings[3], settings[4]
    one = np.float32(1)
    for number in range(first, end):
        (weight, grad), (mean, var) = _weight_and_grad(table, number), _states(table, number)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            g = _clipped(grad[i] * rescale + decay * weight[i], clip)
            m = beta1 * mean[i] + (one - beta1) * g
            v = beta2 * var[i] + (one - beta2) * g * g
            mean[i] = m
            var[i] = v
            weight[i] -= rate * m / (np.sqrt(v) + epsilon)


def _adamax(arguments):
    """Kingma and Ba 2015, algorithm 2; without a step where all gradients were 0."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, beta1, beta2 = settings[0], settings[1], settings[2], settings[3]
    zero, one = np.float32(0), np.float32(1)
    for number in range(first, end):
        (weight, grad), (mean, norm) = _weight_and_grad(table, number), _states(table, number)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            g = _clipped(grad[i] * rescale + decay * weight[i], clip)
            m = beta1 * mean[i] + (one - beta1) * g
            u, size = beta2 * norm[i], abs(g)
            u = u if u > size else size
            mean[i] = m
            norm[i] = u
            weight[i] -= zero if u == zero else rate * m / u


def _rmsprop(arguments):
    """Tieleman and Hinton 2012."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, gamma, epsilon = settings[0], settings[1], settings[2], settings[3]
    one = np.float32(1)
    for number in range(first, end):
        (weight, grad), square = _weight_and_grad(table, number), _values(table, number, 2)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            g = _clipped(grad[i] * rescale + decay * weight[i], clip)
            v = gamma * square[i] + (one - gamma) * g * g
            square[i] = v
            weight[i] -= rate * g / np.sqrt(v + epsilon)


def _adagrad(arguments):
    """Duchi, Hazan and Singer 2011, with the diagonal matrix."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, epsilon = settings[0], settings[1], settings[2]
    for number in range(first, end):
        (weight, grad), square = _weight_and_grad(table, number), _values(table, number, 2)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            g = _clipped(grad[i] * rescale, clip)
            v = square[i] + g * g
            square[i] = v
            weight[i] -= rate * (g / np.sqrt(v + epsilon) + decay * weight[i])


def _sgd(arguments):
    """Stochastic gradient descent."""
    table, settings, first, end = _begin(arguments)
    rescale, clip = settings[0], settings[1]
    for number in range(first, end):
        weight, grad = _weight_and_grad(table, number)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            weight[i] -= rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])


def _momentum(arguments):
    """Stochastic gradient descent with momentum."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, momentum = settings[0], settings[1], settings[2]
    for number in range(first, end):
        (weight, grad), velocity = _weight_and_grad(table, number), _values(table, number, 2)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            v = momentum * velocity[i] - rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])
            velocity[i] = v
            weight[i] += v


def _nesterov(arguments):
    """Nesterov's momentum in the form of Sutskever et al. 2013, at the point that is looked ahead to."""
    table, settings, first, end = _begin(arguments)
    rescale, clip, momentum = settings[0], settings[1], settings[2]
    for number in range(first, end):
        (weight, grad), velocity = _weight_and_grad(table, number), _values(table, number, 2)
        rate, decay = _rate_and_decay(table, number)
        for i in range(len(weight)):
            step = rate * (_clipped(grad[i] * rescale, clip) + decay * weight[i])
            v = momentum * velocity[i] - step
            velocity[i] = v
            weight[i] += momentum * v - step


def _too_large(arguments):
    """Mark the rows in which a value is NaN, infinite or beyond a limit in size."""
    table, settings, first, end = _begin(arguments)
    limit = settings[0]
    for number in range(first, end):
        values, wrong = _values(table, number, 0), False
        for i in range(len(values)):
            wrong |= not (abs(values[i]) <= limit)  # a NaN is not less than anything
        if wrong:
            _numbers(table)[0, _piece(table, number)[0]] = 1


def _run(place):
    table = words(place)
    is_awake = words(table[OF_SHARED])[LAST_TEAM] > 1
    run_body(table[RULE], table[TEAM] if is_awake else table[TEAM_OF_SLEEPERS], table[OF_SHARED], place, 0, 0, 0)


def _find_stale(place):
    table = words(place)
    handles = words(table[OF_HANDLES])
    memory = stack_words(4)
    state = ints(memory)
    for number in range(table[ROWS]):
        is_fresh(handles[number], memory)
        if state[0] == 0:
            return number
    for number in range(table[ROWS]):
        set_fresh(handles[number], 0)
    return -1


_RULES = {
    "adam": _adam,
    "adamax": _adamax,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "too_large": _too_large,
}


def rule(name: str) -> int:
    """Compile a rule, and return the address of its body."""
    return compile_body(np.float32, _RULES[name], as_written=True)


def addresses() -> tuple[int, int]:
    """Compile what Python calls with the address of a table: to go through it, and to find stale gradients."""
    return (
        compile_callback(_run, types.void, types.int64),
        compile_callback(_find_stale, types.int64, types.int64),
    )
