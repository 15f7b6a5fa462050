"""What instructions do to rows ``first`` to ``end``, forward and backward.

A backward pass adds to the gradient of an operand or writes it, as ``mode`` says; the gradient of the result is
complete when it begins. ``part`` tells which operands are at hand, see :mod:`gluonvae.backend.regions.program`.
"""

from __future__ import annotations

import math

from numba import carray

from ..program import ADD, NUMBER, OF_ROWS, OVER_SAMPLES, ROWS, WIDTH
from .dense import add_bias_and_activate, differentiate, f32, sum_rows
from .native import PLAIN, TRANSPOSED, compiled, sgemm, words, zero_and_one
from .numerics import exp_of_negative, log1p_of_fraction, log_of_positive
from .tensors import address, gradient_address, gradient_of, is_wanted, mode, operand, result, row_of, value_words

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
LEAST = -50.0
"""Terms below exp(-50) times the largest are dropped: they are below the precision of every dtype, and their gradients
would be subnormal numbers, with which a CPU is ten times slower."""

DENSE, SOFTPLUS, NORMAL_DRAW, NORMAL_KL, NORMAL_LOG_PROB, STANDARD_NORMAL, BERNOULLI, LOG_MEAN_EXP = range(8)


@compiled
def _number(instruction):
    return carray(words(instruction), NUMBER + 1)[NUMBER]


@compiled
def _beta(view, which):
    return f32(1) if mode(view, which) == ADD else f32(0)


@compiled
def _dense(instruction, view, first, end, like):
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    of_x, of_y = address(view, x, first, like), address(view, y, first, like)
    weight, bias = address(view, operand(instruction, 1), 0, like), address(view, operand(instruction, 2), 0, like)
    sgemm(PLAIN, TRANSPOSED, count, units, inner, f32(1), of_x, inner, weight, inner, f32(0), of_y, units)
    add_bias_and_activate(of_y, bias, count, units, _number(instruction))


@compiled
def _dense_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    delta = gradient_address(view, y, first, like)
    differentiate(delta, address(view, y, first, like), count * units, _number(instruction))
    if is_wanted(view, 0):
        weight, to = address(view, operand(instruction, 1), 0, like), gradient_address(view, x, first, like)
        sgemm(PLAIN, PLAIN, count, inner, units, f32(1), delta, units, weight, inner, _beta(view, 0), to, inner)


@compiled
def dense_parameters(instruction, view, first, end, like):
    """The gradients of weight and bias of units ``first`` to ``end``, of all rows."""
    x, y = operand(instruction, 0), result(instruction)
    rows, units, inner = value_words(view, y)[ROWS], value_words(view, y)[WIDTH], value_words(view, x)[WIDTH]
    delta, count = gradient_address(view, y, 0, like), end - first
    if is_wanted(view, 1):
        to, of_x = gradient_address(view, operand(instruction, 1), 0, like), address(view, x, 0, like)
        beta, place = _beta(view, 1), to + 4 * first * inner
        sgemm(TRANSPOSED, PLAIN, count, inner, rows, f32(1), delta + 4 * first, units, of_x, inner, beta, place, inner)
    if is_wanted(view, 2):
        to = gradient_address(view, operand(instruction, 2), 0, like)
        sum_rows(delta, to, rows, units, first, end, mode(view, 2) == ADD)


@compiled
def _softplus(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    floor = one * (_number(instruction) / 1e18)
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, result(instruction), row, like)
        for i in range(len(x)):
            v = x[i]
            y[i] = (zero if v < zero else v) + log1p_of_fraction(exp_of_negative(-abs(v))) + floor


@compiled
def _softplus_back(instruction, view, first, end, part, like):
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


@compiled
def _normal_draw(instruction, view, first, end, like):
    for row in range(first, end):
        mean, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        noise, to = row_of(view, operand(instruction, 2), row, like), row_of(view, result(instruction), row, like)
        for i in range(len(mean)):
            to[i] = mean[i] + std[i] * noise[i]


@compiled
def _normal_draw_back(instruction, view, first, end, part, like):
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


@compiled
def _normal_kl(instruction, view, first, end, like):
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


