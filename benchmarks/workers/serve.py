"""What every worker does: make what a row asks for, and time it when told to.

It reads lines of JSON, ``{"task": NAME, "row": ROW, "given": FILE, "repeats": N, "warm_up": N}``, and
answers each with the seconds of N repeats, what each returned, and the most memory since the row was made.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import numpy as np
from rows import Row

__all__ = ["Given", "Row", "Tasks", "peak", "serve"]

Given = Mapping[str, np.ndarray]
"""Weights, by PyTorch's names, and data."""

Tasks = Mapping[str, Callable[[], Any]]
"""Each does its work once and waits until it is done; what it returns, JSON can hold."""


def peak() -> int:
    """Bytes of memory that this process has had at most, since :func:`forget_peak` if that was called; ``ru_maxrss``
    begins with its parent's."""
    match = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return 1024 * int(match[1]) if match else 0


def forget_peak() -> None:
    """Measure the most memory from here on, where the system lets a process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def serve(make: Callable[[Row, Given], Tasks], description: str, memory: Callable[[], int] = peak) -> None:
    """``make`` gets a row, and the arrays that all contestants are given."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    print(json.dumps({"description": description, "peak": memory()}), file=answers)
    tasks: Tasks = {}
    made: Any = None
    for line in sys.stdin:
        asked = json.loads(line)
        if made != (asked["row"], asked["given"]):
            tasks, warm = {}, set()  # one model at a time
            gc.collect()
            forget_peak()
            with np.load(asked["given"]) as given:
                tasks, made = make(Row(*asked["row"]), dict(given)), (asked["row"], asked["given"])
        task = tasks[asked["task"]]
        for _ in range(0 if asked["task"] in warm else asked["warm_up"]):
            task()
        warm.add(asked["task"])
        seconds, values = zip(*(_timed(task) for _ in range(asked["repeats"])))
        print(json.dumps({"seconds": seconds, "values": values, "peak": memory()}), file=answers)


def _timed(task: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    value = task()
    return time.perf_counter() - started, value
