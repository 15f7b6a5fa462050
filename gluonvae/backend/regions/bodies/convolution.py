"""Convolutions of images, in float32, as products of matrices with their patches.

An image is ``(H, W, C)`` here, so that what a patch has of a row of it is in one piece. Each pixel of the ``small``
side of a convolution goes with a patch of the ``large`` one: the small side is what a convolution makes, and what a
transposed one takes. Both need the same three products, of weights ``(S, kernel, C)``: patches and weights give the
small side, the small side and weights give what is added up where patches of the large one overlap, and both sides
give the weights' gradient.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from ..forms import LANES
from ..images import (
    CHANNELS,
    HEIGHT,
    KERNEL_HEIGHT,
    KERNEL_WIDTH,
    PADDING_HEIGHT,
    PADDING_WIDTH,
    SMALL_CHANNELS,
    SMALL_HEIGHT,
    SMALL_WIDTH,
    STRIDE_HEIGHT,
    STRIDE_WIDTH,
    WIDTH,
)
from .dense import copy, f32
from .native import PLAIN, TRANSPOSED, compiled, floats, sgemm


@compiled
def patch_size(g):
    """The numbers of a patch."""
    return g[KERNEL_HEIGHT] * g[KERNEL_WIDTH] * g[CHANNELS]


@compiled
def _are_pixels(g):
    """Whether the patches are the pixels of the large side in their order."""
    is_one = g[KERNEL_HEIGHT] * g[KERNEL_WIDTH] == 1 and g[PADDING_HEIGHT] + g[PADDING_WIDTH] == 0
    return is_one and g[SMALL_HEIGHT] == g[HEIGHT] and g[SMALL_WIDTH] == g[WIDTH]


@compiled
def set_zero(place, count):
    to = carray(floats(place), count)
    for i in range(count):
        to[i] = f32(0)


@compiled
def add(place, source, count):
    to, values = carray(floats(place), count), carray(floats(source), count)
    for i in range(count):
        to[i] += values[i]


@compiled
def _unfold_narrow_row(row, place, y, g):
    """Write what the patches of a row of pixels have of row ``y``, a few numbers each: one of them of all patches, then
    the next. Of places that have a sign, Numba would ask each time whether they count from the end."""
    channels, width, size = g[CHANNELS], g[WIDTH], patch_size(g)
    to, values = carray(floats(place), g[SMALL_WIDTH] * size), carray(floats(row), width * channels)
    step, inside = g[STRIDE_WIDTH] * channels, width * channels if 0 <= y < g[HEIGHT] else 0
    for number in range(g[KERNEL_WIDTH] * channels):
        source, x, end = number - g[PADDING_WIDTH] * channels, 0, g[SMALL_WIDTH]
        while x < end and source < 0:
            to[np.uint64(x * size + number)] = f32(0)
            x, source = x + 1, source + step
        while x < end and source < inside:
            to[np.uint64(x * size + number)] = values[np.uint64(source)]
            x, source = x + 1, source + step
        while x < end:
            to[np.uint64(x * size + number)] = f32(0)
            x += 1


@compiled
def _unfold_row(row, place, y, g):
    """Write what the patches of a row of pixels have of row ``y`` of the large side, at ``row``."""
    channels, width, size = g[CHANNELS], g[WIDTH], patch_size(g)
    count = g[KERNEL_WIDTH] * channels
    for x in range(g[SMALL_WIDTH]):
        left = x * g[STRIDE_WIDTH] - g[PADDING_WIDTH]
        first, end = max(0, -left) * channels, min(g[KERNEL_WIDTH], width - left) * channels
        to, source = place + 4 * x * size, row + 4 * left * channels
        if y < 0 or y >= g[HEIGHT] or end <= first:
            set_zero(to, count)
        elif end - first == count:
            copy(to, source, count)
        else:
            set_zero(to, count)
            copy(to + 4 * first, source + 4 * first, end - first)


@compiled
def _fold_row(row, place, y, g):
    """Add what the patches of a row of pixels have of row ``y`` of the large side, at ``row``."""
    if y < 0 or y >= g[HEIGHT]:
        return
    channels, width, size = g[CHANNELS], g[WIDTH], patch_size(g)
    for x in range(g[SMALL_WIDTH]):
        left = x * g[STRIDE_WIDTH] - g[PADDING_WIDTH]
        first, end = max(0, -left) * channels, min(g[KERNEL_WIDTH], width - left) * channels
        if end > first:
            add(row + 4 * (left * channels + first), place + 4 * (x * size + first), end - first)


@compiled
def _move(large, patches, first, rows, folds, g):
    """Write the patches of rows of pixels, ``(rows, w, kernel, C)``, with zeros outside of the images; or add them,
    where they fold, to where they are in the images."""
    row, size = g[WIDTH] * g[CHANNELS], patch_size(g)
    for number in range(rows):
        image, small_y = (first + number) // g[SMALL_HEIGHT], (first + number) % g[SMALL_HEIGHT]
        place = patches + 4 * number * g[SMALL_WIDTH] * size
        for k in range(g[KERNEL_HEIGHT]):
            y = small_y * g[STRIDE_HEIGHT] - g[PADDING_HEIGHT] + k
            of_row, of_patches = (
                large + 4 * (image * g[HEIGHT] + y) * row,
                place + 4 * k * g[KERNEL_WIDTH] * g[CHANNELS],
            )
            if folds:
                _fold_row(of_row, of_patches, y, g)
            elif g[KERNEL_WIDTH] * g[CHANNELS] < LANES:
                _unfold_narrow_row(of_row, of_patches, y, g)
            else:
                _unfold_row(of_row, of_patches, y, g)


# The products are of some rows of pixels of the small side, from ``first`` on. Of the small side an address is that of
# these rows, of the large one that of the images.


@compiled
def patches_of(large, memory, first, rows, g):
    """The address of the patches: that of pixels themselves, or of memory where they are written."""
    if _are_pixels(g):
        return large + 4 * first * g[WIDTH] * g[CHANNELS]
    _move(large, memory, first, rows, False, g)
    return memory


@compiled
def to_small(patches, weights, small, rows, beta, g):
    """small = patches weights^T + beta small, of weights that are transposed already."""
    count, size, units = rows * g[SMALL_WIDTH], patch_size(g), g[SMALL_CHANNELS]
    sgemm(PLAIN, PLAIN, count, units, size, f32(1), patches, size, weights, units, beta, small, units)


@compiled
def begin_large(large, images, g):
    """Set images to zero, if what :func:`to_large` writes is added up."""
    if not _are_pixels(g):
        set_zero(large, images * g[HEIGHT] * g[WIDTH] * g[CHANNELS])


@compiled
def to_large(small, weights, large, memory, first, rows, beta, g):
    """Add patches = small weights to images; where they are pixels, write patches + beta images."""
    count, size, units = rows * g[SMALL_WIDTH], patch_size(g), g[SMALL_CHANNELS]
    if _are_pixels(g):
        place = large + 4 * first * g[WIDTH] * g[CHANNELS]
        sgemm(PLAIN, PLAIN, count, size, units, f32(1), small, units, weights, size, beta, place, size)
        return
    sgemm(PLAIN, PLAIN, count, size, units, f32(1), small, units, weights, size, f32(0), memory, size)
    _move(large, memory, first, rows, True, g)


@compiled
def to_weights(small, patches, weights, rows, beta, g):
    """weights = small^T patches + beta weights, the gradient."""
    count, size, units = rows * g[SMALL_WIDTH], patch_size(g), g[SMALL_CHANNELS]
    sgemm(TRANSPOSED, PLAIN, units, size, count, f32(1), small, units, patches, size, beta, weights, size)


@compiled
def transpose(source, place, rows, columns, adds):
    """Write, or add, a matrix ``(columns, rows)``, of one ``(rows, columns)``."""
    values, to = carray(floats(source), rows * columns), carray(floats(place), rows * columns)
    for column in range(columns):
        for row in range(rows):
            value = values[row * columns + column]
            to[column * rows + row] = value + to[column * rows + row] if adds else value


@compiled
def pack_weights(weights, packed, is_transposed, g):
    """Write weights (S, C, kernel) as (S, kernel, C), or as their transpose (kernel, C, S)."""
    size, taps, channels, units = patch_size(g), g[KERNEL_HEIGHT] * g[KERNEL_WIDTH], g[CHANNELS], g[SMALL_CHANNELS]
    if not is_transposed:
        for unit in range(units):
            transpose(weights + 4 * unit * size, packed + 4 * unit * size, channels, taps, False)
        return
    values, to = carray(floats(weights), units * size), carray(floats(packed), units * size)
    for tap in range(taps):
        for channel in range(channels):
            for unit in range(units):
                to[(tap * channels + channel) * units + unit] = values[unit * size + channel * taps + tap]
