"""The bodies of programs: each thread takes its rows through the layers."""

from __future__ import annotations

from typing import Any

from numba import carray

from ..layout import (
    AT_BACKWARD,
    AT_FORWARD,
    AT_INSTRUCTIONS,
    BODY,
    ENTRIES,
    FORWARD_WEIGHT,
    GROUP_COUNT,
    GROUP_LARGEST,
    GROUP_PIECE,
    GROUP_ROWS,
    HEADER,
    INPUTS_OF,
    INSTRUCTION,
    INSTRUCTIONS,
    KIND,
    MEMORY,
    OF_PARAMETERS,
    OPERAND,
    OPERANDS,
    OWN,
    PLACE,
    PREPARATION,
    RESULT,
    ROOM,
    VALUE,
    VALUES,
    WEIGHT,
    WIDTH,
)
from ..operator import SIZES
from . import layers
from .gradients import clear_constants, look_up, place_own_gradients, start_gradients
from .native import (
    allocate,
    argument_words,
    barrier,
    bytes_of,
    call_body,
    compile_bodies,
    compiled,
    ints,
    release,
    stack_words,
    thread,
    threads,
    words,
)
from .process import SIGNAL_SET, put_off_signals, take_signals
from .rows import share
from .tensors import OF_PASS, OF_THREAD, PRODUCT, ROUNDED, VIEW, result, value_words, word_of


@compiled
def _room(plan, rows, like):
    """Bytes for a thread's own rows of all results."""
    total = 0
    for value in range(word_of(plan, INPUTS_OF), word_of(plan, VALUES)):
        total += rows * word_of(plan + 8 * (HEADER + VALUE * value), WIDTH)
    return total * bytes_of(like)


