"""What MXNet's autograd knows of the inputs of a call, and asks of their gradients.

Autograd names a variable var17, by a number that it gives only once: a tensor that is made a variable again gets
another. So a variable with the number of an earlier pass has the same array for its gradient, and the same is asked of
it.
"""

from __future__ import annotations

from numba import carray

from ..direct import AT_KNOWN, FREE, INPUTS, NO_BACKWARD, NUMBER, OF_EACH, PLACE, REQUEST
from .handles import (
    data_of,
    forget,
    forget_symbol,
    gradient_of_variable,
    name_of_symbol,
    record,
    symbol_of,
    write_callbacks,
)
from .native import bytes_at, compiled, exchange, ints, stack_words, word_of, words

ASK_NOTHING = 0
"""MXNet's request of a gradient that nobody wants."""
OF_VARIABLE = (118, 97, 114)  # "var"
"""How the names begin by which autograd knows variables; a number follows that it gives only once."""
ZERO, NINE = 48, 57
"""The digits 0 and 9."""
UNKNOWN, IS_KNOWN, IN_USE = range(3)
"""Whether a call knows what MXNet asks of its inputs; IN_USE while a thread reads or writes that, which the others then
do without."""


@compiled
def number_of(handle):
    """The number of a variable, plus 1, as 0 stands for what is none."""
    room = stack_words(3)
    if symbol_of(handle, room) != 0:
        return 0
    number, symbol = 0, word_of(room, 0)
    if name_of_symbol(symbol, room + 8, room + 16) == 0 and ints(room + 16)[0] != 0:
        letter = carray(bytes_at(word_of(room, 1)), 24)
        if letter[0] == OF_VARIABLE[0] and letter[1] == OF_VARIABLE[1] and letter[2] == OF_VARIABLE[2]:
            at = 3
            while ZERO <= letter[at] <= NINE:
                number = 10 * number + letter[at] - ZERO
                at += 1
            number += 1
    forget_symbol(symbol)
    return number


@compiled
def gradient_place(handle):
    """The address of the gradient of a variable, 0 for what is no variable."""
    room = stack_words(2)
    place = words(room)
    place[0], place[1] = 0, 0
    if gradient_of_variable(handle, room) != 0 or place[0] == 0:
        return 0
    if data_of(place[0], room + 8) != 0:  # of a sparse one
        place[1] = 0
    forget(place[0])
    return place[1]


@compiled
def _known_of(call, which):
    return words(word_of(call, AT_KNOWN) + 8 * (1 + OF_EACH * which))


@compiled
def _learn_of(call, which, handle, place, request):
    """Take down what is asked of one input: the number of a variable, the address of its gradient, and the request."""
    of_input = _known_of(call, which)
    of_input[NUMBER], of_input[PLACE], of_input[REQUEST] = 0, place, request
    if request == ASK_NOTHING:
        return True
    of_input[NUMBER] = number_of(handle)
    is_used_once = True
    for other in range(which):
        is_used_once &= _known_of(call, other)[NUMBER] != of_input[NUMBER]
    return is_used_once and of_input[NUMBER] != 0 and gradient_place(handle) == place


@compiled
def learn(call, handles, places, requests):
    """Take down what MXNet asks of the gradients of inputs in a backward pass.

    It is of use where all that have one are variables, to whose gradients the pass writes.
    """
    if exchange(word_of(call, AT_KNOWN), IN_USE) == IN_USE:
        return
    is_known = True
    for i in range(word_of(call, INPUTS)):
        is_known &= _learn_of(call, i, word_of(handles, i), word_of(places, i), ints(requests)[i])
    exchange(word_of(call, AT_KNOWN), IS_KNOWN if is_known else UNKNOWN)


@compiled
def are_known(call, handles, places, requests, room):
    """Whether the same would be asked now; if so, the addresses of gradients and the requests are written.

    There is room for the handles of as many tensors as there are inputs.
    """
    inputs, known = word_of(call, INPUTS), word_of(call, AT_KNOWN)
    state = exchange(known, IN_USE)
    if state != IS_KNOWN:
        if state != IN_USE:
            exchange(known, state)
        return False
    place, request = words(places), ints(requests)
    outside, count, are_same = words(room), 0, True
    for i in range(inputs):
        of_input = _known_of(call, i)
        place[i], request[i] = of_input[PLACE], of_input[REQUEST]
        if of_input[NUMBER] == 0:
            outside[count] = word_of(handles, i)
            count += 1
        elif are_same:
            are_same = number_of(word_of(handles, i)) == of_input[NUMBER]
    exchange(known, IS_KNOWN)
    return are_same and _are_outside(call, count, room)


@compiled
def _are_outside(call, count, handles):
    """Whether tensors are in no recording: MXNet refuses to record a function with results that are, and records no
    function without inputs."""
    callbacks = stack_words(7)
    write_callbacks(callbacks, word_of(call, NO_BACKWARD), word_of(call, FREE), 0)
    return count == 0 or record(0, 0, count, handles, callbacks) == 0
