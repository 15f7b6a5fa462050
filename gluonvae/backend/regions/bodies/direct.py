"""Calls of a graph that is one program, and what MXNet's autograd calls of them."""

from __future__ import annotations

from numba import carray, types

from ..direct import (
    AT_ALL,
    AT_FEW,
    AT_HIDDEN,
    AT_SHAPES,
    AT_ZEROS,
    AXES,
    BACKWARD,
    BLOCK,
    COUNT,
    CPU,
    DENSE,
    DEVICE,
    DTYPE,
    FREE,
    GRADIENT,
    HANDLES,
    INPUTS,
    KEEPER,
    KEPT,
    LIST,
    NO_BACKWARD,
    OUTPUTS,
    OWN_BLOCK,
    OWN_CALL,
    OWN_KEPT,
    PLAN,
    RECORD,
    RELEASE,
    RESULTS,
    SHAPE,
    SIZE_OF_BLOCK,
    SMALL_BLOCK,
    VARIABLE,
)
from .native import (
    allocate,
    compile_callback,
    compiled,
    context_of,
    data_of,
    detach,
    dtype_of,
    exchange,
    floats,
    forget,
    ints,
    is_recording,
    make_tensor,
    mark_variables,
    record,
    release,
    shape_of,
    stack_words,
    storage_of,
    words,
)
from .passes import run_backward, run_forward
from .tensors import word_of

FLOAT32 = 0
"""MXNet's number of the dtype."""
CLOSED = -1
"""What is where memory is kept, once the graph is gone."""


@compiled
def _fits(call, handle, shape, room):
    """Whether a tensor is on the device, in the dtype and of the shape that the call is for."""
    number = carray(ints(room), 2)
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
    size = carray(ints(word_of(room + 8, 0)), AXES)
    is_same = True
    for axis in range(axes):
        is_same &= size[axis] == word_of(shape, 1 + axis)
    return is_same


@compiled
def _all_fit(call, handles):
    room = stack_words(2)
    for i in range(word_of(call, INPUTS)):
        if not _fits(call, word_of(handles, i), word_of(call, AT_SHAPES) + 8 * SHAPE * i, room):
            return False
    return True


@compiled
def _forget_outputs(made, count):
    for i in range(count):
        forget(word_of(made, i))


@compiled
def _make_outputs(call, made):
    """Make the output tensors, and write their handles; false where there is no memory, and so no tensor."""
    sizes = stack_words(4)  # of AXES int32
    size = carray(ints(sizes), AXES)
    for i in range(word_of(call, OUTPUTS)):
        shape = word_of(call, AT_SHAPES) + 8 * SHAPE * (word_of(call, INPUTS) + i)
        axes = word_of(shape, 0)
        for axis in range(axes):
            size[axis] = word_of(shape, 1 + axis)
        if make_tensor(sizes, axes, CPU, word_of(call, DEVICE), 0, word_of(call, DTYPE), made + 8 * i) != 0:
            _forget_outputs(made, i)
            return False
    return True


@compiled
def _take_block(call, size):
    """Return memory of a call, of so many bytes, 0 where there is none."""
    block = exchange(word_of(call, KEPT), 0)
    if block > 0:
        if word_of(block, SIZE_OF_BLOCK) >= size:
            return block
        _release_block(block)
    place = allocate(size + 128)
    if place == 0:
        return 0
    block = (place + 127) // 64 * 64
    carray(words(block - 8), 1)[0] = place
    carray(words(block), HANDLES)[SIZE_OF_BLOCK] = size
    return block


@compiled
def _release_block(block):
    release(word_of(block - 8, 0))


@compiled
def _leave_block(kept, block):
    """Keep the memory for the next call of the graph, if that is still there."""
    before = exchange(kept, block)
    if before == CLOSED:
        before = exchange(kept, CLOSED)
    if before > 0:
        _release_block(before)


@compiled
def _place_of_hidden(call, block, which):
    return block + word_of(word_of(call, AT_HIDDEN), which)


@compiled
def _compute(call, block, handles, made, recorded):
    """The forward pass; false where there is no memory."""
    inputs, outputs, results = word_of(call, INPUTS), word_of(call, OUTPUTS), word_of(call, RESULTS)
    pointers = block + 8 * (HANDLES + inputs + outputs)
    place = carray(words(pointers), inputs + results)
    for i in range(inputs):
        data_of(word_of(handles, i), pointers + 8 * i)
    for i in range(outputs):
        data_of(word_of(made, i), pointers + 8 * (inputs + i))
    for i in range(results - outputs):
        place[inputs + outputs + i] = _place_of_hidden(call, block, i)
    return run_forward(word_of(call, PLAN), pointers, word_of(call, AT_ALL if recorded else AT_FEW))


@compiled
def _write_callbacks(place, backward, free, context):
    """Write MXNet's list of two callbacks, which it reads as long as it has what they are of."""
    word = carray(words(place), 7)
    word[0], word[1], word[2] = 2, place + 24, place + 40
    word[3], word[4], word[5], word[6] = backward, free, context, context


@compiled
def _record_keeper(call, block, to):
    """Record a function that ends with what autograd knows of a call, and write the handle of its result."""
    variables, gradients, room = call + 8 * VARIABLE, call + 8 * GRADIENT, stack_words(1)
    carray(words(room), 1)[0] = 0  # no gradient is asked for
    mark_variables(1, variables, room, gradients)
    carray(ints(room), 1)[0] = 1
    if make_tensor(room, 1, CPU, word_of(call, DEVICE), 0, FLOAT32, to) != 0:
        return -1
    _write_callbacks(block + 8 * KEEPER, word_of(call, NO_BACKWARD), word_of(call, RELEASE), block)
    return record(1, variables, 1, to, block + 8 * KEEPER)


