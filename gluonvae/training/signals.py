"""Signals that end a training: Ctrl-C, SIGTERM and SIGHUP."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Optional

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that are a wish to end."""

AGAIN = 0.01
"""Seconds after which a signal is sent again that was handled where exceptions are lost."""


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
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for number in STOPPING:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, handler)
    try:
        with _sent_again_where_lost():
            yield
    finally:
        for number, its_handler in before.items():
            signal.signal(number, its_handler)


@contextmanager
def _sent_again_where_lost() -> Iterator[None]:
    """Context manager in which no :class:`Interrupt` is lost in ``__del__`` or in a callback of a weakref.

    Python reports what is raised there, and goes on.
    """
    report = sys.unraisablehook

    def send_again(lost: Any) -> None:
        if isinstance(lost.exc_value, Interrupt):
            threading.Timer(AGAIN, os.kill, (os.getpid(), lost.exc_value.number)).start()
        else:
            report(lost)

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = report


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
