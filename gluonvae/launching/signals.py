"""The signals that the launcher gets."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Optional

TURN = 0.05
"""Seconds between two looks at what has happened."""


class Signals:
    """Notes the signals that the launcher gets."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def note(self, number: int) -> None:
        """Note one. The end of a terminal sends SIGHUP more than once."""
        if not (self.received and number == signal.SIGHUP):
            self.received.append(number)

    @property
    def first(self) -> Optional[int]:
        """The first, if there was one."""
        return self.received[0] if self.received else None

    async def pause(self, seconds: float) -> None:
        """Wait, unless a signal comes."""
        until = time.monotonic() + seconds
        while not self.received and time.monotonic() < until:
            await asyncio.sleep(TURN)