@compiled
def _widest(plan):
    """The most numbers in a row of what dense layers give, and of what is rounded for a product in bfloat16."""
    widest, narrow = 0, 0
    for number in range(word_of(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        if word_of(instruction, KIND) == layers.DENSE:
            units = word_of(plan + 8 * (HEADER + VALUE * result(instruction)), WIDTH)
            widest = units if units > widest else widest
        if layers.is_in_bfloat16(instruction):
            width = word_of(plan + 8 * (HEADER + VALUE * word_of(instruction, OPERAND)), WIDTH)
            narrow = width if width > narrow else narrow
    return widest, narrow


@compiled
def _narrow_weights(plan, view, which, like):
    """Round the weights of products in bfloat16, and wait until all threads have."""
    some = False
    for number in range(word_of(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        if layers.is_in_bfloat16(instruction):
            some = True
            layers.narrow_weight(instruction, view, which, thread(), threads(), like)
    if some:
        barrier()


@compiled
def _take_through(plan, group, view, first, end, is_own, own, like):
    """Take rows through the instructions of a group; results that MXNet keeps no memory for are in a thread's own."""
    data, place = carray(words(word_of(view, 1)), word_of(plan, VALUES)), own
    for entry in range(word_of(group, GROUP_COUNT)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * word_of(group, ENTRIES + 2 * entry))
        value = result(instruction)
        if word_of(is_own, value) != 0:
            of_value = value_words(view, value)
            data[value] = place - bytes_of(like) * first * of_value[WIDTH]
            place += bytes_of(like) * word_of(plan, ROOM) * of_value[WIDTH]
        call_body(word_of(instruction, BODY), instruction, view, first, end, RESULT, like)


@compiled
def _stop(group, first, end):
    """The end of the rows that are taken through a group together."""
    largest = word_of(group, GROUP_LARGEST)
    return end if end - first < largest + min(largest, word_of(group, GROUP_PIECE)) else first + largest


@compiled
def _prepare(plan, view, like):
    """Prepare what instructions need of their parameters."""
    for number in range(word_of(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        call_body(word_of(instruction, BODY), instruction, view, 0, 0, PREPARATION, like)


def _forward(arguments):
    signals = stack_words(SIGNAL_SET)
    put_off_signals(signals)
    argument = argument_words(arguments)
    plan, pointers, requests = argument[0] + 8 * SIZES, argument[1], argument[2]
    values, inputs = word_of(plan, VALUES), word_of(plan, INPUTS_OF)
    request = carray(ints(requests), values)
    of_rows = _room(plan, word_of(plan, ROOM), arguments)
    of_images = 16 * values + of_rows
    room = of_images + bytes_of(arguments) * word_of(plan, MEMORY)
    widest, narrow = _widest(plan)
    of_product = room + 2 * word_of(plan, ROOM) * narrow
    memory = allocate(of_product + 4 * word_of(plan, ROOM) * widest)
    data, is_own = carray(words(memory), values), carray(words(memory + 8 * values), values)
    view = stack_words(8)
    word = carray(words(view), VIEW)
    word[0], word[1], word[OF_THREAD], word[OF_PASS] = plan + 8 * HEADER, memory, memory + of_images, argument[3]
    word[ROUNDED], word[PRODUCT] = memory + room, memory + of_product
    for value in range(values):
        of_value = value_words(view, value)
        is_own[value] = 0
        if value < inputs or request[of_value[PLACE] - inputs] != 0:
            data[value] = word_of(pointers, of_value[PLACE])
        elif of_value[OWN] >= 0:
            data[value] = argument[3] + bytes_of(arguments) * of_value[OWN]
        else:
            is_own[value] = 1
    _narrow_weights(plan, view, FORWARD_WEIGHT, arguments)
    _prepare(plan, view, arguments)
    group = plan + 8 * (word_of(plan, AT_FORWARD) + 1)
    for number in range(word_of(plan + 8 * word_of(plan, AT_FORWARD), 0)):
        if number > 0:
            barrier()
        first, end = share(word_of(group, GROUP_ROWS), word_of(group, GROUP_PIECE), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            _take_through(plan, group, view, first, stop, memory + 8 * values, memory + 16 * values, arguments)
            first = stop
        group += 8 * (ENTRIES + 2 * word_of(group, GROUP_COUNT))
    release(memory)
    take_signals(signals)


def _backward(arguments):
    signals = stack_words(SIGNAL_SET)
    put_off_signals(signals)
    argument = argument_words(arguments)
    plan, pointers, requests, scratch = argument[0] + 8 * SIZES, argument[1], argument[2], argument[3]
    values, count = word_of(plan, VALUES), word_of(plan, INSTRUCTIONS)
    of_words = 16 * values + 8 * OPERANDS * count
    memory = allocate(of_words + bytes_of(arguments) * word_of(plan, MEMORY))
    modes = memory + 16 * values
    view = stack_words(8)
    word = carray(words(view), VIEW)
    word[OF_THREAD], word[OF_PASS] = memory + of_words, scratch
    word[0], word[1], word[2], word[3] = plan + 8 * HEADER, memory, memory + 8 * values, modes
    look_up(plan, pointers, requests, scratch, view, arguments)
    _narrow_weights(plan, view, WEIGHT, arguments)
    if thread() == 0:
        clear_constants(plan, requests, view, arguments)
    start_gradients(plan, pointers, view, arguments)
    _prepare(plan, view, arguments)
    at = plan + 8 * word_of(plan, AT_INSTRUCTIONS)
    groups, group = word_of(plan + 8 * word_of(plan, AT_BACKWARD), 0), plan + 8 * (word_of(plan, AT_BACKWARD) + 1)
    for number in range(groups):
        if number > 0:
            barrier()
        first, end = share(word_of(group, GROUP_ROWS), word_of(group, GROUP_PIECE), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            place_own_gradients(plan, view, first, arguments)
            for entry in range(word_of(group, GROUP_COUNT)):
                which, part = word_of(group, ENTRIES + 2 * entry), word_of(group, ENTRIES + 2 * entry + 1)
                instruction = at + 8 * INSTRUCTION * which
                word[3] = modes + 8 * OPERANDS * which
                call_body(word_of(instruction, BODY), instruction, view, first, stop, part, arguments)
            first = stop
        group += 8 * (ENTRIES + 2 * word_of(group, GROUP_COUNT))
    barrier()
    for reverse in range(count):
        which = count - 1 - reverse
        instruction = at + 8 * INSTRUCTION * which
        word[3] = modes + 8 * OPERANDS * which
        call_body(word_of(instruction, BODY), instruction, view, thread(), threads(), OF_PARAMETERS, arguments)
    release(memory)
    take_signals(signals)


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
