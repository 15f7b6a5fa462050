"""Calls of a graph that is one program, and what MXNet's autograd calls of them."""

from __future__ import annotations

from numba import types

from ..direct import (
    AT_ALL,
    AT_FEW,
    AT_HIDDEN,
    AT_ONES,
    AT_ZEROS,
    BACKWARD,
    BLOCK,
    COUNT,
    CPU,
    DEVICE,
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
    SMALL_BLOCK,
    VARIABLE,
)
from .blocks import CLOSED, leave_block, take_block
from .handles import (
    FLOAT32,
    copy_handle,
    data_of,
    detach,
    forget,
    is_recording,
    make_tensor,
    mark_variables,
    record,
    set_fresh,
    set_recording,
    write_callbacks,
)
from .inputs import all_fit, forget_outputs, make_outputs
from .memory import allocate, release
from .native import compile_callback, compiled, exchange, ints, stack_words, word_of, words
from .passes import run_backward, run_forward
from .variables import ASK_NOTHING, are_known, learn


@compiled
def _place_of_hidden(call, block, which):
    return block + word_of(word_of(call, AT_HIDDEN), which)


@compiled
def _compute(call, block, handles, made, recorded):
    """The forward pass; false where there is no memory."""
    inputs, outputs, results = word_of(call, INPUTS), word_of(call, OUTPUTS), word_of(call, RESULTS)
    pointers = block + 8 * (HANDLES + inputs + outputs)
    place = words(pointers)
    for i in range(inputs):
        data_of(word_of(handles, i), pointers + 8 * i)
    for i in range(outputs):
        data_of(word_of(made, i), pointers + 8 * (inputs + i))
    for i in range(results - outputs):
        place[inputs + outputs + i] = _place_of_hidden(call, block, i)
    return run_forward(word_of(call, PLAN), pointers, word_of(call, AT_ALL if recorded else AT_FEW))


@compiled
def _record_keeper(call, block, to):
    """Record a function that ends with what autograd knows of a call, and write the handle of its result."""
    variables, gradients, room = call + 8 * VARIABLE, call + 8 * GRADIENT, stack_words(1)
    words(room)[0] = 0  # no gradient is asked for
    mark_variables(1, variables, room, gradients)
    ints(room)[0] = 1
    if make_tensor(room, 1, CPU, word_of(call, DEVICE), 0, FLOAT32, to) != 0:
        return -1
    write_callbacks(block + 8 * KEEPER, word_of(call, NO_BACKWARD), word_of(call, RELEASE), block)
    return record(1, variables, 1, to, block + 8 * KEEPER)


@compiled
def _gradients(call, block):
    """Where the addresses of the gradients of inputs are."""
    inputs, outputs, results = word_of(call, INPUTS), word_of(call, OUTPUTS), word_of(call, RESULTS)
    return block + 8 * (HANDLES + inputs + outputs + 2 * results + inputs)


@compiled
def _requests(call, block):
    """Where the requests are, of a call that waits."""
    return _gradients(call, block) + 8 * word_of(call, INPUTS)


@compiled
def _room(call, block):
    """Room for handles of inputs."""
    return _requests(call, block) + 8 * word_of(call, INPUTS)


@compiled
def _hold(call, block, handles, made):
    """Write handles of a call's own for inputs, which are the same to autograd, and for outputs, which it does not
    know: it would never let go of them."""
    inputs, outputs = word_of(call, INPUTS), word_of(call, OUTPUTS)
    for i in range(inputs):
        copy_handle(word_of(handles, i), block + 8 * (HANDLES + i))
    for i in range(outputs):
        detach(word_of(made, i), block + 8 * (HANDLES + inputs + i))
    of_block = words(block)
    of_block[OWN_KEPT], of_block[COUNT] = word_of(call, KEPT), inputs + outputs


@compiled
def _record(call, block, made, count):
    """Have MXNet's autograd record the call and its first outputs.

    Its memory is that of another function, whose result is a further input: MXNet lets go of the inputs after a
    backward pass, and of the function itself with the last of its outputs, which somebody may have kept. The handles
    are the call's own: MXNet writes to those of inputs that are no variables, and forgets that in one backward pass,
    also where another call has recorded them.
    """
    inputs = word_of(call, INPUTS)
    own = allocate(8 * (RECORD + inputs + 1))
    if own == 0:
        _release(block)
        return -1
    of_own = words(own)
    for i in range(inputs):
        of_own[RECORD + i] = word_of(block, HANDLES + i)
    if _record_keeper(call, block, own + 8 * (RECORD + inputs)) != 0:
        release(own)
        _release(block)
        return -1
    keeper = of_own[RECORD + inputs]
    of_own[OWN_CALL], of_own[OWN_BLOCK] = call, block
    write_callbacks(own + 8 * LIST, word_of(call, BACKWARD), word_of(call, FREE), own)
    done = record(inputs + 1, own + 8 * RECORD, count, made, own + 8 * LIST)
    forget(keeper)
    return done


@compiled
def _forward(call, block, handles, made, recorded):
    """Make the outputs and compute them; false where there is no memory."""
    if not make_outputs(call, made):
        return False
    if _compute(call, block, handles, made, recorded):
        return True
    forget_outputs(made, word_of(call, OUTPUTS))
    return False


