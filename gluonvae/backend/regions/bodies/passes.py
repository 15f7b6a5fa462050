"""What MXNet calls in the passes of a graph, the same for all operators."""

from __future__ import annotations

from numba import types

from ..operator import (
    BACKWARD,
    BACKWARD_TEAM,
    FORWARD,
    FORWARD_SCRATCH,
    FORWARD_TEAM,
    GRADIENTS,
    INPUTS,
    OUTPUTS,
    SCRATCH,
    SHARED,
)
from ..shared import KEPT, LAST_TEAM, MOST_THREADS
from .handles import data_of, forget
from .memory import leave_memory, take_memory
from .native import compile_callback, compiled, ints, most_threads, run_team, set_most_threads, stack_words, words

# All of this is compiled. Addresses and handles are int64, in which a pointer is passed to C as well.


@compiled
def run_body(body, team, shared, plan, pointers, requests, scratch):
    """Run a body in a team of at most so many threads."""
    arguments = stack_words(4)
    word = words(arguments)
    word[0], word[1], word[2], word[3] = plan, pointers, requests, scratch
    of_all, most = words(shared), most_threads()
    limit = of_all[MOST_THREADS]
    count = min(most, team, limit) if limit > 0 else min(most, team)
    of_all[LAST_TEAM] = count
    if count > 1:
        run_team(body, arguments, count, 0)
        return
    # one thread is no team to oneDNN, which would take all of them for a product
    set_most_threads(1)
    run_team(body, arguments, 1, 0)
    set_most_threads(most)


@compiled
def _run_pass(plan, body, team, size, pointers, requests):
    """Run a pass whose body, team and size of memory are words of a plan; false where there is no memory."""
    word = words(plan)
    kept = word[SHARED] + 8 * KEPT
    scratch = take_memory(kept, word[size])
    if scratch == 0 and word[size] > 0:
        return False
    run_body(word[body], word[team], word[SHARED], plan, pointers, requests, scratch)
    leave_memory(kept, word[size], scratch)
    return True


@compiled
def run_forward(plan, pointers, requests):
    """Run a forward pass on tensors by their addresses; false where there is no memory."""
    return _run_pass(plan, FORWARD, FORWARD_TEAM, FORWARD_SCRATCH, pointers, requests)


@compiled
def run_backward(plan, pointers, requests):
    """Run a backward pass on tensors by their addresses; false where there is no memory."""
    return _run_pass(plan, BACKWARD, BACKWARD_TEAM, SCRATCH, pointers, requests)


def _forward(count, pointers, tags, requests, is_train, plan):
    word, pointer, request = words(plan), words(pointers), ints(requests)
    inputs = word[INPUTS]
    for i in range(count):
        handle = pointer[i]
        if i < inputs or request[i - inputs] != 0:
            data_of(handle, pointers + 8 * i)  # in the place of the handle
        forget(handle)
    return 1 if run_forward(plan, pointers, requests) else 0  # of which MXNet makes an error


def _backward(count, pointers, tags, requests, is_train, plan):
    word, pointer, request = words(plan), words(pointers), ints(requests)
    outputs, first = word[OUTPUTS], 2 * word[OUTPUTS] + word[INPUTS]
    for i in range(count):
        handle = pointer[i]
        # what is not read, or not written, has no memory, and MXNet would look for it all the same
        if i < word[GRADIENTS] or outputs <= i < first or (i >= first and request[i - first] != 0):
            data_of(handle, pointers + 8 * i)
        forget(handle)
    return 1 if run_backward(plan, pointers, requests) else 0


def _storage(count, kinds, context):
    """Say that all tensors are dense."""
    kind = ints(kinds)
    for i in range(count):
        kind[i] = 0
    return 1


def _backward_storage(count, kinds, tags, context):
    kind = ints(kinds)
    for i in range(count):
        kind[i] = 0
    return 1


def _nothing(context):
    """Where MXNet frees an operator: plans and definitions are kept."""
    return 1


def addresses() -> list[int]:
    """Compile the functions, and return their addresses in the order of ``Passes``."""
    number, place = types.int32, types.int64
    of_pass = (number, place, place, place, number, place)
    return [
        compile_callback(_forward, number, *of_pass),
        compile_callback(_backward, number, *of_pass),
        compile_callback(_storage, number, number, place, place),
        compile_callback(_backward_storage, number, number, place, place, place),
        compile_callback(_nothing, number, place),
    ]
