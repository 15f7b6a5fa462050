"""What instructions do to rows ``first`` to ``end``, forward and backward.

A backward pass adds to the gradient of an operand or writes it, as ``mode`` says; the gradient of the result is
complete when it begins. ``part`` tells which operands are at hand, see :mod:`gluonvae.backend.regions.layout`.
"""

from __future__ import annotations

from ..kinds import IN_BFLOAT16
from ..layout import ADD, DATA, DELTA, FORWARD_WEIGHT, KIND, NUMBER, OVER_SAMPLES, ROWS, WEIGHT, WIDTH
from .averages import bernoulli, bernoulli_back, log_mean_exp, log_mean_exp_back
from .dense import add_bias_and_activate, differentiate, f32, narrow, sum_rows
from .gaussians import (
    normal_draw,
    normal_draw_back,
    normal_kl,
    normal_kl_back,
    normal_log_prob,
    normal_log_prob_back,
    standard_normal,
    standard_normal_back,
)
from .images import (
    channels_first,
    channels_first_back,
    channels_last,
    channels_last_back,
    convolution,
    convolution_back,
    pack_parameters,
    transposed,
    transposed_back,
)
from .native import PLAIN, TRANSPOSED, bfloat16_product, compiled, sgemm, zero_and_one
from .numerics import exp_of_negative, log1p_of_fraction
from .rows import share
from .tensors import (
    PRODUCT,
    ROUNDED,
    address,
    gradient_address,
    gradient_of,
    is_wanted,
    mode,
    narrow_place,
    operand,
    result,
    row_of,
    value_words,
    word_of,
)

DENSE, SOFTPLUS, NORMAL_DRAW, NORMAL_KL, NORMAL_LOG_PROB, STANDARD_NORMAL, BERNOULLI, LOG_MEAN_EXP, *OF_IMAGES = range(
    12
)
CONVOLUTION, TRANSPOSED_CONVOLUTION, CHANNELS_LAST, CHANNELS_FIRST = OF_IMAGES
OF_TWO = 12


@compiled
def _activation(instruction):
    return word_of(instruction, NUMBER) % IN_BFLOAT16


@compiled
def is_in_bfloat16(instruction):
    """Whether this is a dense layer whose products are taken in bfloat16."""
    return word_of(instruction, KIND) == DENSE and word_of(instruction, NUMBER) >= IN_BFLOAT16


@compiled
def narrow_weight(instruction, view, which, part, parts, like):
    """Round a thread's part of the weight of a dense layer to bfloat16."""
    x, y = operand(instruction, 0), result(instruction)
    units, inner = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH]
    first, end = share(units, 1, part, parts)
    weight, to = address(view, operand(instruction, 1), 0, like), narrow_place(instruction, view, which)
    narrow(weight + 4 * first * inner, to + 2 * first * inner, (end - first) * inner)


@compiled
def _beta(view, which):
    return f32(1) if mode(view, which) == ADD else f32(0)


@compiled
def _dense(instruction, view, first, end, like):
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    of_x, of_y = address(view, x, first, like), address(view, y, first, like)
    weight, bias = address(view, operand(instruction, 1), 0, like), address(view, operand(instruction, 2), 0, like)
    # what is in the cache is written to memory in the order of the rows, and a product is not
    product = word_of(view, PRODUCT)
    if is_in_bfloat16(instruction):
        weight, rounded = narrow_place(instruction, view, FORWARD_WEIGHT), word_of(view, ROUNDED)
        narrow(of_x, rounded, count * inner)
        bfloat16_product(
            PLAIN, TRANSPOSED, count, units, inner, f32(1), rounded, inner, weight, inner, f32(0), product, units
        )
    else:
        sgemm(PLAIN, TRANSPOSED, count, units, inner, f32(1), of_x, inner, weight, inner, f32(0), product, units)
    add_bias_and_activate(product, bias, of_y, count, units, _activation(instruction))


