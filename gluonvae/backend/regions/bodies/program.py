"""The bodies of programs: each thread takes its rows through the instructions."""

from __future__ import annotations

from typing import Any

from numba import carray

from ..layout import (
    ADD,
    AT_BACKWARD,
    AT_FORWARD,
    AT_INSTRUCTIONS,
    COUNT,
    ENTRIES,
    FORWARD_WEIGHT,
    GRADIENT,
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
    NONE,
    OPERAND,
    OPERANDS,
    OWN,
    OWN_GRADIENT,
    PLACE,
    ROOM,
    ROWS,
    STARTS,
    VALUE,
    VALUES,
    WEIGHT,
    WIDTH,
    WRITE,
)
from ..operator import SIZES, SMALLEST
from . import images, instructions
from .native import (
    SIGNAL_SET,
    allocate,
    argument_words,
    barrier,
    bytes_of,
    compile_bodies,
    compiled,
    ints,
    numbers,
    put_off_signals,
    release,
    stack_words,
    take_signals,
    thread,
    threads,
    words,
    zero_and_one,
)
from .rows import share
from .tensors import OF_PASS, OF_THREAD, PRODUCT, ROUNDED, VIEW, result, value_words

MXNETS_ADD = 3
"""MXNet's request that a gradient be added to what is there."""


@compiled
def _word(place, which):
    return carray(words(place), which + 1)[which]


@compiled
def _room(plan, rows, like):
    """Bytes for a thread's own rows of all results."""
    total = 0
    for value in range(_word(plan, INPUTS_OF), _word(plan, VALUES)):
        total += rows * _word(plan + 8 * (HEADER + VALUE * value), WIDTH)
    return total * bytes_of(like)


