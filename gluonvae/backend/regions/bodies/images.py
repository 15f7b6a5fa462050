"""Instructions of images: layers of convolutions, and the order of channels."""

from __future__ import annotations

from ..images import (
    BAND,
    CHANNELS,
    HEIGHT,
    IMAGES,
    PACKED,
    PATCHES,
    PIECES,
    SMALL_CHANNELS,
    SMALL_HEIGHT,
    SMALL_WIDTH,
    SUMS,
    WIDTH,
)
from ..layout import ADD, COUNT, NUMBER, PREPARED, ROWS, SIZES_OF_IMAGES
from .convolution import (
    add,
    begin_large,
    pack_weights,
    patch_size,
    patches_of,
    set_zero,
    to_large,
    to_small,
    to_weights,
    transpose,
)
from .dense import add_bias_and_activate, copy, differentiate, f32, sum_rows
from .native import bytes_of, compiled, word_of, words
from .rows import piece_of, share, start_of
from .tensors import OF_PASS, OF_THREAD, address, gradient_address, is_wanted, mode, operand, result, value_words

# Biases and their gradients are those of a row of pixels, one for each of its numbers: loops over the channels of one
# pixel would be short.


@compiled
def _sizes(instruction):
    return words(instruction + 8 * SIZES_OF_IMAGES)


@compiled
def _of_thread(view, place, like):
    """An address in the memory of the thread."""
    return word_of(view, OF_THREAD) + bytes_of(like) * place


@compiled
def _weights(g):
    return g[SMALL_CHANNELS] * patch_size(g)


@compiled
def _sums(view, piece, g, rest, like):
    """The address of a piece's sums: the gradients of weights, then of the biases of a row of ``rest`` numbers."""
    return word_of(view, OF_PASS) + bytes_of(like) * (g[SUMS] + piece * (_weights(g) + rest))


@compiled
def _row(g, is_transposed):
    """The numbers of a row of pixels of the result."""
    return g[CHANNELS] * g[WIDTH] if is_transposed else g[SMALL_CHANNELS] * g[SMALL_WIDTH]


@compiled
def _rows(g, is_transposed):
    """The rows of pixels of the result."""
    return g[HEIGHT] if is_transposed else g[SMALL_HEIGHT]


@compiled
def _units(g, is_transposed):
    return g[CHANNELS] if is_transposed else g[SMALL_CHANNELS]


@compiled
def _small_row(g, row):
    """Where a row of pixels of the small side is."""
    return 4 * row * g[SMALL_WIDTH] * g[SMALL_CHANNELS]


@compiled
def _has_bias(instruction):
    return word_of(instruction, COUNT) > 2


