"""What instructions of averages do, see :mod:`gluonvae.backend.regions.bodies.instructions`."""

from __future__ import annotations

import math

from ..layout import ADD, OVER_SAMPLES, ROWS
from .native import zero_and_one
from .numerics import exp_of_negative, log_of_positive
from .tensors import gradient_of, is_wanted, mode, operand, result, row_of, value_words

LEAST = -50.0
"""Terms below exp(-50) times the largest are dropped: they are below the precision of every dtype, and their gradients
would be subnormal numbers, with which a CPU is ten times slower."""


def log_mean_exp(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    x, y = operand(instruction, 0), result(instruction)
    draws, rows = value_words(view, x)[ROWS], value_words(view, y)[ROWS]
    for row in range(first, end):
        top = row_of(view, x, row, like)[0]
        for draw in range(row + rows, draws, rows):
            other = row_of(view, x, draw, like)[0]
            top = other if other > top else top
        total = zero
        for draw in range(row, draws, rows):
            below = row_of(view, x, draw, like)[0] - top
            # a NaN is not below anything
            total += zero if below < one * LEAST else exp_of_negative(below)
        row_of(view, y, row, like)[0] = log_of_positive(total / (one * (draws // rows))) + top


def log_mean_exp_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    zero, one = zero_and_one(like)
    x, y, adds = operand(instruction, 0), result(instruction), mode(view, 0) == ADD
    draws, rows = value_words(view, x)[ROWS], value_words(view, y)[ROWS]
    log_samples = one * math.log(draws // rows)
    for row in range(first, end):
        g, out = gradient_of(view, y, row, like)[0], row_of(view, y, row, like)[0]
        for draw in range(row, draws, rows):
            below = row_of(view, x, draw, like)[0] - out - log_samples
            below = zero if below > zero else below
            d = gradient_of(view, x, draw, like)
            own = zero if below < one * LEAST else g * exp_of_negative(below)
            d[0] = own + d[0] if adds else own


def mean(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    x, y = operand(instruction, 0), result(instruction)
    draws, rows = value_words(view, x)[ROWS], value_words(view, y)[ROWS]
    for row in range(first, end):
        total = zero
        for draw in range(row, draws, rows):
            total += row_of(view, x, draw, like)[0]
        row_of(view, y, row, like)[0] = total / (one * (draws // rows))


def mean_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    _, one = zero_and_one(like)
    x, y, adds = operand(instruction, 0), result(instruction), mode(view, 0) == ADD
    draws, rows = value_words(view, x)[ROWS], value_words(view, y)[ROWS]
    for row in range(first, end):
        own = gradient_of(view, y, row, like)[0] / (one * (draws // rows))
        for draw in range(row, draws, rows):
            d = gradient_of(view, x, draw, like)
            d[0] = own + d[0] if adds else own
