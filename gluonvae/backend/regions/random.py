"""Random numbers by counters: each is a function of a key and its place, so that threads share the work."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import shared

WORTH_A_THREAD = 10_000
"""Numbers that a further thread is worth its waiting for."""


class Stream:
    """A stream of random numbers, of float32, drawn faster than NumPy's and by all threads.

    Where it is cut, and in how many threads it is drawn, changes no number. It needs a numba that compiles, see
    :func:`gluonvae.backend.regions.availability.loops_compile`.

    Parameters
    ----------
    seed : sequence of int
        What the stream is of.
    """

    def __init__(self, seed: Sequence[int]) -> None:
        self._key = int(np.random.SeedSequence(seed).generate_state(1, np.uint64).view(np.int64)[0])
        self._place = 0

    def skip(self, count: int) -> None:
        """Go on as if so many numbers had been drawn."""
        self._place += count

    def standard_normal(self, out: np.ndarray, dtype: Any = np.float32) -> np.ndarray:
        """Fill a contiguous array of float32 with standard normal numbers, and return it."""
        return self._fill("normal", out)

    def random(self, size: int = 0, dtype: Any = np.float32, out: Any = None) -> np.ndarray:
        """Return ``size`` numbers that are uniform in [0, 1), or fill a contiguous array of float32 with such."""
        return self._fill("uniform", np.empty(size, np.float32) if out is None else out)

    def _fill(self, kind: str, out: np.ndarray) -> np.ndarray:
        if out.dtype != np.float32 or not out.flags.c_contiguous:
            raise TypeError(f"out must be a contiguous array of float32, got {out.dtype}")
        of_kind, run = _compiled()
        team, place = max(1, out.size // WORTH_A_THREAD), out.__array_interface__["data"][0]
        run(of_kind[kind], team, shared.address(), self._key, self._place, place, out.size)
        self._place += out.size
        return out


@functools.cache
def _compiled() -> tuple[dict[str, int], Callable[..., Any]]:
    from .bodies import random

    return random.bodies(), ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(random.address())
