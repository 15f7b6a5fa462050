"""Products of a layer with data that are mostly zeros, as binary images, counts and one-hot codes are.

Zeros are left out. The other numbers are listed row by row, or column by column for the gradient of the weight. Rows of
a matrix, each times such a number, are added up in the order of the list. A sum begins with that of the weights, or of
the gradients, times 0: it is 0 unless one of them is infinite or NaN, whose product with a zero would not be 0.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from ..forms import LANES, MOST, TILE
from .dense import transpose_part
from .native import compiled, floats, ints, words
from .vectors import add_rows, count_bits, lowest, nonzeros, transpose

f32 = np.float32
SAMPLED = 16
"""Of how many rows the zeros are counted, to know whether they are to be left out."""


@compiled
def _nonzeros_of(x, count):
    """Which of the first 64 of ``count`` numbers are not 0, a bit for each."""
    if count >= 64:
        return nonzeros(x)
    found, number = 0, carray(floats(x), count)
    for i in range(count):
        if number[i] != f32(0):
            found |= 1 << i
    return found


@compiled
def are_mostly_zeros(x, rows, width):
    """Whether data ``(rows, width)`` have so many zeros that they are worth leaving out."""
    found, seen = 0, 0
    for row in range(0, rows, max(rows // SAMPLED, 1)):
        seen += width
        for first in range(0, width, 64):
            found += count_bits(_nonzeros_of(x + 4 * (row * width + first), width - first))
    return MOST * found <= seen


@compiled
def _lists(memory, count, capacity):
    """Lists of ``capacity`` numbers in all: from where each begins, which is where the one before ends, their places
    and the numbers."""
    places = memory + 4 * (count + 1)
    begin, place = ints(memory), ints(places)
    return begin, place, carray(floats(places + 4 * capacity), capacity)


@compiled
def _list_rows(x, rows, width, to):
    """List the numbers of each row."""
    begin, place, value = _lists(to, rows, rows * width)
    begin[0] = count = 0
    for row in range(rows):
        number = carray(floats(x + 4 * row * width), width)
        for first in range(0, width, 64):
            left = _nonzeros_of(x + 4 * (row * width + first), width - first)
            while left != 0:
                column = first + lowest(left)
                place[count], value[count] = column, number[column]
                count += 1
                left &= left - 1
        begin[row + 1] = count


@compiled
def _transpose_bits(place):
    """Transpose 64 words of 64 bits: Warren, Hacker's Delight, 7-3."""
    word = words(place)
    size, mask = 32, 0xFFFFFFFF
    while size != 0:
        i = 0
        while i < 64:
            other = i + size
            differ = ((word[i] >> size) ^ word[other]) & mask
            word[i] ^= differ << size
            word[other] ^= differ
            i = (other + 1) & ~size
        size >>= 1
        mask ^= mask << size


