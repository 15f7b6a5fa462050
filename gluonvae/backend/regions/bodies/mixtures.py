"""What the instruction of mixtures of discretised logistics does, over some pixels at a time."""

from __future__ import annotations

import math

from numba import carray

from ..layout import ADD, ALL, NUMBER, OF_ROWS, ROWS, WIDTH
from .averages import LEAST
from .masses import discretized_logistic_mass, discretized_logistic_slope, discretized_logistic_slope_in_scale
from .native import bytes_of, compiled, numbers, of_numbers, stack_words, word_of, zero_and_one
from .numerics import constant, exp_of_negative, log_of_positive
from .tensors import gradient_of, is_wanted, mode, operand, result, row_of, value_words

PIXELS = 64
"""How many pixels at a time."""
OF_MASS, OF_WEIGHTS, TOPS, SHIFTED, SHARES = range(5)
"""What is kept of each: the log mass, the logarithm of the sum of the exponentiated logits over the largest, which is
kept as well, the logit of a component less that, and the share of a component in the mass."""
MEMORY = 5 * PIXELS
"""Words for all of it."""


@compiled
def _kept(memory, which, like):
    return carray(numbers(memory + bytes_of(like) * PIXELS * which, like), PIXELS)


@compiled
def _of_component(x, component, first, pixels, count):
    """The numbers of some pixels in a row of components, one after the other."""
    return x[component * pixels + first : component * pixels + first + count]


@of_numbers
def _log_add_exp(x, y):
    """log(exp(x) + exp(y)) of two numbers, x possibly -inf."""
    top, below = (y, x - y) if y > x else (x, y - x)
    return top + log_of_positive(constant(1.0, x) + exp_of_negative(below))


@compiled
def _shift(logits, component, first, pixels, count, memory, like):
    """Write the logits of a component less the largest.

    In a loop of its own: in a sum the compiler may add the log mass, which loses its digits in a large logit, first.
    """
    logit, top = _of_component(logits, component, first, pixels, count), _kept(memory, TOPS, like)
    shifted = _kept(memory, SHIFTED, like)
    for i in range(count):
        shifted[i] = logit[i] - top[i]
    return shifted


@compiled
def _sum_weights(logits, first, pixels, count, components, memory, like):
    """Compute the logarithms of the sums of the exponentiated logits."""
    top, total, (zero, _) = _kept(memory, TOPS, like), _kept(memory, OF_WEIGHTS, like), zero_and_one(like)
    for i in range(count):
        top[i], total[i] = logits[first + i], zero
    for c in range(1, components):
        logit = _of_component(logits, c, first, pixels, count)
        for i in range(count):
            top[i] = logit[i] if logit[i] > top[i] else top[i]
    for c in range(components):
        shifted = _shift(logits, c, first, pixels, count, memory, like)
        for i in range(count):
            total[i] += exp_of_negative(shifted[i])
    for i in range(count):
        total[i] = log_of_positive(total[i])


@compiled
def _add_up(logits, mean, scale, value, first, count, components, memory, like):
    """Compute the log masses."""
    of_mass, of_weights, pixels = _kept(memory, OF_MASS, like), _kept(memory, OF_WEIGHTS, like), len(value)
    _sum_weights(logits, first, pixels, count, components, memory, like)
    x, (_, one) = value[first : first + count], zero_and_one(like)
    for i in range(count):
        of_mass[i] = -one * math.inf
    for c in range(components):
        m, s = _of_component(mean, c, first, pixels, count), _of_component(scale, c, first, pixels, count)
        shifted = _shift(logits, c, first, pixels, count, memory, like)
        for i in range(count):
            log_part = shifted[i] - of_weights[i] + discretized_logistic_mass(m[i], s[i], x[i])
            of_mass[i] = _log_add_exp(of_mass[i], log_part)


