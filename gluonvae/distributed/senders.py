"""Threads that sum pieces of a message over the workers while it is computed."""

from __future__ import annotations

import os
import queue
import threading
from typing import Any, Callable, Optional, Protocol

THREADS = 2
"""While one waits for the sum of a piece, which comes back over a link, the other sends the next piece over it."""

COMPLETE = -1
"""What is written to the senders where all of a message is there."""


class Message(Protocol):
    """What is sent: its pieces go in their order, the same in all workers, so that none waits for ever."""

    def take(self, word: int) -> None:
        """Take in a word that was written to the senders: what of the message is there."""

    def next(self) -> Optional[tuple[Any, int]]:
        """Return the next piece and its place if it is there; None elsewhere, and where there are no more."""


class Senders:
    """The threads.

    One of them at a time reads words about a message, and sends the next piece when it is there; the other's turn to
    read comes meanwhile.

    Parameters
    ----------
    sum_piece : callable
        Replaces a piece by its sum over the workers; called with the piece and its place.
    """

    def __init__(self, sum_piece: Callable[[Any, int], None]) -> None:
        self._sum = sum_piece
        self._reader, self.file = os.pipe()
        self._turn = threading.Lock()
        self._summed: queue.SimpleQueue[Optional[BaseException]] = queue.SimpleQueue()
        self._message: Optional[Message] = None
        for number in range(THREADS):
            threading.Thread(target=self._run, name=f"gluonvae sender {number}", daemon=True).start()

    def begin(self, message: Message) -> None:
        """Have a message sent, of which words are to be written to ``file``; all of the one before were summed."""
        self._message = message

    def finish(self, pieces: int) -> None:
        """Have what is left of the message sent, and wait for the sums of its pieces."""
        os.write(self.file, COMPLETE.to_bytes(8, "little", signed=True))
        for _ in range(pieces):
            error = self._summed.get()
            if error is not None:
                raise error

    def _run(self) -> None:
        while True:
            error: Optional[BaseException] = None
            try:
                with self._turn:
                    piece = self._next()
                self._sum(*piece)
            except BaseException as raised:  # for the thread that waits
                error = raised
            self._summed.put(error)

    def _next(self) -> tuple[Any, int]:
        """Wait until there is another piece, and return it."""
        while True:
            piece = self._message.next() if self._message is not None else None
            if piece is not None:
                return piece
            word = int.from_bytes(os.read(self._reader, 8), "little", signed=True)
            if self._message is not None:
                self._message.take(word)
