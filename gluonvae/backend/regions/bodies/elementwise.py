"""Instructions of single numbers, and of repeated ones."""

from __future__ import annotations

from ..layout import ADD, OVER_SAMPLES, ROWS, WIDTH
from ..operator import SMALLEST
from . import numerics
from .dense import sum_rows
from .native import compiled, zero_and_one
from .rows import share
from .tensors import (
    gradient_address,
    gradient_of,
    is_wanted,
    mode,
    operand,
    real_option,
    result,
    row_of,
    value_words,
)


def softplus(instruction, view, first, end, like):
    _, one = zero_and_one(like)
    floor = one * real_option(instruction)
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, result(instruction), row, like)
        for i in range(len(x)):
            y[i] = numerics.softplus(x[i]) + floor


def softplus_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    adds = mode(view, 0) == ADD
    for row in range(first, end):
        x, g = row_of(view, operand(instruction, 0), row, like), gradient_of(view, result(instruction), row, like)
        d = gradient_of(view, operand(instruction, 0), row, like)
        for i in range(len(x)):
            own = g[i] * numerics.sigmoid(x[i])
            d[i] = own + d[i] if adds else own


def product(instruction, view, first, end, like):
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        to = row_of(view, result(instruction), row, like)
        for i in range(len(x)):
            to[i] = x[i] * y[i]


def product_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    for which in range(2):
        if is_wanted(view, which):
            adds = mode(view, which) == ADD
            for row in range(first, end):
                g = gradient_of(view, result(instruction), row, like)
                other = row_of(view, operand(instruction, 1 - which), row, like)
                d = gradient_of(view, operand(instruction, which), row, like)
                for i in range(len(d)):
                    own = g[i] * other[i]
                    d[i] = own + d[i] if adds else own


def total(instruction, view, first, end, like):
    factor = zero_and_one(like)[1] * real_option(instruction)
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        row_of(view, result(instruction), row, like)[0] = x[0] + factor * y[0]


def total_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    _, one = zero_and_one(like)
    for which in range(2):
        if is_wanted(view, which):
            factor = one if which == 0 else one * real_option(instruction)
            _add_multiples(instruction, view, which, factor, first, end, like)


def scaled(instruction, view, first, end, like):
    factor = zero_and_one(like)[1] * real_option(instruction)
    for row in range(first, end):
        x = row_of(view, operand(instruction, 0), row, like)[0]
        row_of(view, result(instruction), row, like)[0] = factor * x


def scaled_back(instruction, view, first, end, part, like):
    if part != OVER_SAMPLES and is_wanted(view, 0):
        factor = zero_and_one(like)[1] * real_option(instruction)
        _add_multiples(instruction, view, 0, factor, first, end, like)


def multiple(instruction, view, first, end, like):
    factor = row_of(view, operand(instruction, 1), 0, like)[0]
    for row in range(first, end):
        x = row_of(view, operand(instruction, 0), row, like)[0]
        row_of(view, result(instruction), row, like)[0] = factor * x


def multiple_back(instruction, view, first, end, part, like):
    if part != OVER_SAMPLES and is_wanted(view, 0):
        factor = row_of(view, operand(instruction, 1), 0, like)[0]
        _add_multiples(instruction, view, 0, factor, first, end, like)


@compiled
def _add_multiples(instruction, view, which, factor, first, end, like):
    """Give the gradient of an operand that of the result, times a factor."""
    adds = mode(view, which) == ADD
    for row in range(first, end):
        own = factor * gradient_of(view, result(instruction), row, like)[0]
        d = gradient_of(view, operand(instruction, which), row, like)
        d[0] = own + d[0] if adds else own


def repeated(instruction, view, first, end, like):
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), 0, like), row_of(view, result(instruction), row, like)
        if len(x) == 1:
            for i in range(len(y)):
                y[i] = x[0]
        else:
            for i in range(len(y)):
                y[i] = x[i]


def repeated_parameters(instruction, view, part, parts, like):
    """The gradient of a thread's part of the row that is repeated."""
    of_y, of_x = value_words(view, result(instruction)), value_words(view, operand(instruction, 0))
    first, end = share(of_x[WIDTH], SMALLEST, part, parts)
    if end == first or not is_wanted(view, 0):
        return
    rows, units, adds = of_y[ROWS], of_y[WIDTH], mode(view, 0) == ADD
    if of_x[WIDTH] == units:
        delta = gradient_address(view, result(instruction), 0, like)
        sum_rows(delta, gradient_address(view, operand(instruction, 0), 0, like), rows, units, first, end, adds, like)
        return
    # in float64, as all rows are summed by one thread
    d, total = gradient_of(view, operand(instruction, 0), 0, like), 0.0
    for row in range(rows):
        g = gradient_of(view, result(instruction), row, like)
        for i in range(units):
            total += 1.0 * g[i]
    d[0] = total + d[0] if adds else total


def filled(instruction, view, first, end, like):
    value = zero_and_one(like)[1] * real_option(instruction)
    for row in range(first, end):
        y = row_of(view, result(instruction), row, like)
        for i in range(len(y)):
            y[i] = value
