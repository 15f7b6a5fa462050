"""What instructions of Gaussians do, see :mod:`gluonvae.backend.regions.bodies.instructions`."""

from __future__ import annotations

import math

from ..layout import ADD, OF_ROWS, OVER_SAMPLES, ROWS
from .native import zero_and_one
from .numerics import log_of_positive
from .tensors import gradient_of, is_wanted, mode, operand, result, row_of, value_words

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def normal_draw(instruction, view, first, end, like):
    for row in range(first, end):
        mean, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        noise, to = row_of(view, operand(instruction, 2), row, like), row_of(view, result(instruction), row, like)
        for i in range(len(mean)):
            to[i] = mean[i] + std[i] * noise[i]


def normal_draw_back(instruction, view, first, end, part, like):
    of_mean, of_std, of_noise, y = (
        operand(instruction, 0),
        operand(instruction, 1),
        operand(instruction, 2),
        result(instruction),
    )
    if part != OVER_SAMPLES and is_wanted(view, 2):
        adds = mode(view, 2) == ADD
        for row in range(first, end):
            g, std, d = (
                gradient_of(view, y, row, like),
                row_of(view, of_std, row, like),
                gradient_of(view, of_noise, row, like),
            )
            for i in range(len(d)):
                own = g[i] * std[i]
                d[i] = own + d[i] if adds else own
    if part == OF_ROWS and value_words(view, of_mean)[ROWS] != value_words(view, y)[ROWS]:
        return
    draws, rows = value_words(view, y)[ROWS], value_words(view, of_mean)[ROWS]
    for row in range(first, end):
        for draw in range(row, draws, rows):
            g, noise = gradient_of(view, y, draw, like), row_of(view, of_noise, draw, like)
            if is_wanted(view, 0):
                d, adds = gradient_of(view, of_mean, row, like), mode(view, 0) == ADD or draw != row
                for i in range(len(d)):
                    d[i] = g[i] + d[i] if adds else g[i]
            if is_wanted(view, 1):
                d, adds = gradient_of(view, of_std, row, like), mode(view, 1) == ADD or draw != row
                for i in range(len(d)):
                    own = g[i] * noise[i]
                    d[i] = own + d[i] if adds else own


def normal_kl(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    half = one / (one + one)
    for row in range(first, end):
        mean, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        total = zero
        for i in range(len(mean)):
            # (s - 1)(s + 1) keeps digits that s**2 - 1 loses near 1
            spread = half * ((std[i] - one) * (std[i] + one)) - log_of_positive(std[i])
            total += half * mean[i] * mean[i] + (zero if spread < zero else spread)
        row_of(view, result(instruction), row, like)[0] = total


def normal_kl_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    _, one = zero_and_one(like)
    for row in range(first, end):
        w = gradient_of(view, result(instruction), row, like)[0]
        mean, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        if is_wanted(view, 0):
            d, adds = gradient_of(view, operand(instruction, 0), row, like), mode(view, 0) == ADD
            for i in range(len(d)):
                own = w * mean[i]
                d[i] = own + d[i] if adds else own
        if is_wanted(view, 1):
            d, adds = gradient_of(view, operand(instruction, 1), row, like), mode(view, 1) == ADD
            for i in range(len(d)):
                own = w * ((std[i] - one) * (std[i] + one)) / std[i]
                d[i] = own + d[i] if adds else own


def normal_log_prob(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    half = one / (one + one)
    for row in range(first, end):
        noise, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        total = zero
        for i in range(len(noise)):
            total -= half * noise[i] * noise[i] + log_of_positive(std[i])
        # in float64: the rounding of the constant would be the same for all rows
        row_of(view, result(instruction), row, like)[0] = 1.0 * total - HALF_LOG_TWO_PI * len(noise)


def normal_log_prob_back(instruction, view, first, end, part, like):
    of_noise, of_std, y = operand(instruction, 0), operand(instruction, 1), result(instruction)
    zero, _ = zero_and_one(like)
    if part != OVER_SAMPLES and is_wanted(view, 0):
        adds = mode(view, 0) == ADD
        for row in range(first, end):
            w, noise = gradient_of(view, y, row, like)[0], row_of(view, of_noise, row, like)
            d = gradient_of(view, of_noise, row, like)
            for i in range(len(d)):
                own = -w * noise[i]
                d[i] = own + d[i] if adds else own
    draws, rows = value_words(view, y)[ROWS], value_words(view, of_std)[ROWS]
    if (part == OF_ROWS and rows != draws) or not is_wanted(view, 1):
        return
    adds = mode(view, 1) == ADD
    for row in range(first, end):
        w = zero
        for draw in range(row, draws, rows):
            w += gradient_of(view, y, draw, like)[0]
        d, std = gradient_of(view, of_std, row, like), row_of(view, of_std, row, like)
        for i in range(len(d)):
            own = -w / std[i]
            d[i] = own + d[i] if adds else own


def standard_normal(instruction, view, first, end, like):
    zero, _ = zero_and_one(like)
    for row in range(first, end):
        value, total = row_of(view, operand(instruction, 0), row, like), zero
        for i in range(len(value)):
            total += value[i] * value[i]
        # in float64: the rounding of the constant would be the same for all rows
        row_of(view, result(instruction), row, like)[0] = -0.5 * total - HALF_LOG_TWO_PI * len(value)


def standard_normal_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    adds = mode(view, 0) == ADD
    for row in range(first, end):
        w, value = (
            gradient_of(view, result(instruction), row, like)[0],
            row_of(view, operand(instruction, 0), row, like),
        )
        d = gradient_of(view, operand(instruction, 0), row, like)
        for i in range(len(d)):
            own = -w * value[i]
            d[i] = own + d[i] if adds else own
