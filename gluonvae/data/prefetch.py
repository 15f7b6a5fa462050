"""Reading ahead: a thread gets what is needed next while a model is trained on what is there."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Callable, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

AHEAD = 4
"""How many batches are read ahead."""

_END = object()


def read_ahead(read: Callable[[Key], Value], keys: Iterable[Key]) -> Iterator[tuple[Key, Value]]:
    """Yield keys with what ``read`` returns for them, which a thread calls a few keys ahead.

    Parameters
    ----------
    read : callable
        Uses nothing of MXNet, which is of one thread. What it raises is raised here, at the key's turn.
    keys : iterable
        In the order in which they are yielded.
    """
    results: queue.Queue[Any] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def put(item: Any) -> bool:
        while not stopped.is_set():
            try:
                results.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for key in keys:
                if not put((key, read(key), None)):
                    return
        except BaseException as error:  # to be raised in the thread that waits for it
            put((None, None, error))
            return
        put(_END)

    thread = threading.Thread(target=work, name="gluonvae-read-ahead", daemon=True)
    thread.start()
    try:
        while (item := results.get()) is not _END:
            key, value, error = item
            if error is not None:
                raise error
            yield key, value
    finally:
        stopped.set()
        thread.join()
