"""What instructions of log densities and log masses do, see :mod:`gluonvae.backend.regions.bodies.instructions`.

Each has functions of a parameter, another one and a value: the log density, or log mass, and its derivatives. Of a
likelihood with one parameter both are the same.
"""

from __future__ import annotations

import math

import numpy as np

from ..layout import ADD, COUNT, NUMBER, ROWS
from .native import compiled, of_numbers, word_of, zero_and_one
from .numerics import constant, exp_of_negative, log_of_positive, log_sinhc, sigmoid, slope_of_log_sinhc, softplus
from .tensors import gradient_of, is_at_hand, mode, operand, result, row_of, value_words

TOP = 255
"""The highest level of a pixel."""


def _sum_of(log_prob, shift=0.0):
    """Return what computes sums of log_prob(a, b, value) - shift over rows."""

    @compiled
    def forward(instruction, view, first, end, like):
        zero, _ = zero_and_one(like)
        last = word_of(instruction, COUNT) - 1
        for row in range(first, end):
            a = row_of(view, operand(instruction, 0), row, like)
            b = row_of(view, operand(instruction, last - 1), row, like)
            value = row_of(view, operand(instruction, last), row, like)
            total = zero
            for i in range(len(value)):
                total += log_prob(a[i], b[i], value[i])
            # in float64: the rounding of the constant would be the same for all rows
            row_of(view, result(instruction), row, like)[0] = 1.0 * total - shift * len(value)

    return forward


def gradient_function(which, slope):
    """Return what computes the gradient of an operand, of slope(a, b, value), in the parts that have it."""

    @compiled
    def backward(instruction, view, first, end, part, like):
        last = word_of(instruction, COUNT) - 1
        draws = value_words(view, result(instruction))[ROWS]
        rows = value_words(view, operand(instruction, which))[ROWS]
        if not is_at_hand(instruction, view, which, part):
            return
        for row in range(first, end):
            d = gradient_of(view, operand(instruction, which), row, like)
            for draw in range(row, draws, rows):
                w = gradient_of(view, result(instruction), draw, like)[0]
                a = row_of(view, operand(instruction, 0), draw, like)
                b = row_of(view, operand(instruction, last - 1), draw, like)
                value, adds = (
                    row_of(view, operand(instruction, last), draw, like),
                    mode(view, which) == ADD or draw != row,
                )
                for i in range(len(d)):
                    own = w * slope(a[i], b[i], value[i])
                    d[i] = own + d[i] if adds else own

    return backward


@of_numbers
def _continuous_bernoulli(logit, _, value):
    return logit * (value - constant(0.5, value)) - log_sinhc(logit)


@of_numbers
def _continuous_bernoulli_slope(logit, _, value):
    return value - constant(0.5, value) - slope_of_log_sinhc(logit)


_continuous_bernoulli_sum = _sum_of(_continuous_bernoulli)
_of_continuous_logit = gradient_function(0, _continuous_bernoulli_slope)


def continuous_bernoulli(instruction, view, first, end, like):
    _continuous_bernoulli_sum(instruction, view, first, end, like)


def continuous_bernoulli_back(instruction, view, first, end, part, like):
    _of_continuous_logit(instruction, view, first, end, part, like)


@of_numbers
def _normal(mean, std, value):
    variate = (value - mean) / std
    return constant(-0.5, value) * variate * variate - log_of_positive(std)


@of_numbers
def _normal_slope(mean, std, value):
    return (value - mean) / std / std


@of_numbers
def _normal_slope_in_std(mean, std, value):
    variate = (value - mean) / std
    return (variate * variate - constant(1.0, value)) / std


@of_numbers
def _normal_slope_in_value(mean, std, value):
    return -_normal_slope(mean, std, value)


_of_mean, _of_std = gradient_function(0, _normal_slope), gradient_function(1, _normal_slope_in_std)
_of_value = gradient_function(2, _normal_slope_in_value)
_normal_sum = _sum_of(_normal, 0.5 * math.log(2 * math.pi))


def normal(instruction, view, first, end, like):
    _normal_sum(instruction, view, first, end, like)


def normal_back(instruction, view, first, end, part, like):
    _of_mean(instruction, view, first, end, part, like)
    _of_std(instruction, view, first, end, part, like)
    _of_value(instruction, view, first, end, part, like)


@of_numbers
def _laplace(mean, scale, value):
    return -abs(value - mean) / scale - log_of_positive(scale)


@of_numbers
def _laplace_slope(mean, scale, value):
    zero, one = constant(0.0, value), constant(1.0, value)
    distance = value - mean
    sign = one if distance > zero else (-one if distance < zero else distance)
    return sign / scale


@of_numbers
def _laplace_slope_in_scale(mean, scale, value):
    return (abs(value - mean) / scale - constant(1.0, value)) / scale


@of_numbers
def _laplace_slope_in_value(mean, scale, value):
    return -_laplace_slope(mean, scale, value)


_of_centre, _of_scale = gradient_function(0, _laplace_slope), gradient_function(1, _laplace_slope_in_scale)
_of_laplace_value = gradient_function(2, _laplace_slope_in_value)
_laplace_sum = _sum_of(_laplace, math.log(2))


