"""What a layer does beside its matrix products, in float32."""

from __future__ import annotations

import numpy as np
from numba import carray

from ..forms import LANES
from .native import bits, bytes_of, compiled, floats, halves, numbers, stack_words, zero_and_one
from .numerics import expm1_of_negative, sigmoid, softplus, tanh
from .vectors import transpose

f32 = np.float32
WORDS = 1024
"""Words of memory for numbers that are activated at a time."""
_SELU_SCALE, _SELU_ALPHA = f32(1.0507009873554804934193349852946), f32(1.6732632423543772848170429916717)


@compiled
def narrow(place, to, count):
    """Round float32 numbers to bfloat16, the upper half of their bits: to the nearest, and of two to the even one."""
    x, y = carray(bits(place), count), carray(halves(to), count)
    for i in range(count):
        v = x[i]
        rounded = (v + np.uint32(0x7FFF) + ((v >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
        # of a NaN rounding would make an infinity
        is_nan = (v & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
        y[i] = (v >> np.uint32(16)) | np.uint32(64) if is_nan else rounded


@compiled
def copy(place, source, count):
    """Copy numbers."""
    to, values = carray(floats(place), count), carray(floats(source), count)
    for i in range(count):
        to[i] = values[i]


@compiled
def add_bias_and_activate(x, bias, y, rows, units, kind):
    """y = activation(x + bias), (rows, units), where y may be x."""
    spare = stack_words(WORDS)
    for row in range(rows):
        for start in range(0, units, 2 * WORDS):
            place, count = 4 * (row * units + start), min(2 * WORDS, units - start)
            _activate(x + place, bias + 4 * start, y + place, count, kind, spare)


@compiled
def _activate(x, bias, y, count, kind, spare):
    source = x
    if x == y:
        # where arrays overlap, LLVM's loops compute one number at a time
        copy(spare, x, count)
        source = spare
    u, b, v = carray(floats(source), count), carray(floats(bias), count), carray(floats(y), count)
    if kind == 0:
        for i in range(count):
            v[i] = u[i] + b[i]
    elif kind == 1:
        for i in range(count):
            v[i] = tanh(u[i] + b[i])
    elif kind == 2:
        for i in range(count):
            v[i] = sigmoid(u[i] + b[i])
    elif kind == 3:
        for i in range(count):
            w = u[i] + b[i]
            v[i] = f32(0) if w < f32(0) else w
    elif kind == 4:
        for i in range(count):
            v[i] = softplus(u[i] + b[i])
    elif kind == 5:
        for i in range(count):
            w = u[i] + b[i]
            v[i] = w / (f32(1) + abs(w))
    elif kind == 6:
        for i in range(count):
            w = u[i] + b[i]
            v[i] = w if w > f32(0) else w * f32(0.01)
    elif kind == 7:
        for i in range(count):
            w = u[i] + b[i]
            v[i] = expm1_of_negative(min(w, f32(0))) if w < f32(0) else w
    else:
        for i in range(count):
            w = u[i] + b[i]
            v[i] = _SELU_SCALE * (_SELU_ALPHA * expm1_of_negative(min(w, f32(0))) if w < f32(0) else w)


@compiled
def differentiate(gradient, y, count, kind):
    """Multiply a gradient by the derivative of an activation, of the activation's result y."""
    d, v = carray(floats(gradient), count), carray(floats(y), count)
    if kind == 0:
        return
    if kind == 1:
        for i in range(count):
            d[i] = d[i] * (f32(1) - v[i] * v[i])
    elif kind == 2:
        for i in range(count):
            d[i] = d[i] * (v[i] * (f32(1) - v[i]))
    elif kind == 3:
        for i in range(count):
            d[i] = f32(0) if v[i] <= f32(0) else d[i]
    elif kind == 4:
        for i in range(count):
            d[i] = -d[i] * expm1_of_negative(-v[i])
    elif kind == 5:
        for i in range(count):
            r = f32(1) - abs(v[i])
            d[i] = d[i] * (r * r)
    elif kind == 6:
        for i in range(count):
            d[i] = d[i] * (f32(1) if v[i] > f32(0) else f32(0.01))
    elif kind == 7:
        for i in range(count):
            d[i] = d[i] * (v[i] + f32(1) if v[i] < f32(0) else f32(1))
    else:
        for i in range(count):
            d[i] = d[i] * (_SELU_SCALE if v[i] > f32(0) else v[i] + _SELU_SCALE * _SELU_ALPHA)


@compiled
def sum_rows(delta, to, rows, units, first, end, add, like):
    """The gradient of the biases of units."""
    size, (zero, _) = bytes_of(like), zero_and_one(like)
    d = carray(numbers(to + size * first, like), end - first)
    if not add:
        for i in range(end - first):
            d[i] = zero
    for row in range(rows):
        v = carray(numbers(delta + size * (row * units + first), like), end - first)
        for i in range(end - first):
            d[i] += v[i]


@compiled
def transpose_part(weight, to, inner, stride, first, end):
    """Write the columns of some units to ``(inner, stride)``."""
    for unit in range(first, end, LANES):
        u = min(unit, end - LANES)  # the last ones once more, where they are fewer
        for column in range(0, inner, LANES):
            j = min(column, inner - LANES)
            transpose(weight + 4 * (u * inner + j), 4 * inner, to + 4 * (j * stride + u), 4 * stride)


@compiled
def transpose_to(x, to, rows, columns, add):
    """Write the transpose of a matrix, or add it."""
    number, y = carray(floats(x), rows * columns), carray(floats(to), rows * columns)
    for first in range(0, rows, 16):  # a cache line of the result
        for column in range(columns):
            for row in range(first, min(first + 16, rows)):
                before = y[column * rows + row] if add else f32(0)
                y[column * rows + row] = number[row * columns + column] + before
