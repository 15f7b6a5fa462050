"""The bodies of programs: each thread takes its rows through the instructions."""

from __future__ import annotations

from typing import Any

from ..layout import (
    ADD_UP,
    APPLY,
    AT_BACKWARD,
    AT_FORWARD,
    AT_INSTRUCTIONS,
    DIFFERENTIATE,
    ENTRIES,
    GROUP_COUNT,
    GROUP_LARGEST,
    GROUP_MOST,
    GROUP_PIECES,
    GROUP_ROWS,
    HEADER,
    INPUTS_OF,
    INSTRUCTION,
    INSTRUCTIONS,
    IS_BY_PIECE,
    MEMORY,
    OPERANDS,
    OWN,
    PLACE,
    PREPARE,
    PREPARED,
    ROOM,
    VALUES,
    WEIGHT,
    WIDEST_PRODUCT,
    WIDEST_ROUNDED,
    WIDTH,
    WIDTH_OF_RESULTS,
)
from ..operator import SHARED, SIZES
from ..shared import LISTENER
from .gradients import announce, clear_constants, look_up, place_own_gradients, start_gradients
from .memory import allocate, release, whole_lines
from .native import (
    argument_words,
    barrier,
    bytes_of,
    call,
    compile_body,
    compiled,
    ints,
    stack_words,
    thread,
    threads,
    word_of,
    words,
)
from .rows import piece_of, share_pieces, start_of
from .signals import SIGNAL_SET, put_off_signals, take_signals
from .tensors import IS_OWN, OF_PASS, OF_THREAD, PRODUCT, ROUNDED, VIEW, is_own, result, value_words


@compiled
def _take_through(plan, group, view, first, end, own, like):
    """Take rows through the instructions of a group; results that MXNet keeps no memory for are in a thread's own."""
    data, place = words(word_of(view, 1)), own
    for entry in range(word_of(group, GROUP_COUNT)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * word_of(group, ENTRIES + 2 * entry))
        value = result(instruction)
        if is_own(view, value):
            of_value = value_words(view, value)
            data[value] = place - bytes_of(like) * first * of_value[WIDTH]
            place += whole_lines(bytes_of(like) * word_of(plan, ROOM) * of_value[WIDTH])
        call(word_of(instruction, APPLY), (instruction, view, first, end), like)


@compiled
def _stop(group, first, end):
    """The end of the rows that are taken through a group together."""
    if word_of(group, IS_BY_PIECE) != 0:
        rows, pieces = word_of(group, GROUP_ROWS), word_of(group, GROUP_PIECES)
        end = start_of(rows, pieces, piece_of(rows, pieces, first) + 1)
    return end if end - first <= word_of(group, GROUP_MOST) else first + word_of(group, GROUP_LARGEST)


@compiled
def _prepare(plan, view, which, like):
    """Prepare parameters, and wait until all threads have, where they share what that is."""
    are_shared = False
    for number in range(word_of(plan, INSTRUCTIONS)):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        function = word_of(instruction, PREPARE)
        if function != 0:
            call(function, (instruction, view, which, thread(), threads()), like)
            are_shared = are_shared or word_of(instruction, which) >= 0
    if are_shared:
        barrier()