@compiled
def _normal_kl_back(instruction, view, first, end, part, like):
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


@compiled
def _normal_log_prob(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    half = one / (one + one)
    for row in range(first, end):
        noise, std = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        total = zero
        for i in range(len(noise)):
            total -= half * noise[i] * noise[i] + log_of_positive(std[i])
        # in float64: the rounding of the constant would be the same for all rows
        row_of(view, result(instruction), row, like)[0] = 1.0 * total - HALF_LOG_TWO_PI * len(noise)


@compiled
def _normal_log_prob_back(instruction, view, first, end, part, like):
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


@compiled
def _standard_normal(instruction, view, first, end, like):
    zero, _ = zero_and_one(like)
    for row in range(first, end):
        value, total = row_of(view, operand(instruction, 0), row, like), zero
        for i in range(len(value)):
            total += value[i] * value[i]
        # in float64: the rounding of the constant would be the same for all rows
        row_of(view, result(instruction), row, like)[0] = -0.5 * total - HALF_LOG_TWO_PI * len(value)


@compiled
def _standard_normal_back(instruction, view, first, end, part, like):
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


@compiled
def _bernoulli(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    for row in range(first, end):
        logits, value = (
            row_of(view, operand(instruction, 0), row, like),
            row_of(view, operand(instruction, 1), row, like),
        )
        total = zero
        for i in range(len(logits)):
            # minus the logit where the value is 1, else the logit: all terms of the sum are positive, so that no order
            # of summation cancels
            unlikely = logits[i] * (one - (value[i] + value[i]))
            total += (zero if unlikely < zero else unlikely) + log1p_of_fraction(exp_of_negative(-abs(unlikely)))
        row_of(view, result(instruction), row, like)[0] = -total


@compiled
def _bernoulli_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES or not is_wanted(view, 0):
        return
    zero, one = zero_and_one(like)
    adds = mode(view, 0) == ADD
    for row in range(first, end):
        logits, value = (
            row_of(view, operand(instruction, 0), row, like),
            row_of(view, operand(instruction, 1), row, like),
        )
        w, d = (
            gradient_of(view, result(instruction), row, like)[0],
            gradient_of(view, operand(instruction, 0), row, like),
        )
        for i in range(len(d)):
            e = exp_of_negative(-abs(logits[i]))
            own = w * (value[i] - (e if logits[i] < zero else one) / (one + e))
            d[i] = own + d[i] if adds else own


@compiled
def _log_mean_exp(instruction, view, first, end, like):
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


@compiled
def _log_mean_exp_back(instruction, view, first, end, part, like):
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


@compiled
def forward(kind, instruction, view, first, end, like):
    """Compute rows of the result."""
    if kind == DENSE:
        _dense(instruction, view, first, end, like)
    elif kind == SOFTPLUS:
        _softplus(instruction, view, first, end, like)
    elif kind == NORMAL_DRAW:
        _normal_draw(instruction, view, first, end, like)
    elif kind == NORMAL_KL:
        _normal_kl(instruction, view, first, end, like)
    elif kind == NORMAL_LOG_PROB:
        _normal_log_prob(instruction, view, first, end, like)
    elif kind == STANDARD_NORMAL:
        _standard_normal(instruction, view, first, end, like)
    elif kind == BERNOULLI:
        _bernoulli(instruction, view, first, end, like)
    else:
        _log_mean_exp(instruction, view, first, end, like)


@compiled
def backward(kind, instruction, view, first, end, part, like):
    """Compute the gradients of operands."""
    if kind == DENSE:
        _dense_back(instruction, view, first, end, part, like)
    elif kind == SOFTPLUS:
        _softplus_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_DRAW:
        _normal_draw_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_KL:
        _normal_kl_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_LOG_PROB:
        _normal_log_prob_back(instruction, view, first, end, part, like)
    elif kind == STANDARD_NORMAL:
        _standard_normal_back(instruction, view, first, end, part, like)
    elif kind == BERNOULLI:
        _bernoulli_back(instruction, view, first, end, part, like)
    else:
        _log_mean_exp_back(instruction, view, first, end, part, like)
