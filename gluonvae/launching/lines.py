"""What a process writes, line by line, as :mod:`gluonvae.launching.agent` reads it.

The agent is sent this file as text: it needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

LONGEST = 1 << 16
"""Bytes of a line, which is told in pieces where it has more."""
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n)")


class Lines:
    """Reads lines; what ends in a carriage return is the state of a progress bar.

    Parameters
    ----------
    descriptor : int
        What is read, without waiting for it. :meth:`finish` closes it.
    tell : callable
        Called with each line and whether it is a bar.
    longest : float
        Of how many bytes a line is told before its end.
    """

    def __init__(self, descriptor: int, tell: Callable[[str, bool], None], longest: float = LONGEST) -> None:
        self.descriptor = descriptor
        self._longest = longest
        self._tell, self._rest, self._bar = tell, b"", b""
        self._is_bar = False
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Read what is there; return whether there may be more to come."""
        try:
            data = os.read(self.descriptor, LONGEST)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._take(self._rest + data)
        return bool(data)

    def finish(self) -> None:
        """Read all that is there, and tell the last line though nothing ends it."""
        with contextlib.suppress(BlockingIOError, OSError):
            while data := os.read(self.descriptor, LONGEST):
                self._take(self._rest + data)
        if self._rest:
            self._tell(_text(self._rest), False)
        os.close(self.descriptor)

    def _take(self, data: bytes) -> None:
        end = 0
        for match in _LINE.finditer(data):
            end, was_bar = match.end(), self._is_bar
            self._is_bar = match[2] == b"\r"
            if self._is_bar:
                self._show(match[1])
                continue
            if was_bar:
                self._show(b" ")  # a line takes its place
            self._tell(_text(match[1]), False)
        self._rest = data[end:]
        if self._is_bar:
            self._show(self._rest)  # a bar begins with a carriage return, and waits for the next to end it
        if len(self._rest) >= self._longest:
            self._tell(_text(self._rest), False)
            self._rest = b""

    def _show(self, bar: bytes) -> None:
        if bar and bar != self._bar:
            self._bar = bar
            self._tell(_text(bar), True)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