@compiled
def _pack(instruction, view, which, is_transposed, like):
    """Write the weights as the pass uses them, transposed where it computes the small side, and the biases of a row of
    pixels."""
    g = _sizes(instruction)
    packed, units = _of_thread(view, g[PACKED], like), _units(g, is_transposed)
    makes_small = (which == PREPARED) != is_transposed
    pack_weights(address(view, operand(instruction, 1), 0, like), packed, makes_small, g)
    biases = packed + 4 * _weights(g)
    set_zero(biases, _row(g, is_transposed))
    if _has_bias(instruction):
        bias = address(view, operand(instruction, 2), 0, like)
        for pixel in range(_row(g, is_transposed) // units):
            copy(biases + 4 * pixel * units, bias, units)


def pack(instruction, view, which, part, parts, like):
    _pack(instruction, view, which, False, like)


def pack_transposed(instruction, view, which, part, parts, like):
    _pack(instruction, view, which, True, like)


@compiled
def _apply(instruction, view, first, end, is_transposed, like):
    """Compute images of the result."""
    g, kind = _sizes(instruction), word_of(instruction, NUMBER)
    packed, memory = _of_thread(view, g[PACKED], like), _of_thread(view, g[PATCHES], like)
    biases, row, rows = packed + 4 * _weights(g), _row(g, is_transposed), _rows(g, is_transposed)
    while first < end:
        images = min(g[IMAGES], end - first)
        x, y = address(view, operand(instruction, 0), first, like), address(view, result(instruction), first, like)
        if is_transposed:
            begin_large(y, images, g)
        for at in range(0, images * g[SMALL_HEIGHT], g[BAND]):
            count, place = min(g[BAND], images * g[SMALL_HEIGHT] - at), _small_row(g, at)
            if is_transposed:
                to_large(x + place, packed, y, memory, at, count, f32(0), g)
            else:
                to_small(patches_of(x, memory, at, count, g), packed, y + place, count, f32(0), g)
        add_bias_and_activate(y, biases, y, images * rows, row, kind)
        first += images


def convolution(instruction, view, first, end, like):
    _apply(instruction, view, first, end, False, like)


def transposed(instruction, view, first, end, like):
    _apply(instruction, view, first, end, True, like)


@compiled
def _differentiate(instruction, view, first, end, is_transposed, like):
    """Compute the gradients of images, and their part of those of parameters."""
    g, kind = _sizes(instruction), word_of(instruction, NUMBER)
    packed, memory = _of_thread(view, g[PACKED], like), _of_thread(view, g[PATCHES], like)
    row, rows = _row(g, is_transposed), _rows(g, is_transposed)
    batch = value_words(view, result(instruction))[ROWS]
    piece = piece_of(batch, g[PIECES], first)
    adds, begun = mode(view, 0) == ADD, first > start_of(batch, g[PIECES], piece)
    beta = f32(1) if adds else f32(0)
    sums = _sums(view, piece, g, row, like)
    of_x, of_y = operand(instruction, 0), result(instruction)
    while first < end:
        images = min(g[IMAGES], end - first)
        x, delta = address(view, of_x, first, like), gradient_address(view, of_y, first, like)
        to = gradient_address(view, of_x, first, like) if is_wanted(view, 0) else memory
        differentiate(delta, address(view, of_y, first, like), images * rows * row, kind)
        if is_wanted(view, 0) and not is_transposed and not adds:
            begin_large(to, images, g)
        for at in range(0, images * g[SMALL_HEIGHT], g[BAND]):
            count, place = min(g[BAND], images * g[SMALL_HEIGHT] - at), _small_row(g, at)
            small, large = (x + place, delta) if is_transposed else (delta + place, x)
            patches = memory
            if is_transposed or is_wanted(view, 1):
                patches = patches_of(large, memory, at, count, g)
            if is_wanted(view, 1):
                to_weights(small, patches, sums, count, f32(1) if begun or at > 0 else f32(0), g)
            if is_wanted(view, 0) and is_transposed:
                to_small(patches, packed, to + place, count, beta, g)
            elif is_wanted(view, 0):
                to_large(small, packed, to, memory, at, count, beta, g)
        if _has_bias(instruction) and is_wanted(view, 2):
            sum_rows(delta, sums + 4 * _weights(g), images * rows, row, 0, row, begun, like)
        begun = True
        first += images


def convolution_back(instruction, view, first, end, part, like):
    _differentiate(instruction, view, first, end, False, like)


def transposed_back(instruction, view, first, end, part, like):
    _differentiate(instruction, view, first, end, True, like)


@compiled
def _add_up(instruction, view, part, parts, is_transposed, like):
    """The gradients of weights, a part by each thread, and of biases: add up the sums of pieces, in their order."""
    g = _sizes(instruction)
    size, row, units = patch_size(g), _row(g, is_transposed), _units(g, is_transposed)
    sums = _sums(view, 0, g, row, like)
    if is_wanted(view, 1):
        to = gradient_address(view, operand(instruction, 1), 0, like)
        first, end = share(g[SMALL_CHANNELS], 1, part, parts)
        for unit in range(first, end):
            place = 4 * unit * size
            for piece in range(1, g[PIECES]):
                add(sums + place, _sums(view, piece, g, row, like) + place, size)
            transpose(sums + place, to + place, size // g[CHANNELS], g[CHANNELS], mode(view, 1) == ADD)
    if _has_bias(instruction) and is_wanted(view, 2) and part == 0:
        biases, to = sums + 4 * _weights(g), gradient_address(view, operand(instruction, 2), 0, like)
        for piece in range(1, g[PIECES]):
            add(biases, _sums(view, piece, g, row, like) + 4 * _weights(g), row)
        sum_rows(biases, to, row // units, units, 0, units, mode(view, 2) == ADD, like)


def convolution_parameters(instruction, view, part, parts, like):
    _add_up(instruction, view, part, parts, False, like)


def transposed_parameters(instruction, view, part, parts, like):
    _add_up(instruction, view, part, parts, True, like)


@compiled
def _reorder(source, to, first, end, rows, columns, adds):
    """Transpose each image, a matrix of so many rows."""
    for image in range(end - first):
        place = 4 * image * rows * columns
        transpose(source + place, to + place, rows, columns, adds)


def channels_last(instruction, view, first, end, like):
    """Write images (C, H, W) as (H, W, C)."""
    g, x, y = _sizes(instruction), operand(instruction, 0), result(instruction)
    of_x, of_y = address(view, x, first, like), address(view, y, first, like)
    _reorder(of_x, of_y, first, end, g[CHANNELS], g[HEIGHT] * g[WIDTH], False)


def channels_first(instruction, view, first, end, like):
    """Write images (H, W, C) as (C, H, W)."""
    g, x, y = _sizes(instruction), operand(instruction, 0), result(instruction)
    of_x, of_y = address(view, x, first, like), address(view, y, first, like)
    _reorder(of_x, of_y, first, end, g[HEIGHT] * g[WIDTH], g[CHANNELS], False)


def channels_last_back(instruction, view, first, end, part, like):
    g, x, y = _sizes(instruction), operand(instruction, 0), result(instruction)
    if is_wanted(view, 0):
        of_x, of_y = gradient_address(view, x, first, like), gradient_address(view, y, first, like)
        _reorder(of_y, of_x, first, end, g[HEIGHT] * g[WIDTH], g[CHANNELS], mode(view, 0) == ADD)


def channels_first_back(instruction, view, first, end, part, like):
    g, x, y = _sizes(instruction), operand(instruction, 0), result(instruction)
    if is_wanted(view, 0):
        of_x, of_y = gradient_address(view, x, first, like), gradient_address(view, y, first, like)
        _reorder(of_y, of_x, first, end, g[CHANNELS], g[HEIGHT] * g[WIDTH], mode(view, 0) == ADD)
