"""The compiled bodies of :mod:`gluonvae.backend.regions.dense`."""

from __future__ import annotations

import numpy as np
from numba import carray

from ..operator import LARGEST, SIZES, SMALLEST
from .native import (
    PLAIN,
    TRANSPOSED,
    allocate,
    argument_words,
    barrier,
    compile_bodies,
    compiled,
    floats,
    ints,
    release,
    sgemm,
    thread,
    threads,
    words,
)
from .numerics import exp_of_negative, log1p_of_fraction
from .rows import share

_f = np.float32
_SELU_SCALE, _SELU_ALPHA = _f(1.0507009873554804934193349852946), _f(1.6732632423543772848170429916717)


@compiled
def _tanh(x):
    # near 0, where (1 - e) / (1 + e) has few digits, Cephes' polynomial (Moshier 1992)
    size = abs(x)
    e = exp_of_negative(_f(-2) * size)
    far = (_f(1) - e) / (_f(1) + e)
    q = x * x
    p = _f(-5.70498872745e-3)
    p = p * q + _f(2.06390887954e-2)
    p = p * q + _f(-5.37397155531e-2)
    p = p * q + _f(1.33314422036e-1)
    p = p * q + _f(-3.33332819422e-1)
    near = p * q * x + x
    return near if size < _f(0.625) else (far if x >= _f(0) else -far)


@compiled
def _sigmoid(x):
    e = exp_of_negative(-abs(x))
    return (_f(1) if x >= _f(0) else e) / (_f(1) + e)


@compiled
def _expm1_of_negative(x):
    # tanh(x / 2) has the digits that exp(x) - 1 loses near 0
    t = _tanh(_f(0.5) * x)
    return _f(2) * t / (_f(1) - t)


@compiled
def _add_bias_and_activate(y, bias, rows, units, kind):
    """y = activation(y + bias), (rows, units)."""
    b = carray(floats(bias), units)
    for row in range(rows):
        v = carray(floats(y + 4 * row * units), units)
        if kind == 0:
            for i in range(units):
                v[i] += b[i]
        elif kind == 1:
            for i in range(units):
                v[i] = _tanh(v[i] + b[i])
        elif kind == 2:
            for i in range(units):
                v[i] = _sigmoid(v[i] + b[i])
        elif kind == 3:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = _f(0) if x < _f(0) else x
        elif kind == 4:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = (_f(0) if x < _f(0) else x) + log1p_of_fraction(exp_of_negative(-abs(x)))
        elif kind == 5:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = x / (_f(1) + abs(x))
        elif kind == 6:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = x if x > _f(0) else x * _f(0.01)
        elif kind == 7:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = _expm1_of_negative(min(x, _f(0))) if x < _f(0) else x
        else:
            for i in range(units):
                x = v[i] + b[i]
                v[i] = _SELU_SCALE * (_SELU_ALPHA * _expm1_of_negative(min(x, _f(0))) if x < _f(0) else x)


@compiled
def _differentiate(delta, gradient, y, count, kind):
    """delta = gradient * activation'(x), of the activation's result y."""
    d, g, v = carray(floats(delta), count), carray(floats(gradient), count), carray(floats(y), count)
    if kind == 1:
        for i in range(count):
            d[i] = g[i] * (_f(1) - v[i] * v[i])
    elif kind == 2:
        for i in range(count):
            d[i] = g[i] * (v[i] * (_f(1) - v[i]))
    elif kind == 3:
        for i in range(count):
            d[i] = _f(0) if v[i] <= _f(0) else g[i]
    elif kind == 4:
        for i in range(count):
            d[i] = -g[i] * _expm1_of_negative(-v[i])
    elif kind == 5:
        for i in range(count):
            r = _f(1) - abs(v[i])
            d[i] = g[i] * (r * r)
    elif kind == 6:
        for i in range(count):
            d[i] = g[i] * (_f(1) if v[i] > _f(0) else _f(0.01))
    elif kind == 7:
        for i in range(count):
            d[i] = g[i] * (v[i] + _f(1) if v[i] < _f(0) else _f(1))
    else:
        for i in range(count):
            d[i] = g[i] * (_SELU_SCALE if v[i] > _f(0) else v[i] + _SELU_SCALE * _SELU_ALPHA)