def _run(call, handles, made, count, can_wait):
    """Compute outputs, of which the first ``count`` are recorded.

    It is 1, 0 where the inputs are not what the call is for or there is no memory, below 0 where MXNet has an error.
    After the outputs the address of the call's memory is written where the pass waits, see ``heads``.
    """
    if not all_fit(call, handles):
        return 0
    room = stack_words(1)
    words(room)[0] = 0
    is_recording(room)
    recorded = word_of(room, 0) != 0
    block = take_block(call, word_of(call, BLOCK if recorded else SMALL_BLOCK))
    if block == 0:
        return 0  # MXNet finds no memory either, and says so
    if not _forward(call, block, handles, made, recorded):
        leave_block(word_of(call, KEPT), block)
        return 0
    if not recorded:
        leave_block(word_of(call, KEPT), block)
        return 1
    _hold(call, block, handles, made)
    if can_wait and are_known(call, handles, _gradients(call, block), _requests(call, block), _room(call, block)):
        words(made)[word_of(call, OUTPUTS)] = block
        return 1
    return 1 if _record(call, block, made, count) == 0 else -1


def _record_later(call, block, made, count):
    """Have MXNet's autograd record a call that waits, and its outputs; below 0 where MXNet has an error."""
    room = stack_words(1)
    set_recording(1, room)
    done = _record(call, block, made, count)
    set_recording(ints(room)[0], room)
    return done


@compiled
def _differentiate(call, block, requests):
    """Compute the gradients of inputs, where the addresses of these and of the gradients of outputs are written."""
    inputs, outputs, results = word_of(call, INPUTS), word_of(call, OUTPUTS), word_of(call, RESULTS)
    handles, places = block + 8 * HANDLES, block + 8 * (HANDLES + inputs + outputs)
    place = words(places)
    for i in range(inputs):
        data_of(word_of(handles, i), places + 8 * (results + i))
    for i in range(outputs):
        data_of(word_of(handles, inputs + i), places + 8 * (results + inputs + i))
    for i in range(results - outputs):
        place[results + inputs + outputs + i] = _place_of_hidden(call, block, i)
    return run_backward(word_of(call, PLAN), places, requests)


def _differentiate_waiting(call, block, which):
    """Compute the gradients of the sum of an output, of which autograd was not told; 0 where there is no memory."""
    inputs, outputs = word_of(call, INPUTS), word_of(call, OUTPUTS)
    requests = _requests(call, block)
    request, place = ints(requests), words(block)
    for i in range(outputs):
        place[HANDLES + inputs + outputs + i] = word_of(call, AT_ONES if i == which else AT_ZEROS)
    if not _differentiate(call, block, requests):
        return 0
    for i in range(inputs):
        if request[i] != ASK_NOTHING:
            set_fresh(place[HANDLES + i], 1)
    _release(block)
    return 1


def _backward(gradients, count, pointers, requests, is_train, own):
    """Compute the gradients of inputs, of those of outputs."""
    call, block = word_of(own, OWN_CALL), word_of(own, OWN_BLOCK)
    inputs, outputs = word_of(call, INPUTS), word_of(call, OUTPUTS)
    places, to = block + 8 * (HANDLES + inputs + outputs), _gradients(call, block)
    request, place = ints(requests), words(places)
    for i in range(gradients, outputs):
        place[i] = word_of(call, AT_ZEROS)
    for i in range(gradients + count):
        handle = word_of(pointers, i)
        if i < gradients:
            data_of(handle, places + 8 * i)
        elif i < gradients + inputs and request[i - gradients] != ASK_NOTHING:
            data_of(handle, to + 8 * (i - gradients))
        forget(handle)
    if word_of(call, AT_ONES) != 0:  # a later pass can wait
        learn(call, block + 8 * HANDLES, to, requests)
    return 1 if _differentiate(call, block, requests) else 0


def _free(own):
    """Forget a call whose outputs are gone."""
    release(own)
    return 1


def _no_backward(gradients, count, pointers, requests, is_train, block):
    for i in range(gradients + count):
        forget(word_of(pointers, i))
    return 1


@compiled
def _release(block):
    """Take back the memory of a call that can no longer be differentiated."""
    for i in range(word_of(block, COUNT)):
        forget(word_of(block, HANDLES + i))
    leave_block(word_of(block, OWN_KEPT), block)
    return 1


def _release_called(block):
    """:func:`_release` as a C function."""
    return _release(block)


def _close(kept):
    """Release the memory that is kept: there will be no further call."""
    block = exchange(kept, CLOSED)
    if block > 0:
        release(block)
    return 1


def addresses() -> list[int]:
    """Compile what Python calls (run, close, record later, differentiate), MXNet (backward, free, no
    backward), and both (release)."""
    number, place = types.int32, types.int64
    return [
        compile_callback(_run, number, place, place, place, place, place),
        compile_callback(_close, number, place),
        compile_callback(_record_later, number, place, place, place, place),
        compile_callback(_differentiate_waiting, number, place, place, place),
        compile_callback(_backward, number, number, number, place, place, number, place),
        compile_callback(_free, number, place),
        compile_callback(_no_backward, number, number, number, place, place, number, place),
        compile_callback(_release_called, number, place),
    ]