@compiled
def _widest(plan):
    """The most numbers in a row of what dense layers give, and of what is rounded for a product in bfloat16."""
    widest, narrow = 0, 0
    for number in range(_word(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        if _word(instruction, KIND) == instructions.DENSE:
            units = _word(plan + 8 * (HEADER + VALUE * result(instruction)), WIDTH)
            widest = units if units > widest else widest
        if instructions.is_in_bfloat16(instruction):
            width = _word(plan + 8 * (HEADER + VALUE * _word(instruction, OPERAND)), WIDTH)
            narrow = width if width > narrow else narrow
    return widest, narrow


@compiled
def _narrow_weights(plan, view, which, like):
    """Round the weights of products in bfloat16, and wait until all threads have."""
    some = False
    for number in range(_word(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        if instructions.is_in_bfloat16(instruction):
            some = True
            instructions.narrow_weight(instruction, view, which, thread(), threads(), like)
    if some:
        barrier()


@compiled
def _take_through(plan, group, view, first, end, is_own, own, like):
    """Take rows through the instructions of a group; results that MXNet keeps no memory for are in a thread's own."""
    data, place = carray(words(_word(view, 1)), _word(plan, VALUES)), own
    for entry in range(_word(group, GROUP_COUNT)):
        instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * _word(group, ENTRIES + 2 * entry))
        value = result(instruction)
        if carray(words(is_own), value + 1)[value] != 0:
            of_value = value_words(view, value)
            data[value] = place - bytes_of(like) * first * of_value[WIDTH]
            place += bytes_of(like) * _word(plan, ROOM) * of_value[WIDTH]
        instructions.forward(_word(instruction, KIND), instruction, view, first, end, like)


@compiled
def _stop(group, first, end):
    """The end of the rows that are taken through a group together."""
    largest = _word(group, GROUP_LARGEST)
    return end if end - first < largest + min(largest, _word(group, GROUP_PIECE)) else first + largest


@compiled
def _prepare(plan, view, like):
    """Prepare the weights of convolutions."""
    for number in range(_word(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        instructions.prepare(_word(instruction, KIND), instruction, view, like)


def _forward(arguments):
    signals = stack_words(SIGNAL_SET)
    put_off_signals(signals)
    argument = argument_words(arguments)
    plan, pointers, requests = argument[0] + 8 * SIZES, argument[1], argument[2]
    values, inputs = _word(plan, VALUES), _word(plan, INPUTS_OF)
    request = carray(ints(requests), values)
    of_rows = _room(plan, _word(plan, ROOM), arguments)
    of_images = 16 * values + of_rows
    room = of_images + bytes_of(arguments) * _word(plan, MEMORY)
    widest, narrow = _widest(plan)
    of_product = room + 2 * _word(plan, ROOM) * narrow
    memory = allocate(of_product + 4 * _word(plan, ROOM) * widest)
    data, is_own = carray(words(memory), values), carray(words(memory + 8 * values), values)
    view = stack_words(8)
    word = carray(words(view), VIEW)
    word[0], word[1], word[OF_THREAD], word[OF_PASS] = plan + 8 * HEADER, memory, memory + of_images, argument[3]
    word[ROUNDED], word[PRODUCT] = memory + room, memory + of_product
    for value in range(values):
        of_value = value_words(view, value)
        is_own[value] = 0
        if value < inputs or request[of_value[PLACE] - inputs] != 0:
            data[value] = _word(pointers, of_value[PLACE])
        elif of_value[OWN] >= 0:
            data[value] = argument[3] + bytes_of(arguments) * of_value[OWN]
        else:
            is_own[value] = 1
    _narrow_weights(plan, view, FORWARD_WEIGHT, arguments)
    _prepare(plan, view, arguments)
    group = plan + 8 * (_word(plan, AT_FORWARD) + 1)
    for number in range(_word(plan + 8 * _word(plan, AT_FORWARD), 0)):
        if number > 0:
            barrier()
        first, end = share(_word(group, GROUP_ROWS), _word(group, GROUP_PIECE), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            _take_through(plan, group, view, first, stop, memory + 8 * values, memory + 16 * values, arguments)
            first = stop
        group += 8 * (ENTRIES + 2 * _word(group, GROUP_COUNT))
    release(memory)
    take_signals(signals)


@compiled
def _look_up(plan, pointers, requests, scratch, view, like):
    """Find the gradients of all values, and what becomes of those of operands."""
    values, inputs, count = _word(plan, VALUES), _word(plan, INPUTS_OF), _word(plan, INSTRUCTIONS)
    data, gradients = carray(words(_word(view, 1)), values), carray(words(_word(view, 2)), values)
    request = carray(ints(requests), inputs)
    for value in range(values):
        of_value = value_words(view, value)
        data[value] = _word(pointers, count + of_value[PLACE])
        if value < inputs:
            gradients[value] = _word(pointers, 2 * count + inputs + value)
        elif of_value[GRADIENT] >= 0:
            gradients[value] = scratch + bytes_of(like) * of_value[GRADIENT]
        else:
            gradients[value] = _word(pointers, of_value[PLACE] - inputs)
    modes = carray(words(_word(view, 3)), OPERANDS * count)
    for number in range(count):
        instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        for which in range(OPERANDS):
            wanted, value = _word(instruction, OPERAND + OPERANDS + which), _word(instruction, OPERAND + which)
            if wanted != NONE and value < inputs:
                if request[value] == 0:
                    wanted = NONE
                elif wanted == WRITE and request[value] == MXNETS_ADD:
                    wanted = ADD
            modes[OPERANDS * number + which] = wanted


@compiled
def _place_own_gradients(plan, view, first, like):
    """Find the gradients of rows from ``first`` on that are in the memory of the thread."""
    gradients = carray(words(_word(view, 2)), _word(plan, VALUES))
    for value in range(_word(plan, INPUTS_OF), _word(plan, VALUES)):
        of_value = value_words(view, value)
        if of_value[OWN_GRADIENT] >= 0:
            place = of_value[OWN_GRADIENT] - first * of_value[WIDTH]
            gradients[value] = _word(view, 4) + bytes_of(like) * place


@compiled
def _clear_constants(plan, requests, view, like):
    """Write 0 to the gradients of inputs that no instruction computes one of."""
    count, inputs = _word(plan, INSTRUCTIONS), _word(plan, INPUTS_OF)
    request = carray(ints(requests), inputs)
    for value in range(inputs):
        is_constant = request[value] != 0 and request[value] != MXNETS_ADD
        for number in range(count):
            instruction = plan + 8 * (_word(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
            for which in range(_word(instruction, COUNT)):
                wanted = _word(instruction, OPERAND + OPERANDS + which)
                is_constant &= not (_word(instruction, OPERAND + which) == value and wanted != NONE)
        if is_constant:
            of_value = value_words(view, value)
            to = carray(numbers(_word(_word(view, 2), value), like), of_value[ROWS] * of_value[WIDTH])
            for i in range(len(to)):
                to[i] = zero_and_one(like)[0]


@compiled
def _start_gradients(plan, pointers, view, like):
    """Begin the gradients of outputs that other instructions add to, or that are changed, with what MXNet gives."""
    inputs, started = _word(plan, INPUTS_OF), False
    for value in range(inputs, _word(plan, VALUES)):
        of_value = value_words(view, value)
        if of_value[STARTS] != 0:
            started = True
            count = of_value[ROWS] * of_value[WIDTH]
            first, end = share(count, 64, thread(), threads())
            given = _word(pointers, of_value[PLACE] - inputs) + bytes_of(like) * first
            to = _word(_word(view, 2), value) + bytes_of(like) * first
            g, d = carray(numbers(given, like), end - first), carray(numbers(to, like), end - first)
            for i in range(end - first):
                d[i] = g[i]
    if started:
        barrier()


def _backward(arguments):
    signals = stack_words(SIGNAL_SET)
    put_off_signals(signals)
    argument = argument_words(arguments)
    plan, pointers, requests, scratch = argument[0] + 8 * SIZES, argument[1], argument[2], argument[3]
    values, count = _word(plan, VALUES), _word(plan, INSTRUCTIONS)
    of_words = 16 * values + 8 * OPERANDS * count
    memory = allocate(of_words + bytes_of(arguments) * _word(plan, MEMORY))
    modes = memory + 16 * values
    view = stack_words(8)
    word = carray(words(view), VIEW)
    word[OF_THREAD], word[OF_PASS] = memory + of_words, scratch
    word[0], word[1], word[2], word[3] = plan + 8 * HEADER, memory, memory + 8 * values, modes
    _look_up(plan, pointers, requests, scratch, view, arguments)
    _narrow_weights(plan, view, WEIGHT, arguments)
    if thread() == 0:
        _clear_constants(plan, requests, view, arguments)
    _start_gradients(plan, pointers, view, arguments)
    _prepare(plan, view, arguments)
    at = plan + 8 * _word(plan, AT_INSTRUCTIONS)
    groups, group = _word(plan + 8 * _word(plan, AT_BACKWARD), 0), plan + 8 * (_word(plan, AT_BACKWARD) + 1)
    for number in range(groups):
        if number > 0:
            barrier()
        first, end = share(_word(group, GROUP_ROWS), _word(group, GROUP_PIECE), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            _place_own_gradients(plan, view, first, arguments)
            for entry in range(_word(group, GROUP_COUNT)):
                which, part = _word(group, ENTRIES + 2 * entry), _word(group, ENTRIES + 2 * entry + 1)
                instruction = at + 8 * INSTRUCTION * which
                word[3] = modes + 8 * OPERANDS * which
                instructions.backward(_word(instruction, KIND), instruction, view, first, stop, part, arguments)
            first = stop
        group += 8 * (ENTRIES + 2 * _word(group, GROUP_COUNT))
    barrier()
    for reverse in range(count):
        which = count - 1 - reverse
        instruction = at + 8 * INSTRUCTION * which
        word[3] = modes + 8 * OPERANDS * which
        if _word(instruction, KIND) == instructions.DENSE:
            first, end = share(value_words(view, result(instruction))[WIDTH], SMALLEST, thread(), threads())
            if end > first:
                instructions.dense_parameters(instruction, view, first, end, arguments)
        elif instructions.is_convolution(_word(instruction, KIND)):
            is_transposed = _word(instruction, KIND) == instructions.TRANSPOSED_CONVOLUTION
            images.convolution_parameters(instruction, view, is_transposed, thread(), threads(), arguments)
    release(memory)
    take_signals(signals)


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_bodies(dtype, _forward, _backward)