def _forward(arguments):
    argument = argument_words(arguments)
    layers = carray(words(argument[0]), SIZES + 1)[SIZES]
    size, tensor = carray(words(argument[0]), SIZES + 3 + 2 * layers), carray(words(argument[1]), 1 + 3 * layers)
    request = carray(ints(argument[2]), layers)
    rows, width = size[SIZES + 1], size[SIZES + 2]
    # where nothing is differentiated, hidden layers are not asked for, and have no memory
    widest = 0
    for i in range(layers - 1):
        widest = max(widest, size[SIZES + 3 + i])
    own = allocate(8 * (LARGEST + SMALLEST) * widest) if layers > 1 else 0
    first, end = share(rows, SMALLEST, thread(), threads())
    while first < end:
        count = end - first if end - first < LARGEST + SMALLEST else LARGEST
        x, inner = tensor[0] + 4 * first * width, width
        for i in range(layers):
            units, output = size[SIZES + 3 + i], 0 if i == layers - 1 else 1 + i
            if output == 0 and request[0] == 0:
                break
            y = tensor[1 + 2 * layers + output] + 4 * first * units
            if request[output] == 0:
                y = own + (i & 1) * 4 * (LARGEST + SMALLEST) * widest
            weight, bias = tensor[1 + 2 * i], tensor[2 + 2 * i]
            sgemm(PLAIN, TRANSPOSED, count, units, inner, _f(1), x, inner, weight, inner, _f(0), y, units)
            _add_bias_and_activate(y, bias, count, units, size[SIZES + 3 + layers + i])
            x, inner = y, units
        first += count
    if own != 0:
        release(own)


@compiled
def _differentiate_rows(size, tensor, request, scratch, layers, first, end):
    """Compute the gradients of rows, from the last layer to the data."""
    rows, width = size[SIZES + 1], size[SIZES + 2]
    inputs = 1 + 2 * layers
    while first < end:
        count = end - first if end - first < LARGEST + SMALLEST else LARGEST
        place = scratch
        gradient = tensor[0] + 4 * first * size[SIZES + 2 + layers]
        for j in range(layers):
            i = layers - 1 - j
            units, inner = size[SIZES + 3 + i], size[SIZES + 2 + i]
            kind = size[SIZES + 3 + layers + i]
            out = tensor[layers + inputs] if i == layers - 1 else tensor[layers + inputs + 1 + i]
            delta = gradient
            if kind != 0:
                delta = place + 4 * first * units
                _differentiate(delta, gradient, out + 4 * first * units, count * units, kind)
            place += 4 * rows * units
            weight = tensor[layers + 1 + 2 * i]
            if i > 0:
                gradient = place + 4 * first * inner
                sgemm(PLAIN, PLAIN, count, inner, units, _f(1), delta, units, weight, inner, _f(0), gradient, inner)
            elif request[0] != 0:
                to = tensor[2 * layers + inputs] + 4 * first * width
                beta = _f(1) if request[0] == 3 else _f(0)
                sgemm(PLAIN, PLAIN, count, width, units, _f(1), delta, units, weight, width, beta, to, width)
        first += count


@compiled
def _sum_rows(delta, to, rows, units, first, end, add):
    """The gradient of the biases of units."""
    d = carray(floats(to + 4 * first), end - first)
    if not add:
        for i in range(end - first):
            d[i] = _f(0)
    for row in range(rows):
        v = carray(floats(delta + 4 * (row * units + first)), end - first)
        for i in range(end - first):
            d[i] += v[i]


@compiled
def _differentiate_weights(size, tensor, request, scratch, layers, part, parts):
    """Compute the gradients of weights and biases, a part of the units of each layer."""
    rows = size[SIZES + 1]
    inputs = 1 + 2 * layers
    place = scratch
    for j in range(layers):
        i = layers - 1 - j
        units, inner = size[SIZES + 3 + i], size[SIZES + 2 + i]
        last = i == layers - 1
        delta = tensor[0] if last and size[SIZES + 3 + layers + i] == 0 else place
        place += 4 * rows * units
        x = tensor[layers] if i == 0 else tensor[layers + inputs + i]
        first, end = share(units, SMALLEST, part, parts)
        if end > first and request[1 + 2 * i] != 0:
            to = tensor[2 * layers + inputs + 1 + 2 * i] + 4 * first * inner
            beta = _f(1) if request[1 + 2 * i] == 3 else _f(0)
            count = end - first
            sgemm(TRANSPOSED, PLAIN, count, inner, rows, _f(1), delta + 4 * first, units, x, inner, beta, to, inner)
        if end > first and request[2 + 2 * i] != 0:
            to = tensor[2 * layers + inputs + 2 + 2 * i]
            _sum_rows(delta, to, rows, units, first, end, request[2 + 2 * i] == 3)


def _backward(arguments):
    argument = argument_words(arguments)
    layers = carray(words(argument[0]), SIZES + 1)[SIZES]
    size = carray(words(argument[0]), SIZES + 3 + 2 * layers)
    tensor = carray(words(argument[1]), 2 + 6 * layers)
    request, scratch = carray(ints(argument[2]), 1 + 2 * layers), argument[3]
    first, end = share(size[SIZES + 1], SMALLEST, thread(), threads())
    _differentiate_rows(size, tensor, request, scratch, layers, first, end)
    barrier()
    _differentiate_weights(size, tensor, request, scratch, layers, thread(), threads())


def addresses() -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(np.float32, _forward, _backward)
