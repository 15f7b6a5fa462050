"""Whole cache lines, in which tensors begin: a vector that lies across two lines takes twice as long to read."""

from __future__ import annotations

LINE = 64
"""Bytes of a cache line."""
NUMBERS, WORDS = LINE // 4, LINE // 8
"""Of how many float32 and int64 it is."""


def whole_lines(count: int, of_line: int = NUMBERS) -> int:
    """Return how many of ``of_line`` numbers a line so many take in whole lines."""
    return -(-count // of_line) * of_line