def laplace(instruction, view, first, end, like):
    _laplace_sum(instruction, view, first, end, like)


def laplace_back(instruction, view, first, end, part, like):
    _of_centre(instruction, view, first, end, part, like)
    _of_scale(instruction, view, first, end, part, like)
    _of_laplace_value(instruction, view, first, end, part, like)


@of_numbers
def _edges(mean, scale, value):
    """The level of a value, its edges in units of the scale, and this over the width of a level."""
    half, top = constant(0.5, value), constant(TOP, value)
    level, width = np.floor(top * value + half), top * scale
    distance = level - top * mean
    return level, (distance - half) / width, (distance + half) / width, constant(1.0, value) / width


@of_numbers
def discretized_logistic_mass(mean, scale, value):
    # with σ the logistic function, and a and b the edges, the mass is σ(b) - σ(a) = σ(b) σ(-a) (1 - exp(a - b)), which
    # is no difference of almost equal numbers; the lowest level has no edge below, and the highest none above
    zero, one, top = constant(0.0, value), constant(1.0, value), constant(TOP, value)
    level, a, b, x = _edges(mean, scale, value)
    below = zero if level <= zero else softplus(a)
    above = zero if level >= top else softplus(-b)
    small = log_sinhc(x) - constant(0.5, value) * x
    between = log_of_positive(x if x < one else one - exp_of_negative(-x)) + (small if x < one else zero)
    return (between if zero < level < top else zero) - below - above


@of_numbers
def discretized_logistic_slope(mean, scale, value):
    zero, top = constant(0.0, value), constant(TOP, value)
    level, a, b, x = _edges(mean, scale, value)
    return top * x * ((zero if level <= zero else sigmoid(a)) - (zero if level >= top else sigmoid(-b)))


@of_numbers
def discretized_logistic_slope_in_scale(mean, scale, value):
    zero, one, half, top = constant(0.0, value), constant(1.0, value), constant(0.5, value), constant(TOP, value)
    level, a, b, x = _edges(mean, scale, value)
    below = zero if level <= zero else sigmoid(a) * a
    above = zero if level >= top else sigmoid(-b) * b
    # x / (exp(x) - 1)
    between = one + x * (slope_of_log_sinhc(x) - half)
    return top * x * (below - above - (between if zero < level < top else zero))


_discretized_logistic_sum = _sum_of(discretized_logistic_mass)
_of_logistic_mean = gradient_function(0, discretized_logistic_slope)
_of_logistic_scale = gradient_function(1, discretized_logistic_slope_in_scale)


def discretized_logistic(instruction, view, first, end, like):
    _discretized_logistic_sum(instruction, view, first, end, like)


def discretized_logistic_back(instruction, view, first, end, part, like):
    _of_logistic_mean(instruction, view, first, end, part, like)
    _of_logistic_scale(instruction, view, first, end, part, like)


@compiled
def _top_and_total(logits):
    """The largest of a variable's logits, and the sum of their exponentials over its own."""
    top = logits[0]
    for c in range(1, len(logits)):
        top = logits[c] if logits[c] > top else top
    total = constant(0.0, top)
    for c in range(len(logits)):
        total += exp_of_negative(logits[c] - top)
    return top, total


def categorical(instruction, view, first, end, like):
    zero, _ = zero_and_one(like)
    categories = word_of(instruction, NUMBER)
    for row in range(first, end):
        logits = row_of(view, operand(instruction, 0), row, like)
        value = row_of(view, operand(instruction, 1), row, like)
        sum_of_all = 0.0  # in float64: the roundings of variables that are as probable would add up
        for start in range(0, len(value), categories):
            x, v = logits[start : start + categories], value[start : start + categories]
            top, total = _top_and_total(x)
            log_total = log_of_positive(total)
            own = zero
            for c in range(categories):
                own += v[c] * (x[c] - top - log_total)
            sum_of_all += own
        row_of(view, result(instruction), row, like)[0] = sum_of_all


def categorical_back(instruction, view, first, end, part, like):
    categories, draws = word_of(instruction, NUMBER), value_words(view, result(instruction))[ROWS]
    rows = value_words(view, operand(instruction, 0))[ROWS]
    if not is_at_hand(instruction, view, 0, part):
        return
    zero, _ = zero_and_one(like)
    for row in range(first, end):
        for draw in range(row, draws, rows):
            w, adds = gradient_of(view, result(instruction), draw, like)[0], mode(view, 0) == ADD or draw != row
            logits = row_of(view, operand(instruction, 0), draw, like)
            value = row_of(view, operand(instruction, 1), draw, like)
            d = gradient_of(view, operand(instruction, 0), row, like)
            for start in range(0, len(value), categories):
                x, v = logits[start : start + categories], value[start : start + categories]
                top, total = _top_and_total(x)
                ones = zero
                for c in range(categories):
                    ones += v[c]
                share = ones / total
                for c in range(categories):
                    own = w * (v[c] - share * exp_of_negative(x[c] - top))
                    d[start + c] = own + d[start + c] if adds else own
