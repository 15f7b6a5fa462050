"""What a backward pass of a program begins with: where its gradients are, and which begin with what."""

from __future__ import annotations

from numba import carray

from ..layout import (
    ADD,
    AT_INSTRUCTIONS,
    COUNT,
    GRADIENT,
    INPUTS_OF,
    INSTRUCTION,
    INSTRUCTIONS,
    NONE,
    OPERAND,
    OPERANDS,
    OWN_GRADIENT,
    PLACE,
    ROWS,
    STARTS,
    VALUES,
    WIDTH,
    WRITE,
)
from .native import barrier, bytes_of, compiled, ints, numbers, thread, threads, word_of, words, write, zero_and_one
from .rows import share
from .tensors import is_wanted, operand, value_words

MXNETS_ADD = 3
"""MXNet's request that a gradient be added to what is there."""


@compiled
def look_up(plan, pointers, requests, scratch, view, like):
    """Find the gradients of all values, and what becomes of those of operands."""
    values, inputs, count = word_of(plan, VALUES), word_of(plan, INPUTS_OF), word_of(plan, INSTRUCTIONS)
    data, gradients = words(word_of(view, 1)), words(word_of(view, 2))
    request = ints(requests)
    for value in range(values):
        of_value = value_words(view, value)
        data[value] = word_of(pointers, count + of_value[PLACE])
        if value < inputs:
            gradients[value] = word_of(pointers, 2 * count + inputs + value)
        elif of_value[GRADIENT] >= 0:
            gradients[value] = scratch + bytes_of(like) * of_value[GRADIENT]
        else:
            gradients[value] = word_of(pointers, of_value[PLACE] - inputs)
    modes = words(word_of(view, 3))
    for number in range(count):
        instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
        for which in range(OPERANDS):
            wanted, value = word_of(instruction, OPERAND + OPERANDS + which), word_of(instruction, OPERAND + which)
            if wanted != NONE and value < inputs:
                if request[value] == 0:
                    wanted = NONE
                elif wanted == WRITE and request[value] == MXNETS_ADD:
                    wanted = ADD
            modes[OPERANDS * number + which] = wanted


@compiled
def place_own_gradients(plan, view, first, like):
    """Find the gradients of rows from ``first`` on that are in the memory of the thread."""
    gradients = words(word_of(view, 2))
    for value in range(word_of(plan, INPUTS_OF), word_of(plan, VALUES)):
        of_value = value_words(view, value)
        if of_value[OWN_GRADIENT] >= 0:
            place = of_value[OWN_GRADIENT] - first * of_value[WIDTH]
            gradients[value] = word_of(view, 4) + bytes_of(like) * place


@compiled
def clear_constants(plan, requests, view, like):
    """Write 0 to the gradients of inputs that no instruction computes one of."""
    count, inputs = word_of(plan, INSTRUCTIONS), word_of(plan, INPUTS_OF)
    request = ints(requests)
    for value in range(inputs):
        is_constant = request[value] != 0 and request[value] != MXNETS_ADD
        for number in range(count):
            instruction = plan + 8 * (word_of(plan, AT_INSTRUCTIONS) + INSTRUCTION * number)
            for which in range(word_of(instruction, COUNT)):
                wanted = word_of(instruction, OPERAND + OPERANDS + which)
                is_constant &= not (word_of(instruction, OPERAND + which) == value and wanted != NONE)
        if is_constant:
            of_value = value_words(view, value)
            to = carray(numbers(word_of(word_of(view, 2), value), like), of_value[ROWS] * of_value[WIDTH])
            for i in range(len(to)):
                to[i] = zero_and_one(like)[0]


@compiled
def start_gradients(plan, pointers, view, like):
    """Begin the gradients of outputs that other instructions add to, or that are changed, with what MXNet gives."""
    inputs, started = word_of(plan, INPUTS_OF), False
    for value in range(inputs, word_of(plan, VALUES)):
        of_value = value_words(view, value)
        if of_value[STARTS] != 0:
            started = True
            count = of_value[ROWS] * of_value[WIDTH]
            first, end = share(count, 64, thread(), threads())
            given = word_of(pointers, of_value[PLACE] - inputs) + bytes_of(like) * first
            to = word_of(word_of(view, 2), value) + bytes_of(like) * first
            g, d = carray(numbers(given, like), end - first), carray(numbers(to, like), end - first)
            for i in range(end - first):
                d[i] = g[i]
    if started:
        barrier()


@compiled
def announce(plan, number, requests, view, listener):
    """Write to a file the addresses of the gradients that are complete with an instruction's part of them."""
    inputs, at = word_of(plan, INPUTS_OF), plan + 8 * word_of(plan, AT_INSTRUCTIONS)
    instruction, request = at + 8 * INSTRUCTION * number, ints(requests)
    for which in range(word_of(instruction, COUNT)):
        value = operand(instruction, which)
        is_complete = value < inputs and is_wanted(view, which)
        # MXNet adds up a gradient that other operators have a part in, and instructions before this one are yet to add
        is_complete = is_complete and request[value] != MXNETS_ADD
        for before in range(number):
            other = at + 8 * INSTRUCTION * before
            for i in range(word_of(other, COUNT)):
                is_complete &= not (operand(other, i) == value and word_of(other, OPERAND + OPERANDS + i) != NONE)
        if is_complete:
            write(listener, word_of(view, 2) + 8 * value, 8)
