"""How many threads a region takes where other processes hold cores."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Optional

from ..runtime import OPENMP, threads_are_chosen
from . import shared

EVERY = 1.0
"""Seconds between two looks, each of which takes some 0.1 ms."""

SERVED, GAINED, PAUSE = 0.8, 1.3, 30.0
"""Fewer threads that get less than this part of their cores have to share them all the same. Where all threads got so
many times as much, as beside busy loops, there are all of them for so many seconds; they got no more where others, such
as trainings of the same kind, take fewer as well."""

_STATISTICS = Path("/proc/stat")
_USER, _NICE, _SYSTEM, _INTERRUPTS, _SOFT_INTERRUPTS = 0, 1, 2, 5, 6
"""Where the times of a core are that it spent on something, see proc(5)."""


def heed_others() -> None:
    """Look now and then at how many cores other processes hold, and take threads for those that are left.

    A thread that shares its core with another process is late, and the others of its region wait for it: two trainings
    on two cores are faster with one thread each. A number of threads that the user has given stays.
    """
    if time.monotonic() >= _watch.due:
        _watch.look()


class Watch:
    """Where the time of the cores goes that this process may use."""

    def __init__(self) -> None:
        self.due = 0.0
        """When it is time to look, by ``time.monotonic()``."""
        self._last: Optional[tuple[float, float, float]] = None
        self._pause_ends = 0.0
        self._of_all_threads = 0.0
        """Cores that this process got when it last took all threads."""

    def look(self) -> None:
        """Set the most threads of a region."""
        busy = cores_busy() if threads_are_chosen() else None
        if busy is None:
            self.due = float("inf")
            shared.set_most_threads(0)
            return
        now = time.monotonic(), busy, time.process_time()
        self.due = now[0] + EVERY
        if self._last is None or now[0] - self._last[0] > 2 * EVERY:
            shared.set_most_threads(0)  # what others did while this process did something else tells nothing
        else:
            passed, of_all, own = (new - old for new, old in zip(now, self._last))
            got, before = own / passed, shared.most_threads()
            if before == 0:
                self._of_all_threads = got
            elif got < SERVED * before and self._of_all_threads > GAINED * got:
                self._pause_ends = now[0] + PAUSE
            left = len(os.sched_getaffinity(0)) - (of_all - own) / passed
            most = max(1, round(left))
            are_fewer = most < OPENMP.omp_get_max_threads() and now[0] >= self._pause_ends
            shared.set_most_threads(most if are_fewer else 0)
        self._last = now


def cores_busy() -> Optional[float]:
    """Return for how many seconds the cores that this process may use were busy; None where that is not told."""
    allowed = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    try:
        lines = map(str.split, _STATISTICS.read_text().splitlines())
        times = [list(map(int, of)) for name, *of in lines if name in allowed]
        of_work = (_USER, _NICE, _SYSTEM, _INTERRUPTS, _SOFT_INTERRUPTS)
        ticks = sum(core[i] for core in times for i in of_work)
    except (OSError, ValueError, IndexError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK") if times else None


_watch = Watch()