def discretized_logistic_mixture(instruction, view, first, end, like):
    components, memory, (zero, _) = word_of(instruction, NUMBER), stack_words(MEMORY), zero_and_one(like)
    for row in range(first, end):
        logits, mean = (
            row_of(view, operand(instruction, 0), row, like),
            row_of(view, operand(instruction, 1), row, like),
        )
        scale, value = (
            row_of(view, operand(instruction, 2), row, like),
            row_of(view, operand(instruction, 3), row, like),
        )
        total = zero
        for start in range(0, len(value), PIXELS):
            count = min(PIXELS, len(value) - start)
            _add_up(logits, mean, scale, value, start, count, components, memory, like)
            of_mass = _kept(memory, OF_MASS, like)
            for i in range(count):
                total += of_mass[i]
        row_of(view, result(instruction), row, like)[0] = total


@of_numbers
def _share(log_share):
    """exp of at most 0, up to rounding, and 0 of what is below the precision of every dtype."""
    return constant(0.0, log_share) if log_share < constant(LEAST, log_share) else exp_of_negative(log_share)


@compiled
def _part_of_gradient(instruction, view, which, component, start, count, row, draw, like):
    """The gradient of some pixels of a component, and whether it is added to."""
    d, pixels = (
        gradient_of(view, operand(instruction, which), row, like),
        value_words(view, operand(instruction, 3))[WIDTH],
    )
    return _of_component(d, component, start, pixels, count), mode(view, which) == ADD or draw != row


@compiled
def _add_gradients(instruction, view, row, draw, start, count, memory, like):
    """The gradients of all components of some pixels."""
    w = gradient_of(view, result(instruction), draw, like)[0]
    logits, mean = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
    scale, value = row_of(view, operand(instruction, 2), row, like), row_of(view, operand(instruction, 3), draw, like)
    components, pixels, x = word_of(instruction, NUMBER), len(value), value[start : start + count]
    _add_up(logits, mean, scale, value, start, count, components, memory, like)
    of_mass, of_weights = _kept(memory, OF_MASS, like), _kept(memory, OF_WEIGHTS, like)
    share = _kept(memory, SHARES, like)
    for c in range(components):
        m, s = _of_component(mean, c, start, pixels, count), _of_component(scale, c, start, pixels, count)
        shifted = _shift(logits, c, start, pixels, count, memory, like)
        for i in range(count):
            log_part = shifted[i] - of_weights[i] + discretized_logistic_mass(m[i], s[i], x[i])
            share[i] = w * _share(log_part - of_mass[i])
        if is_wanted(view, 0):
            d, adds = _part_of_gradient(instruction, view, 0, c, start, count, row, draw, like)
            for i in range(count):
                own = share[i] - w * _share(shifted[i] - of_weights[i])
                d[i] = own + d[i] if adds else own
        if is_wanted(view, 1):
            d, adds = _part_of_gradient(instruction, view, 1, c, start, count, row, draw, like)
            for i in range(count):
                own = share[i] * discretized_logistic_slope(m[i], s[i], x[i])
                d[i] = own + d[i] if adds else own
        if is_wanted(view, 2):
            d, adds = _part_of_gradient(instruction, view, 2, c, start, count, row, draw, like)
            for i in range(count):
                own = share[i] * discretized_logistic_slope_in_scale(m[i], s[i], x[i])
                d[i] = own + d[i] if adds else own


def discretized_logistic_mixture_back(instruction, view, first, end, part, like):
    # logits, means and scales have as many rows
    rows, draws = value_words(view, operand(instruction, 0))[ROWS], value_words(view, result(instruction))[ROWS]
    if part != ALL and (part == OF_ROWS) != (rows == draws):
        return
    memory, pixels = stack_words(MEMORY), value_words(view, operand(instruction, 3))[WIDTH]
    for row in range(first, end):
        for draw in range(row, draws, rows):
            for start in range(0, pixels, PIXELS):
                count = min(PIXELS, pixels - start)
                _add_gradients(instruction, view, row, draw, start, count, memory, like)