def _forward(arguments):
    signals = stack_words(SIGNAL_SET)
    put_off_signals(signals)
    argument = argument_words(arguments)
    plan, pointers, requests = argument[0] + 8 * SIZES, argument[1], argument[2]
    values, inputs = word_of(plan, VALUES), word_of(plan, INPUTS_OF)
    request = ints(requests)
    rows, size = word_of(plan, ROOM), bytes_of(arguments)
    of_results = whole_lines(16 * values)
    of_images = of_results + whole_lines(size * rows * word_of(plan, WIDTH_OF_RESULTS))
    room = of_images + whole_lines(size * word_of(plan, MEMORY))
    of_product = room + whole_lines(2 * rows * word_of(plan, WIDEST_ROUNDED))
    memory = allocate(of_product + 4 * rows * word_of(plan, WIDEST_PRODUCT))
    data, of_own = words(memory), words(memory + 8 * values)
    view = stack_words(VIEW)
    word = words(view)
    word[0], word[1], word[OF_THREAD], word[OF_PASS] = plan + 8 * HEADER, memory, memory + of_images, argument[3]
    word[ROUNDED], word[PRODUCT], word[IS_OWN] = memory + room, memory + of_product, memory + 8 * values
    for value in range(values):
        of_value = value_words(view, value)
        of_own[value] = 0
        if value < inputs or request[of_value[PLACE] - inputs] != 0:
            data[value] = word_of(pointers, of_value[PLACE])
        elif of_value[OWN] >= 0:
            data[value] = argument[3] + bytes_of(arguments) * of_value[OWN]
        else:
            of_own[value] = 1
    _prepare(plan, view, PREPARED, arguments)
    group = plan + 8 * (word_of(plan, AT_FORWARD) + 1)
    for number in range(word_of(plan + 8 * word_of(plan, AT_FORWARD), 0)):
        if number > 0:
            barrier()
        first, end = share_pieces(word_of(group, GROUP_ROWS), word_of(group, GROUP_PIECES), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            _take_through(plan, group, view, first, stop, memory + of_results, arguments)
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
    of_words = whole_lines(16 * values + 8 * OPERANDS * count)
    memory = allocate(of_words + bytes_of(arguments) * word_of(plan, MEMORY))
    modes = memory + 16 * values
    view = stack_words(VIEW)
    word = words(view)
    word[OF_THREAD], word[OF_PASS] = memory + of_words, scratch
    word[0], word[1], word[2], word[3] = plan + 8 * HEADER, memory, memory + 8 * values, modes
    look_up(plan, pointers, requests, scratch, view, arguments)
    _prepare(plan, view, WEIGHT, arguments)
    if thread() == 0:
        clear_constants(plan, requests, view, arguments)
    start_gradients(plan, pointers, view, arguments)
    at = plan + 8 * word_of(plan, AT_INSTRUCTIONS)
    groups, group = word_of(plan + 8 * word_of(plan, AT_BACKWARD), 0), plan + 8 * (word_of(plan, AT_BACKWARD) + 1)
    for number in range(groups):
        if number > 0:
            barrier()
        first, end = share_pieces(word_of(group, GROUP_ROWS), word_of(group, GROUP_PIECES), thread(), threads())
        while first < end:
            stop = _stop(group, first, end)
            place_own_gradients(plan, view, first, arguments)
            for entry in range(word_of(group, GROUP_COUNT)):
                which, part = word_of(group, ENTRIES + 2 * entry), word_of(group, ENTRIES + 2 * entry + 1)
                instruction = at + 8 * INSTRUCTION * which
                word[3] = modes + 8 * OPERANDS * which
                function = word_of(instruction, DIFFERENTIATE)
                if function != 0:
                    call(function, (instruction, view, first, stop, part), arguments)
            first = stop
        group += 8 * (ENTRIES + 2 * word_of(group, GROUP_COUNT))
    barrier()
    listener = word_of(word_of(argument[0], SHARED), LISTENER)
    for reverse in range(count):
        which = count - 1 - reverse
        instruction = at + 8 * INSTRUCTION * which
        word[3] = modes + 8 * OPERANDS * which
        function = word_of(instruction, ADD_UP)
        if function != 0:
            call(function, (instruction, view, thread(), threads()), arguments)
            if listener != 0:
                barrier()
                if thread() == 0:
                    announce(plan, which, requests, view, listener)
    release(memory)
    take_signals(signals)


def addresses(dtype: Any) -> tuple[int, ...]:
    """Compile the bodies, and return their addresses."""
    return compile_body(dtype, _forward), compile_body(dtype, _backward)
