"""What the processes of a group print, on the output of the launcher: whole lines, and one progress bar below them."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import Optional, TextIO

CLEAR = "\r\x1b[K"
"""Removes the line under the cursor from a terminal."""


class Console:
    """Prints in a thread of its own: a terminal that is stopped does not stop the launcher.

    Parameters
    ----------
    broken : callable
        Called, in the thread, when nobody reads the output any more.
    """

    def __init__(self, broken: Callable[[], None]) -> None:
        self.has_bar = sys.stderr is not None and sys.stderr.isatty()
        """Whether a progress bar is shown."""
        self._broken, self._bar = broken, ""
        self._waiting: queue.SimpleQueue[Optional[tuple[Optional[TextIO], str]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gluonvae console", daemon=True)
        self._thread.start()

    def out(self, line: str) -> None:
        """Print a line on the standard output."""
        if sys.stdout is not None:
            self._waiting.put((sys.stdout, line))

    def err(self, line: str) -> None:
        """Print a line on the error output."""
        if sys.stderr is not None:
            self._waiting.put((sys.stderr, line))

    def bar(self, text: str) -> None:
        """Show the state of the progress bar; where it is blank, there is none."""
        if self.has_bar:
            self._waiting.put((None, text.rstrip()))

    def close(self) -> None:
        """Print what is left, unless nobody takes it."""
        self.bar("")
        self._waiting.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            stream, text = item
            try:
                self._print(stream, text)
            except BrokenPipeError:
                if stream is sys.stdout:
                    self._broken()
                    return
            except (OSError, ValueError):  # a terminal that is closed, a full disk
                continue

    def _print(self, stream: Optional[TextIO], text: str) -> None:
        if stream is None and self._bar != text:
            self._bar = text
            sys.stderr.write(f"{CLEAR}{text}")
            sys.stderr.flush()
        elif stream is not None:
            if self._bar:
                sys.stderr.write(CLEAR)
                sys.stderr.flush()
            stream.write(f"{text}\n")
            stream.flush()
            if self._bar:
                sys.stderr.write(self._bar)
                sys.stderr.flush()
