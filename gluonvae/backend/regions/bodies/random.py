"""The compiled code of :mod:`gluonvae.backend.regions.random`."""

from __future__ import annotations

import numpy as np
from numba import carray, types

from .native import (
    argument_words,
    bits,
    compile_body,
    compile_callback,
    compiled,
    floats,
    stack_words,
    thread,
    threads,
    words,
)
from .numerics import log_of_positive
from .passes import run_body
from .rows import share

f32, u64 = np.float32, np.uint64
COUNTERS = 64
"""Counters that a thread takes at a time, each of which gives four words: beside each other the first ones of all, then
the second ones, ..., so that many are computed at once. Each step has a loop of its own, which LLVM vectorises."""
WORDS = 4 * COUNTERS

_LOW, _HALF, _M0, _M1 = u64(0xFFFFFFFF), u64(32), u64(0xD2511F53), u64(0xCD9E8D57)
_W0, _W1 = u64(0x9E3779B9), u64(0xBB67AE85)
_SIGN, _TURN, _WITHIN, _MIDDLE = np.uint32(2**31), np.uint32(2**30), np.uint32(2**30 - 1), 2**29
_ANGLE = f32(np.pi / 2 / 2**30)


@compiled
def philox(counter, key):
    """Four random words of 32 bits: Philox4x32-10 of Salmon et al. 2011."""
    a, b, c, d = counter & _LOW, counter >> _HALF, u64(0), u64(0)
    first, second = key & _LOW, key >> _HALF
    for _ in range(10):
        p, q = _M0 * a, _M1 * c
        a, b, c, d = (q >> _HALF) ^ b ^ first, q & _LOW, (p >> _HALF) ^ d ^ second, p & _LOW
        first, second = (first + _W0) & _LOW, (second + _W1) & _LOW
    return a, b, c, d


@compiled
def _draw_words(word, first, key):
    for i in range(COUNTERS):
        a, b, c, d = philox(u64(first + i), key)
        word[i] = a
        word[COUNTERS + i] = b
        word[2 * COUNTERS + i] = c
        word[3 * COUNTERS + i] = d


@compiled
def _uniform_numbers(to, word):
    for i in range(WORDS):
        to[i] = f32(np.int64(word[i] >> np.uint32(8))) * f32(2**-24)


@compiled
def _normal_numbers(place, memory):
    """Two of each of :data:`COUNTERS` pairs of words: Box and Muller 1958."""
    to, word = carray(floats(place), 2 * COUNTERS), carray(bits(memory), 2 * COUNTERS)
    for i in range(COUNTERS):
        v = word[COUNTERS + i]
        # an angle within an eighth of a turn around one of four directions; polynomials of Cephes (Moshier 1992)
        x = f32(np.int64(v & _WITHIN) - _MIDDLE) * _ANGLE
        z = x * x
        sine = ((f32(-1.9515295891e-4) * z + f32(8.3321608736e-3)) * z - f32(1.6666654611e-1)) * z * x + x
        p = (f32(2.443315711809948e-5) * z - f32(1.388731625493765e-3)) * z + f32(4.166664568298827e-2)
        size = p * z * z - f32(0.5) * z + f32(1)
        cosine = size if v < _SIGN else -size
        is_turned = (v & _TURN) != 0
        to[i] = sine if is_turned else cosine
        to[COUNTERS + i] = cosine if is_turned else sine
    for i in range(COUNTERS):
        # never 0, whose logarithm is infinite
        size = np.sqrt(f32(-2) * log_of_positive(f32(np.int64(word[i]) + 1) * f32(2**-32)))
        to[i] *= size
        to[COUNTERS + i] *= size


@compiled
def _fill(arguments, is_normal):
    what, memory, rest = words(argument_words(arguments)[0]), stack_words(128), stack_words(128)
    key, start, place, count = u64(what[0]), what[1], what[2], what[3]
    word = carray(bits(memory), WORDS)
    before, stop = start // WORDS, start + count
    first, end = share((stop + WORDS - 1) // WORDS - before, 1, thread(), threads())
    for piece in range(before + first, before + end):
        _draw_words(word, COUNTERS * piece, key)
        low = start if start > WORDS * piece else WORDS * piece
        high = stop if stop < WORDS * (piece + 1) else WORDS * (piece + 1)
        of_low = place + 4 * (low - start)
        to = of_low if high - low == WORDS else rest
        if is_normal:
            _normal_numbers(to, memory)
            _normal_numbers(to + WORDS * 2, memory + WORDS * 2)
        else:
            _uniform_numbers(carray(floats(to), WORDS), word)
        if high - low < WORDS:
            some, wanted = (
                carray(floats(rest + 4 * (low - WORDS * piece)), high - low),
                carray(floats(of_low), high - low),
            )
            for i in range(high - low):
                wanted[i] = some[i]


def _normal(arguments):
    _fill(arguments, True)


def _uniform(arguments):
    _fill(arguments, False)


def _run(body, team, shared, key, start, place, count):
    what = stack_words(4)
    word = words(what)
    word[0], word[1], word[2], word[3] = key, start, place, count
    run_body(body, team, shared, what, 0, 0, 0)


def bodies() -> dict[str, int]:
    """Compile the kinds of noise, and return the addresses of their bodies."""
    return {"normal": compile_body(np.float32, _normal), "uniform": compile_body(np.float32, _uniform)}


def address() -> int:
    """Compile what Python calls with a body, the most threads, the address of what regions share, a key, the place of
    the first number in its stream, and the address of numbers and their count."""
    return compile_callback(_run, types.void, *[types.int64] * 7)
