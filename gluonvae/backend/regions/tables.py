"""Regions over the memory of many tensors: updates of parameters, and the search for what is not finite."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..memory import address
from ..runtime import engine_is_naive
from ..types import Tensor
from . import shared

PIECE = 2**13
"""Numbers that a thread takes at a time: where a thread ends does not depend on how many there are."""

RULE, TEAM, TEAM_OF_SLEEPERS, PIECES, ROWS, OF_PIECES, OF_TENSORS, OF_HANDLES, OF_SETTINGS, OF_NUMBERS, OF_SHARED = (
    range(11)
)
"""The words of a table: a rule's body, how many threads it can use, and how many where these have to be woken, how many
pieces and rows there are, the addresses of what is told of them, and that of what all regions share."""


class Table:
    """Tensors that a rule goes through together, and where they are in memory.

    Parameters
    ----------
    rule : str
        The name of a rule in :mod:`gluonvae.backend.regions.bodies.tables`.
    rows : Sequence[Sequence[Tensor]]
        Tensors of one size, float32 on the CPU, all computed: of an update the weight, gradient and states of a
        parameter.
    """

    def __init__(self, rule: str, rows: Sequence[Sequence[Tensor]]) -> None:
        count = len(rows)
        sizes = [row[0].size for row in rows]
        pieces = [
            (i, first, min(PIECE, size - first)) for i, size in enumerate(sizes) for first in range(0, size, PIECE)
        ]
        self.tensors = [tensor for row in rows for tensor in row]
        """All of them, row by row."""
        self.numbers = np.zeros((2, count), np.float32)
        """Two of each row: of an update the learning rate and the weight decay; of a search whether something was
        found, and nothing."""
        self.settings = np.zeros(8, np.float32)
        """What else the rule takes."""
        handles = np.array([row[0].handle.value for row in rows], np.int64)
        self.addresses = np.zeros((count, 4), np.int64)
        """Of each row's tensors."""
        for place, row in zip(self.addresses, rows):
            place[: len(row)] = [address(tensor) for tensor in row]
        arrays = np.array(pieces, np.int64), self.addresses, handles, self.settings, self.numbers
        body = _compiled().rule(rule)
        # MXNet's threaded engine keeps the cores busy itself
        teams = [max(1, sum(sizes) // numbers) if engine_is_naive() else 1 for numbers in (150_000, 300_000)]
        words = [body, *teams, len(pieces), count, *(array.ctypes.data for array in arrays), shared.address()]
        self._table = np.array(words, np.int64)
        self._kept = arrays
        self._place = self._table.ctypes.data

    def find_stale(self) -> int:
        """Return the number of the first row whose weight's gradient is that of an earlier step, or -1.

        All gradients are of an earlier step from now on.
        """
        stale: int = _compiled().find_stale(self._place)
        return stale

    def run(self) -> None:
        """Go through the tensors."""
        _compiled().run(self._place)


class _Functions:
    """The compiled functions."""

    def __init__(self) -> None:
        from .bodies import tables

        self.rule: Callable[[str], int] = functools.cache(tables.rule)
        run, find_stale = tables.addresses()
        self.run: Callable[[int], Any] = ctypes.CFUNCTYPE(None, ctypes.c_int64)(run)
        self.find_stale: Callable[[int], Any] = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(find_stale)


@functools.cache
def _compiled() -> _Functions:
    return _Functions()
