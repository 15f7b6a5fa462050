"""Instructions of numbers each by itself."""

from __future__ import annotations

from ..layout import ADD, NUMBER, OVER_SAMPLES
from .native import zero_and_one
from .numerics import exp_of_negative, log1p_of_fraction
from .tensors import gradient_of, is_wanted, mode, operand, result, row_of, word_of


def softplus(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    floor = one * (word_of(instruction, NUMBER) / 1e18)
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, result(instruction), row, like)
        for i in range(len(x)):
            v = x[i]
            y[i] = (zero if v < zero else v) + log1p_of_fraction(exp_of_negative(-abs(v))) + floor


def softplus_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    zero, one = zero_and_one(like)
    adds = mode(view, 0) == ADD
    for row in range(first, end):
        x, g = row_of(view, operand(instruction, 0), row, like), gradient_of(view, result(instruction), row, like)
        d = gradient_of(view, operand(instruction, 0), row, like)
        for i in range(len(x)):
            e = exp_of_negative(-abs(x[i]))
            own = g[i] * ((e if x[i] < zero else one) / (one + e))
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
