"""Signals that end a training: Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Optional

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that are a wish to end."""


class Interrupt(KeyboardInterrupt):
    """A signal ends what is being done.

    Parameters
    ----------
    number : int
        The signal.
    remark : str
        What else there is to say.
    """

    def __init__(self, number: int, remark: str = "") -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}{'; ' if remark else ''}{remark}")
        self.number = number


@contextmanager
def raising_signals() -> Iterator[None]:
    """Context manager in which each of :data:`STOPPING` that the process does not ignore raises :class:`Interrupt`."""

    def interrupt(number: int, frame: Optional[FrameType]) -> None:
        raise Interrupt(number)

    with _handling(interrupt):
        yield


@contextmanager
def _handling(handler: Callable[[int, Optional[FrameType]], None]) -> Iterator[None]:
    """Context manager in which ``handler`` handles the signals that are not ignored.

    Outside the main thread, where no signal arrives, nothing is changed.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in STOPPING:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, its_handler in before.items():
            signal.signal(number, its_handler)


class Stopping:
    """Context manager in which the first signal is noted, so that a step is not cut in two, and the second interrupts.

    Signals that the process ignores, as those of ``nohup`` and of the shell's background jobs are, stay ignored. A
    second SIGHUP is ignored as well: the end of a terminal sends it more than once.
    """

    def __init__(self) -> None:
        self.received: Optional[int] = None
        """The first signal."""
        self._handling = _handling(self._note)

    def __enter__(self) -> Stopping:
        self._handling.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._handling.__exit__(*exception)

    def _note(self, number: int, frame: Optional[FrameType]) -> None:
        if self.received is None:
            self.received = number
        elif number != signal.SIGHUP:
            raise Interrupt(number)

    def deliver(self) -> None:
        """Send the process the signal that was noted, for whoever handles it outside, unless it was Ctrl-C."""
        if self.received is not None and self.received != signal.SIGINT:
            signal.raise_signal(self.received)