@compiled
def _list_columns(x, rows, width, bits, to):
    """List the numbers of each column."""
    begin, place, value = _lists(to, width, rows * width)
    number, are_there = carray(floats(x), rows * width), words(bits)
    count = 0
    for first in range(0, width, 64):
        for row in range((rows + 63) // 64 * 64):
            are_there[row] = _nonzeros_of(x + 4 * (row * width + first), width - first) if row < rows else 0
        for block in range(0, rows, 64):
            _transpose_bits(bits + 8 * block)
        for column in range(first, min(first + 64, width)):
            begin[column] = count
            for block in range(0, rows, 64):
                left = are_there[block + column - first]
                while left != 0:
                    row = block + lowest(left)
                    place[count], value[count] = row, number[row * width + column]
                    count += 1
                    left &= left - 1
    begin[width] = count


@compiled
def _vectors_of(left, units):
    """How many vectors of units are added up together, so that those that are left take equal parts.

    A part has no more than all units that there are, and the last one some units of that before it. One vector takes
    as long as two: each number is added to the sum before it.
    """
    if units < 2 * LANES:
        return 1
    parts = (left + TILE - 1) // TILE
    while True:
        vectors = 2 * ((left + 2 * LANES * parts - 1) // (2 * LANES * parts))
        if LANES * vectors <= units:
            return vectors
        parts += 1


@compiled
def _add_listed(lists, which, count, capacity, matrix, stride, start, to, vectors):
    """Write start + the sum of the rows of a matrix that a list has."""
    begin = ints(lists)
    places, terms = lists + 4 * (count + 1 + begin[which]), begin[which + 1] - begin[which]
    values = places + 4 * capacity
    if vectors == 8:
        add_rows(matrix, stride, places, values, terms, start, to, 8)
    elif vectors == 6:
        add_rows(matrix, stride, places, values, terms, start, to, 6)
    elif vectors == 4:
        add_rows(matrix, stride, places, values, terms, start, to, 4)
    elif vectors == 2:
        add_rows(matrix, stride, places, values, terms, start, to, 2)
    else:
        add_rows(matrix, stride, places, values, terms, start, to, 1)


@compiled
def _transpose_weights(weight, to, inner, units, stride):
    """Write the columns of some units to ``(inner, stride)``, and what their sums begin with to a row after these."""
    start = carray(floats(to + 4 * inner * stride), units)
    for unit in range(units):
        total, number = f32(0), carray(floats(weight + 4 * unit * inner), inner)
        for i in range(inner):
            total += number[i] * f32(0)
        start[unit] = total
    transpose_part(weight, to, inner, stride, 0, units)


@compiled
def sparse_product(x, weight, to, rows, units, inner, first, end, memory):
    """Some units of the product ``(rows, units)`` of data ``(rows, inner)`` and the transpose of a weight ``(units,
    inner)``."""
    lists, unit = memory + 4 * (inner + 1) * TILE, first
    _list_rows(x, rows, inner, lists)
    while unit < end:
        vectors = _vectors_of(end - unit, end - first)
        width = LANES * vectors
        u = min(unit, end - width)  # some once more, where they are fewer
        _transpose_weights(weight + 4 * u * inner, memory, inner, width, width)
        start = memory + 4 * inner * width
        for row in range(rows):
            place = to + 4 * (row * units + u)
            _add_listed(lists, row, rows, rows * inner, memory, 4 * width, start, place, vectors)
        unit += width


@compiled
def _copy_units(delta, rows, units, width, to, start):
    """Copy the numbers of some units to ``(rows, width)``, and write what their sums begin with."""
    begin = carray(floats(start), width)
    for i in range(width):
        begin[i] = f32(0)
    for row in range(rows):
        number = carray(floats(delta + 4 * row * units), width)
        copy = carray(floats(to + 4 * row * width), width)
        for i in range(width):
            copy[i] = number[i]
            begin[i] += number[i] * f32(0)


@compiled
def _add_transposed(tile, width, to, inner, first_column, first_unit):
    """Add the transpose of a tile ``(LANES, width)`` to a part of a matrix, but for its first columns and units."""
    added = carray(floats(tile), LANES * width)
    for unit in range(first_unit, width):
        number = carray(floats(to + 4 * unit * inner), LANES)
        for column in range(first_column, LANES):
            number[column] += added[column * width + unit]


@compiled
def sparse_gradient(x, delta, to, rows, units, inner, first, end, is_added, memory):
    """The gradient ``(units, inner)`` of the weights of some units, of data and the gradient ``(rows, units)``."""
    # the rows of a copy begin where a cache line does
    tile, start, own = memory, memory + 4 * LANES * TILE, memory + 4 * (LANES + 1) * TILE
    bits, unit, capacity = own + 4 * rows * TILE, first, rows * inner
    lists = bits + 8 * (rows + 63)
    _list_columns(x, rows, inner, bits, lists)
    while unit < end:
        vectors = _vectors_of(end - unit, end - first)
        width = LANES * vectors
        u = min(unit, end - width)  # some once more, where they are fewer
        _copy_units(delta + 4 * u, rows, units, width, own, start)
        for column in range(0, inner, LANES):
            j = min(column, inner - LANES)
            for i in range(LANES):
                row = tile + 4 * width * i
                _add_listed(lists, j + i, inner, capacity, own, 4 * width, start, row, vectors)
            place = to + 4 * (u * inner + j)
            if is_added:
                _add_transposed(tile, width, place, inner, column - j, unit - u)
            else:
                for v in range(vectors):
                    transpose(tile + 4 * LANES * v, 4 * width, place + 4 * LANES * v * inner, 4 * inner)
        unit += width