@compiled
def _record(call, block, handles, made, count):
    """Tell MXNet's autograd of the call and of its first outputs.

    Its memory is that of another function, whose result is a further input: MXNet lets go of the inputs after a
    backward pass, and of the function itself with the last of its outputs, which somebody may have kept.
    """
    inputs, outputs = word_of(call, INPUTS), word_of(call, OUTPUTS)
    own = allocate(8 * (RECORD + inputs + 1))
    if own == 0:
        return -1
    of_block, of_own = carray(words(block), HANDLES), carray(words(own), RECORD + inputs + 1)
    for i in range(inputs):
        of_own[RECORD + i] = word_of(handles, i)
        detach(word_of(handles, i), block + 8 * (HANDLES + i))
    for i in range(outputs):
        detach(word_of(made, i), block + 8 * (HANDLES + inputs + i))
    of_block[OWN_KEPT], of_block[COUNT] = word_of(call, KEPT), inputs + outputs
    keeper = own + 8 * (RECORD + inputs)
    if _record_keeper(call, block, keeper) != 0:
        release(own)
        return -1
    of_own[OWN_CALL], of_own[OWN_BLOCK] = call, block
    _write_callbacks(own + 8 * LIST, word_of(call, BACKWARD), word_of(call, FREE), own)
    done = record(inputs + 1, own + 8 * RECORD, count, made, own + 8 * LIST)
    forget(of_own[RECORD + inputs])
    return done


def _run(call, handles, made, count):
    """Compute outputs, of which the first ``count`` are recorded.

    It is 1, 0 where the inputs are not what the call is for or there is no memory, below 0 where MXNet has an error.
    """
    if not _all_fit(call, handles):
        return 0
    room = stack_words(1)
    carray(words(room), 1)[0] = 0
    is_recording(room)
    recorded = word_of(room, 0) != 0
    block = _take_block(call, word_of(call, BLOCK if recorded else SMALL_BLOCK))
    if block == 0:
        return 0  # MXNet finds no memory either, and says so
    if not _make_outputs(call, made):
        _leave_block(word_of(call, KEPT), block)
        return 0
    if not _compute(call, block, handles, made, recorded):
        _forget_outputs(made, word_of(call, OUTPUTS))
        _leave_block(word_of(call, KEPT), block)
        return 0
    if recorded:
        return 1 if _record(call, block, handles, made, count) == 0 else -1
    _leave_block(word_of(call, KEPT), block)
    return 1


def _backward(gradients, count, pointers, requests, is_train, own):
    """Compute the gradients of inputs, of those of outputs."""
    call, block = word_of(own, OWN_CALL), word_of(own, OWN_BLOCK)
    inputs, outputs, results = word_of(call, INPUTS), word_of(call, OUTPUTS), word_of(call, RESULTS)
    handles, places = block + 8 * HANDLES, block + 8 * (HANDLES + inputs + outputs)
    request, place = carray(ints(requests), count), carray(words(places), 2 * results + 2 * inputs)
    for i in range(gradients, outputs):
        place[i] = word_of(call, AT_ZEROS)
    for i in range(gradients + count):
        handle = word_of(pointers, i)
        if i < gradients:
            data_of(handle, places + 8 * i)
        elif i < gradients + inputs and request[i - gradients] != 0:
            data_of(handle, places + 8 * (2 * results + inputs + i - gradients))
        forget(handle)
    for i in range(inputs):
        data_of(word_of(handles, i), places + 8 * (results + i))
    for i in range(outputs):
        data_of(word_of(handles, inputs + i), places + 8 * (results + inputs + i))
    for i in range(results - outputs):
        place[results + inputs + outputs + i] = _place_of_hidden(call, block, i)
    return 1 if run_backward(word_of(call, PLAN), places, requests) else 0


def _free(own):
    """Forget a call whose outputs are gone."""
    release(own)
    return 1


def _no_backward(gradients, count, pointers, requests, is_train, block):
    for i in range(gradients + count):
        forget(word_of(pointers, i))
    return 1


def _release(block):
    """Take back the memory of a call that can no longer be differentiated."""
    for i in range(word_of(block, COUNT)):
        forget(word_of(block, HANDLES + i))
    _leave_block(word_of(block, OWN_KEPT), block)
    return 1


def _are_opposite(first, second):
    """Whether each of the numbers of one tensor is the negative of that of another; not where there is a NaN."""
    room = stack_words(4)
    place, kind = carray(words(room), 4), carray(ints(room), 2)
    dtype_of(first, room)
    if kind[0] != FLOAT32:
        return 0
    shape_of(first, room, room + 8)
    axes, count = kind[0], 1
    size = carray(ints(place[1]), axes)
    for axis in range(axes):
        count *= size[axis]
    data_of(first, room + 16)
    data_of(second, room + 24)
    x, y, differ = carray(floats(place[2]), count), carray(floats(place[3]), count), 0
    for i in range(count):
        differ += 0 if x[i] == -y[i] else 1
    return 1 if differ == 0 else 0


def _close(kept):
    """Release the memory that is kept: there will be no further call."""
    block = exchange(kept, CLOSED)
    if block > 0:
        _release_block(block)


def addresses() -> list[int]:
    """Compile what Python calls (run, close, are opposite), and MXNet (backward, free, no backward, release)."""
    number, place = types.int32, types.int64
    return [
        compile_callback(_run, number, place, place, place, place),
        compile_callback(_close, types.void, place),
        compile_callback(_are_opposite, number, place, place),
        compile_callback(_backward, number, number, number, place, place, number, place),
        compile_callback(_free, number, place),
        compile_callback(_no_backward, number, number, number, place, place, number, place),
        compile_callback(_release, number, place),
    ]
