"""The inputs and outputs of a call: whether the first fit it, and how the others are made."""

from __future__ import annotations

from numba import types

from ..alike import KIND
from ..direct import AT_SHAPES, AXES, CPU, DENSE, DEVICE, DTYPE, INPUTS, OUTPUTS, SHAPE
from .handles import context_of, data_of, dtype_of, forget, make_tensor, shape_of, storage_of
from .native import compile_callback, compiled, ints, stack_words, word_of, words


@compiled
def _fits(call, handle, shape, room):
    """Whether a tensor is on the device, in the dtype and of the shape that the call is for."""
    number = ints(room)
    dtype_of(handle, room)
    storage_of(handle, room + 4)
    if number[0] != word_of(call, DTYPE) or number[1] != DENSE:
        return False
    context_of(handle, room, room + 4)
    if number[0] != CPU or number[1] != word_of(call, DEVICE):
        return False
    shape_of(handle, room, room + 8)
    axes = word_of(shape, 0)
    if number[0] != axes:
        return False
    size = ints(word_of(room + 8, 0))
    is_same = True
    for axis in range(axes):
        is_same &= size[axis] == word_of(shape, 1 + axis)
    return is_same


@compiled
def all_fit(call, handles):
    """Whether the inputs are what the call is for."""
    room = stack_words(2)
    for i in range(word_of(call, INPUTS)):
        if not _fits(call, word_of(handles, i), word_of(call, AT_SHAPES) + 8 * SHAPE * i, room):
            return False
    return True


@compiled
def forget_outputs(made, count):
    """Free the handles of the first outputs."""
    for i in range(count):
        forget(word_of(made, i))


@compiled
def make_outputs(call, made):
    """Make the output tensors, and write their handles; false where there is no memory, and so no tensor."""
    sizes = stack_words(4)  # of AXES int32
    size = ints(sizes)
    for i in range(word_of(call, OUTPUTS)):
        shape = word_of(call, AT_SHAPES) + 8 * SHAPE * (word_of(call, INPUTS) + i)
        axes = word_of(shape, 0)
        for axis in range(axes):
            size[axis] = word_of(shape, 1 + axis)
        if make_tensor(sizes, axes, CPU, word_of(call, DEVICE), 0, word_of(call, DTYPE), made + 8 * i) != 0:
            forget_outputs(made, i)
            return False
    return True


def _describe(handle, to):
    """Write what a tensor is like, and its address, see :mod:`gluonvae.backend.regions.alike`."""
    room, word = stack_words(2), words(to)
    number = ints(room)
    dtype_of(handle, room)
    storage_of(handle, room + 4)
    word[0], word[1] = number[0], number[1]
    context_of(handle, room, room + 4)
    word[2], word[3] = number[0], number[1]
    shape_of(handle, room, room + 8)
    word[4] = number[0]
    size = ints(word_of(room + 8, 0))
    for axis in range(min(word[4], AXES)):
        word[5 + axis] = size[axis]
    data_of(handle, to + 8 * KIND)
    return 1


def address_of_describe() -> int:
    """Compile what Python calls, and return its address."""
    return compile_callback(_describe, types.int64, types.int64, types.int64)
