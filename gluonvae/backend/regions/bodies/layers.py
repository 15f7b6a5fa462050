"""Instructions of dense layers."""

from __future__ import annotations

from ..kinds import IN_BFLOAT16
from ..layout import (
    ADD,
    DATA,
    DELTA,
    LEAVES_OUT_ZEROS,
    NUMBER,
    OVER_SAMPLES,
    PREPARED,
    ROWS,
    TRANSPOSES_GRADIENT,
    TRANSPOSES_WEIGHT,
    WEIGHT,
    WIDTH,
)
from ..operator import SMALLEST
from .dense import add_bias_and_activate, differentiate, f32, narrow, sum_rows, transpose_part, transpose_to
from .native import PLAIN, TRANSPOSED, bfloat16_product, compiled, sgemm, word_of
from .rows import share
from .sparse import are_mostly_zeros, sparse_gradient, sparse_product
from .tensors import (
    OF_THREAD,
    PRODUCT,
    ROUNDED,
    address,
    gradient_address,
    is_own,
    is_wanted,
    mode,
    operand,
    result,
    shared_place,
    value_words,
)


@compiled
def _activation(instruction):
    return word_of(instruction, NUMBER) % IN_BFLOAT16


@compiled
def _is_in_bfloat16(instruction):
    """Whether the products are taken in bfloat16."""
    return word_of(instruction, NUMBER) >= IN_BFLOAT16


@compiled
def _leaves_out_zeros(instruction, view, like):
    """Whether the data are mostly zeros, which are left out."""
    x = operand(instruction, 0)
    of_x = value_words(view, x)
    may = word_of(instruction, LEAVES_OUT_ZEROS) != 0
    return may and are_mostly_zeros(address(view, x, 0, like), of_x[ROWS], of_x[WIDTH])


def prepare_dense(instruction, view, which, part, parts, like):
    """Round a thread's part of the weight to bfloat16, transpose it, or take its product without the zeros of data."""
    x, y, weight = operand(instruction, 0), result(instruction), address(view, operand(instruction, 1), 0, like)
    rows, units, inner = value_words(view, y)[ROWS], value_words(view, y)[WIDTH], value_words(view, x)[WIDTH]
    to = shared_place(instruction, view, which)
    if _is_in_bfloat16(instruction):
        first, end = share(units, 1, part, parts)
        narrow(weight + 4 * first * inner, to + 2 * first * inner, (end - first) * inner)
    elif which == PREPARED:
        first, end = share(units, SMALLEST, part, parts)
        if end <= first:
            return
        if _leaves_out_zeros(instruction, view, like):
            of_x, memory = address(view, x, 0, like), word_of(view, OF_THREAD)
            sparse_product(of_x, weight, to, rows, units, inner, first, end, memory)
        elif word_of(instruction, TRANSPOSES_WEIGHT) != 0:
            transpose_part(weight, to, inner, units, first, end)


@compiled
def _beta(view, which):
    return f32(1) if mode(view, which) == ADD else f32(0)


def dense(instruction, view, first, end, like):
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    of_x, of_y = address(view, x, first, like), address(view, y, first, like)
    weight, bias = address(view, operand(instruction, 1), 0, like), address(view, operand(instruction, 2), 0, like)
    # a product is not written in the order of the rows: where the result is in memory, it is made in the cache first
    product = of_y if is_own(view, y) else word_of(view, PRODUCT)
    if _leaves_out_zeros(instruction, view, like):
        product = shared_place(instruction, view, PREPARED) + 4 * first * units
    elif _is_in_bfloat16(instruction):
        weight, rounded = shared_place(instruction, view, PREPARED), word_of(view, ROUNDED)
        narrow(of_x, rounded, count * inner)
        bfloat16_product(
            PLAIN, TRANSPOSED, count, units, inner, f32(1), rounded, inner, weight, inner, f32(0), product, units
        )
    elif word_of(instruction, TRANSPOSES_WEIGHT) != 0:
        transposed = shared_place(instruction, view, PREPARED)
        sgemm(PLAIN, PLAIN, count, units, inner, f32(1), of_x, inner, transposed, units, f32(0), product, units)
    else:
        sgemm(PLAIN, TRANSPOSED, count, units, inner, f32(1), of_x, inner, weight, inner, f32(0), product, units)
    add_bias_and_activate(product, bias, of_y, count, units, _activation(instruction))


def dense_back(instruction, view, first, end, part, like):
    if part == OVER_SAMPLES:
        return
    x, y = operand(instruction, 0), result(instruction)
    units, inner, count = value_words(view, y)[WIDTH], value_words(view, x)[WIDTH], end - first
    delta = gradient_address(view, y, first, like)
    differentiate(delta, address(view, y, first, like), count * units, _activation(instruction))
    to = gradient_address(view, x, first, like)
    if _is_in_bfloat16(instruction):
        rounded = shared_place(instruction, view, DELTA) + 2 * first * units
        narrow(delta, rounded, count * units)
        if is_wanted(view, 1):
            of_x = address(view, x, first, like)
            narrow(of_x, shared_place(instruction, view, DATA) + 2 * first * inner, count * inner)
        if is_wanted(view, 0):
            weight, beta = shared_place(instruction, view, WEIGHT), _beta(view, 0)
            bfloat16_product(PLAIN, PLAIN, count, inner, units, f32(1), rounded, units, weight, inner, beta, to, inner)
    elif is_wanted(view, 0):
        weight = address(view, operand(instruction, 1), 0, like)
        sgemm(PLAIN, PLAIN, count, inner, units, f32(1), delta, units, weight, inner, _beta(view, 0), to, inner)


def dense_parameters(instruction, view, part, parts, like):
    """The gradients of weight and bias of a thread's units, of all rows."""
    x, y = operand(instruction, 0), result(instruction)
    rows, units, inner = value_words(view, y)[ROWS], value_words(view, y)[WIDTH], value_words(view, x)[WIDTH]
    first, end = share(units, SMALLEST, part, parts)
    delta, count = gradient_address(view, y, 0, like), end - first
    if count <= 0:
        return
    if is_wanted(view, 1):
        to, of_x = gradient_address(view, operand(instruction, 1), 0, like), address(view, x, 0, like)
        beta, place = _beta(view, 1), to + 4 * first * inner
        if _leaves_out_zeros(instruction, view, like):
            sparse_gradient(
                of_x, delta, to, rows, units, inner, first, end, mode(view, 1) == ADD, word_of(view, OF_THREAD)
            )
        elif _is_in_bfloat16(instruction):
            of_units, data = shared_place(instruction, view, DELTA) + 2 * first, shared_place(instruction, view, DATA)
            bfloat16_product(
                TRANSPOSED, PLAIN, count, inner, rows, f32(1), of_units, units, data, inner, beta, place, inner
            )
        elif word_of(instruction, TRANSPOSES_GRADIENT) != 0:
            memory, of_units = word_of(view, OF_THREAD), delta + 4 * first
            sgemm(TRANSPOSED, PLAIN, inner, count, rows, f32(1), of_x, inner, of_units, units, f32(0), memory, count)
            transpose_to(memory, place, inner, count, mode(view, 1) == ADD)
        else:
            of_units = delta + 4 * first
            sgemm(TRANSPOSED, PLAIN, count, inner, rows, f32(1), of_units, units, of_x, inner, beta, place, inner)
    if is_wanted(view, 2):
        to = gradient_address(view, operand(instruction, 2), 0, like)
        sum_rows(delta, to, rows, units, first, end, mode(view, 2) == ADD, like)
