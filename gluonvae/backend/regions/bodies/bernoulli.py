"""What the instruction of the likelihood of binary values does.

The log mass is minus a sum of log(1 + exp(x)), with x the logit where the value is 0, and minus the logit where it is
1. The sum takes few logarithms: log(1 + a) + log(1 + b) is log(1 + (a + b + a b)). No terms have different signs, so
that nothing cancels, in whatever order they are added up.
"""

from __future__ import annotations

from numba import carray

from ..forms import LANES
from .masses import gradient_function
from .memory import whole_lines
from .native import compiled, numbers, of_numbers, stack_words, zero_and_one
from .numerics import exp_of_negative, log1p_of_fraction, log_of_positive, sigmoid
from .tensors import operand, result, row_of

AT_ONCE = 1024
"""How many numbers are in memory."""
HALVINGS = 6
"""How often they become half as many: a product of 2**6 terms 1 + x is 2**64 at most."""
WORDS = AT_ONCE + 8
"""Words of memory, where numbers are float64 and begin at a cache line."""


@compiled
def _fractions(count, memory, like):
    """``count`` numbers in :data:`WORDS` words of memory, and 0 in what is left of the last vector."""
    held = -(-count // LANES) * LANES
    x, (zero, _) = carray(numbers(whole_lines(memory), like), held), zero_and_one(like)
    for i in range(count, held):
        x[i] = zero
    return x


@compiled
def _sum_of_log1p(x, like):
    """The sum of log(1 + x), which are overwritten."""
    count, (total, one) = len(x), zero_and_one(like)
    for _ in range(HALVINGS):
        half = -(-count // (2 * LANES)) * LANES
        y = x[half:count]
        for i in range(len(y)):
            x[i] = (x[i] + y[i]) + x[i] * y[i]
        count = half
    for i in range(count):
        within = log1p_of_fraction(x[i] if x[i] < one else one)
        beyond = log_of_positive(one + x[i])
        total += within if x[i] < one else beyond
    return total


@of_numbers
def _slope(logit, _, value):
    return value - sigmoid(logit)


_of_logit = gradient_function(0, _slope)


@compiled
def _log_mass(logits, value, memory, like):
    """That of some values of a row."""
    x, (zero, one) = _fractions(len(value), memory, like), zero_and_one(like)
    beyond = zero
    for i in range(len(value)):
        of_other = logits[i] * (one - (value[i] + value[i]))
        beyond += zero if of_other < zero else of_other
        x[i] = exp_of_negative(-abs(of_other))
    return -(beyond + _sum_of_log1p(x, like))


def bernoulli(instruction, view, first, end, like):
    memory = stack_words(WORDS)
    for row in range(first, end):
        logits = row_of(view, operand(instruction, 0), row, like)
        value = row_of(view, operand(instruction, 1), row, like)
        log_prob = 0.0  # in float64, as the parts of wide rows are added up
        for start in range(0, len(value), AT_ONCE):
            end_of_part = min(start + AT_ONCE, len(value))
            log_prob += _log_mass(logits[start:end_of_part], value[start:end_of_part], memory, like)
        row_of(view, result(instruction), row, like)[0] = log_prob


def bernoulli_back(instruction, view, first, end, part, like):
    _of_logit(instruction, view, first, end, part, like)
