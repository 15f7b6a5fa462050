"""What a worker tells ``gluonvae launch`` of itself: that it lives, what it does, and what it writes.

A report is a line of JSON. The keys are ``step``, the number of sums of gradients that were taken; ``waits``, for how
many seconds the worker has waited for the others, 0 where it does not; ``run``, the folder of the run; ``error``, why
it gives up; ``failed``, the rank in which it failed where that made this worker raise an exception.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from typing import Any, Optional

from .identity import REPORTS

EACH = 0.5
"""Seconds between two reports."""


class Reports:
    """The reports of a process; nothing where nobody reads them.

    Parameters
    ----------
    descriptor : int, optional
        Of the file that they are written to.
    """

    def __init__(self, descriptor: Optional[int]) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    @classmethod
    def of_environment(cls) -> Reports:
        """Return those of this process."""
        number = os.environ.get(REPORTS, "")
        return cls(int(number) if number.isdecimal() else None)

    def tell(self, **what: Any) -> None:
        """Write a report."""
        if self._descriptor is None:
            return
        line = json.dumps(what).encode() + b"\n"
        # the launcher may have gone, which ends this process by other means
        with self._lock, contextlib.suppress(OSError):
            os.write(self._descriptor, line)


class Watch:
    """A thread that reports, and ends the process where it has waited for the others for too long.

    Parameters
    ----------
    reports : Reports
    timeout : float
        Seconds.
    give_up : callable
        Called with for how many seconds the process has waited, in the thread.
    """

    def __init__(self, reports: Reports, timeout: float, give_up: Any) -> None:
        self.reports, self._timeout, self._give_up = reports, timeout, give_up
        self.step = 0
        self._waits_since: Optional[float] = None
        threading.Thread(target=self._run, name="gluonvae watch", daemon=True).start()

    @contextlib.contextmanager
    def waiting(self) -> Any:
        """Context manager of what waits for the others."""
        self._waits_since = time.monotonic()
        try:
            yield
        finally:
            self._waits_since = None

    def _run(self) -> None:
        while True:
            since = self._waits_since
            waits = 0.0 if since is None else time.monotonic() - since
            self.reports.tell(step=self.step, waits=round(waits, 1))
            if waits > self._timeout:
                self._give_up(waits)
            time.sleep(EACH)