@compiled
def _dense_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    delta = gradient_address(view, y, first, like)
    differentiate(delta, address(view, y, first, like), count * units, _activation(instruction))
    to = gradient_address(view, x, first, like)
    if is_in_bfloat16(instruction):
        rounded = narrow_place(instruction, view, DELTA) + 2 * first * units
        narrow(delta, rounded, count * units)
        if is_wanted(view, 1):
            of_x = address(view, x, first, like)
            narrow(of_x, narrow_place(instruction, view, DATA) + 2 * first * inner, count * inner)
        if is_wanted(view, 0):
            weight, beta = narrow_place(instruction, view, WEIGHT), _beta(view, 0)
            bfloat16_product(PLAIN, PLAIN, count, inner, units, f32(1), rounded, units, weight, inner, beta, to, inner)
    elif is_wanted(view, 0):
        weight = address(view, operand(instruction, 1), 0, like)
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
        if is_in_bfloat16(instruction):
            of_units, data = narrow_place(instruction, view, DELTA) + 2 * first, narrow_place(instruction, view, DATA)
            bfloat16_product(
                TRANSPOSED, PLAIN, count, inner, rows, f32(1), of_units, units, data, inner, beta, place, inner
            )
        else:
            of_units = delta + 4 * first
            sgemm(TRANSPOSED, PLAIN, count, inner, rows, f32(1), of_units, units, of_x, inner, beta, place, inner)
    if is_wanted(view, 2):
        to = gradient_address(view, operand(instruction, 2), 0, like)
        sum_rows(delta, to, rows, units, first, end, mode(view, 2) == ADD)


@compiled
def _softplus(instruction, view, first, end, like):
    zero, one = zero_and_one(like)
    floor = one * (word_of(instruction, NUMBER) / 1e18)
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
def is_convolution(kind):
    """Whether the gradients of parameters are sums over pieces of a batch."""
    return CONVOLUTION <= kind <= TRANSPOSED_CONVOLUTION


@compiled
def prepare(kind, instruction, view, like):
    """Compute what a thread needs of an instruction's parameters in both passes."""
    if is_convolution(kind):
        pack_parameters(instruction, view, kind == TRANSPOSED_CONVOLUTION, like)


@compiled
def _product(instruction, view, first, end, like):
    for row in range(first, end):
        x, y = row_of(view, operand(instruction, 0), row, like), row_of(view, operand(instruction, 1), row, like)
        to = row_of(view, result(instruction), row, like)
        for i in range(len(x)):
            to[i] = x[i] * y[i]


@compiled
def _product_back(instruction, view, first, end, part, like):
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


@compiled
def forward(kind, instruction, view, first, end, like):
    """Compute rows of the result."""
    if kind == DENSE:
        _dense(instruction, view, first, end, like)
    elif kind == SOFTPLUS:
        _softplus(instruction, view, first, end, like)
    elif kind == NORMAL_DRAW:
        normal_draw(instruction, view, first, end, like)
    elif kind == NORMAL_KL:
        normal_kl(instruction, view, first, end, like)
    elif kind == NORMAL_LOG_PROB:
        normal_log_prob(instruction, view, first, end, like)
    elif kind == STANDARD_NORMAL:
        standard_normal(instruction, view, first, end, like)
    elif kind == BERNOULLI:
        bernoulli(instruction, view, first, end, like)
    elif kind == CONVOLUTION:
        convolution(instruction, view, first, end, like)
    elif kind == TRANSPOSED_CONVOLUTION:
        transposed(instruction, view, first, end, like)
    elif kind == CHANNELS_LAST:
        channels_last(instruction, view, first, end, like)
    elif kind == CHANNELS_FIRST:
        channels_first(instruction, view, first, end, like)
    elif kind == OF_TWO:
        _product(instruction, view, first, end, like)
    else:
        log_mean_exp(instruction, view, first, end, like)


@compiled
def backward(kind, instruction, view, first, end, part, like):
    """Compute the gradients of operands."""
    if kind == DENSE:
        _dense_back(instruction, view, first, end, part, like)
    elif kind == SOFTPLUS:
        _softplus_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_DRAW:
        normal_draw_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_KL:
        normal_kl_back(instruction, view, first, end, part, like)
    elif kind == NORMAL_LOG_PROB:
        normal_log_prob_back(instruction, view, first, end, part, like)
    elif kind == STANDARD_NORMAL:
        standard_normal_back(instruction, view, first, end, part, like)
    elif kind == BERNOULLI:
        bernoulli_back(instruction, view, first, end, part, like)
    elif kind == CONVOLUTION:
        convolution_back(instruction, view, first, end, like)
    elif kind == TRANSPOSED_CONVOLUTION:
        transposed_back(instruction, view, first, end, like)
    elif kind == CHANNELS_LAST:
        channels_last_back(instruction, view, first, end, like)
    elif kind == CHANNELS_FIRST:
        channels_first_back(instruction, view, first, end, like)
    elif kind == OF_TWO:
        _product_back(instruction, view, first, end, part, like)
    else:
        log_mean_exp_back(instruction, view, first, end, part, like)
