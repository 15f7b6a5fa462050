"""Random numbers by counters: each number is a function of a key and its place, so that threads share the work."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .availability import loops_compile

WORTH_A_THREAD = 10_000
"""Numbers that a further thread is worth its waiting for."""


def can_fill(kind: str, out: np.ndarray) -> bool:
    """Return whether :func:`fill` draws this: float32 in one piece, where numba compiles."""
    plain = out.dtype == np.float32 and out.flags.c_contiguous
    return plain and kind in ("normal", "uniform") and loops_compile()


def fill(kind: str, rng: np.random.Generator, out: np.ndarray) -> None:
    """Fill an array with noise, whose key is the next number of a generator.

    Parameters
    ----------
    kind : {"normal", "uniform"}
        Standard normal, or uniform in [0, 1).
    rng : np.random.Generator
    out : np.ndarray
        Of which :func:`can_fill` is true. The numbers depend on the key alone, and not on the number of threads.
    """
    key = int(rng.integers(-(2**63), 2**63))
    of_kind, run = _compiled()
    run(of_kind[kind], max(1, out.size // WORTH_A_THREAD), key, out.__array_interface__["data"][0], out.size)


@functools.cache
def _compiled() -> tuple[dict[str, int], Callable[..., Any]]:
    from .bodies import random

    return random.bodies(), ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 5)(random.address())
