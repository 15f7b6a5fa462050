"""Sums of log(1 + x) over many numbers from 0 to 1, by the logarithms of few products.

log(1 + x) + log(1 + y) is log(1 + (x + y + x y)), whose terms have one sign: nothing cancels, and the sum of many has
the precision of its terms, also of those far below 1.
"""

from __future__ import annotations

from numba import carray

from ..forms import LANES
from .memory import whole_lines
from .native import compiled, numbers, zero_and_one
from .numerics import log1p_of_fraction, log_of_positive

AT_ONCE = 1024
"""How many numbers are in memory."""
HALVINGS = 6
"""How often they become half as many: a product of 2**6 terms 1 + x is 2**64 at most."""
WORDS = AT_ONCE + 8
"""Words of memory, where numbers are float64 and begin at a cache line."""


@compiled
def fractions(count, memory, like):
    """``count`` numbers of :data:`WORDS` words of memory, and 0 in what is left of their last vector."""
    held = -(-count // LANES) * LANES
    x, (zero, _) = carray(numbers(whole_lines(memory), like), held), zero_and_one(like)
    for i in range(count, held):
        x[i] = zero
    return x


@compiled
def sum_of_log1p(x, like):
    """The sum of log(1 + x) of :func:`fractions`, which are overwritten."""
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
