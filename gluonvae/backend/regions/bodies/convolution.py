"""Convolutions of images, in float32, as products of matrices with their patches.

An image is ``(H, W, C)`` here, so that what a patch has of a row of it is in one piece. Each pixel of the ``small``
side of a convolution goes with a patch of the ``large`` one: the small side is what a convolution makes, and what a
transposed one takes. Both need the same three products, of weights ``(S, kernel, C)``: patches and weights give the
small side, the small side and weights give what is added up where patches of the large one overlap, and both sides
give the weights' gradient.
"""

from __future__ import annotations

from numba import carray

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
from .dense import f32
from .native import PLAIN, TRANSPOSED, compiled, floats, sgemm


@compiled
def patch_size(g):
    """The numbers of a patch."""
    return g[KERNEL_HEIGHT] * g[KERNEL_WIDTH] * g[CHANNELS]


@compiled
def pixels(g):
    """The pixels of the small side."""
    return g[SMALL_HEIGHT] * g[SMALL_WIDTH]


@compiled
def _are_pixels(g):
    """Whether the patches are the pixels of the large side in their order."""
    is_one = g[KERNEL_HEIGHT] * g[KERNEL_WIDTH] == 1 and g[PADDING_HEIGHT] + g[PADDING_WIDTH] == 0
    return is_one and g[STRIDE_HEIGHT] * g[STRIDE_WIDTH] == 1 and pixels(g) == g[HEIGHT] * g[WIDTH]


@compiled
def set_zero(place, count):
    to = carray(floats(place), count)
    for i in range(count):
        to[i] = f32(0)


@compiled
def copy(place, source, count):
    to, values = carray(floats(place), count), carray(floats(source), count)
    for i in range(count):
        to[i] = values[i]


@compiled
def add(place, source, count):
    to, values = carray(floats(place), count), carray(floats(source), count)
    for i in range(count):
        to[i] += values[i]


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
def _unfold(large, patches, images, g):
    """Write the patches of images, ``(images, h, w, kernel, C)``, with zeros outside of the images."""
    row, size = g[WIDTH] * g[CHANNELS], patch_size(g)
    for image in range(images):
        for small_y in range(g[SMALL_HEIGHT]):
            place = patches + 4 * (image * g[SMALL_HEIGHT] + small_y) * g[SMALL_WIDTH] * size
            for k in range(g[KERNEL_HEIGHT]):
                y = small_y * g[STRIDE_HEIGHT] - g[PADDING_HEIGHT] + k
                of_row = large + 4 * (image * g[HEIGHT] + y) * row
                _unfold_row(of_row, place + 4 * k * g[KERNEL_WIDTH] * g[CHANNELS], y, g)


@compiled
def _fold(patches, large, images, g):
    """Add patches where they are in the images."""
    channels, width, size = g[CHANNELS], g[WIDTH], patch_size(g)
    for image in range(images):
        for small_y in range(g[SMALL_HEIGHT]):
            for k in range(g[KERNEL_HEIGHT]):
                y = small_y * g[STRIDE_HEIGHT] - g[PADDING_HEIGHT] + k
                if y < 0 or y >= g[HEIGHT]:
                    continue
                row = large + 4 * (image * g[HEIGHT] + y) * width * channels
                place = patches + 4 * (image * g[SMALL_HEIGHT] + small_y) * g[SMALL_WIDTH] * size
                place += 4 * k * g[KERNEL_WIDTH] * channels
                for x in range(g[SMALL_WIDTH]):
                    left = x * g[STRIDE_WIDTH] - g[PADDING_WIDTH]
                    first, end = max(0, -left) * channels, min(g[KERNEL_WIDTH], width - left) * channels
                    if end > first:
                        source = place + 4 * (x * size + first)
                        add(row + 4 * (left * channels + first), source, end - first)


@compiled
def patches_of(large, memory, images, g):
    """The address of the patches of images: that of the images themselves, or of memory where they are written."""
    if _are_pixels(g):
        return large
    _unfold(large, memory, images, g)
    return memory


@compiled
def to_small(patches, weights, small, images, beta, g):
    """small = patches weights^T + beta small."""
    rows, size, units = images * pixels(g), patch_size(g), g[SMALL_CHANNELS]
    sgemm(PLAIN, TRANSPOSED, rows, units, size, f32(1), patches, size, weights, size, beta, small, units)


@compiled
def to_large(small, weights, large, memory, images, adds, g):
    """Write, or add, the images of which the patches overlap, patches = small weights."""
    rows, size, units = images * pixels(g), patch_size(g), g[SMALL_CHANNELS]
    beta = f32(1) if adds else f32(0)
    if _are_pixels(g):
        sgemm(PLAIN, PLAIN, rows, size, units, f32(1), small, units, weights, size, beta, large, size)
        return
    sgemm(PLAIN, PLAIN, rows, size, units, f32(1), small, units, weights, size, f32(0), memory, size)
    if not adds:
        set_zero(large, images * g[HEIGHT] * g[WIDTH] * g[CHANNELS])
    _fold(memory, large, images, g)


@compiled
def to_weights(small, patches, weights, images, beta, g):
    """weights = small^T patches + beta weights, the gradient."""
    rows, size, units = images * pixels(g), patch_size(g), g[SMALL_CHANNELS]
    sgemm(TRANSPOSED, PLAIN, units, size, rows, f32(1), small, units, patches, size, beta, weights, size)


@compiled
def transpose(source, place, rows, columns, adds):
    """Write, or add, a matrix ``(columns, rows)``, of one ``(rows, columns)``."""
    values, to = carray(floats(source), rows * columns), carray(floats(place), rows * columns)
    for column in range(columns):
        for row in range(rows):
            value = values[row * columns + column]
            to[column * rows + row] = value + to[column * rows + row] if adds else value


@compiled
def pack(weights, packed, g):
    """Write weights (S, C, kernel) as (S, kernel, C)."""
    size, taps = patch_size(g), g[KERNEL_HEIGHT] * g[KERNEL_WIDTH]
    for unit in range(g[SMALL_CHANNELS]):
        transpose(weights + 4 * unit * size, packed + 4 * unit * size, g[CHANNELS], taps, False)
