"""Sums over workers by MXNet's KVStore.

Of the ways to use it one gives right results, and is the one here: no optimizer on the servers, and ``pushpull`` alone
after ``init``. A pull after a push may get the sum before it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from ..backend.runtime import mx
from .identity import SERVERS, Identity
from .rendezvous import address_of, is_local, worker_environment

OF_A_PIECE = 2**16
"""Of how many numbers for each worker and each server a piece of a message is worth a message of its own: each of them
takes some 80 µs for that, in which it sums about 2 ** 14 numbers."""


class KVStore:
    """The connection of a worker to the servers of a group.

    Parameters
    ----------
    identity : Identity
        The worker.
    root : str
        Where the scheduler listens, HOST:PORT.
    """

    def __init__(self, identity: Identity, root: str) -> None:
        servers = int(os.environ.get(SERVERS) or 1)
        os.environ.update(worker_environment(root, identity.size, servers))
        self._store = mx.kv.create("dist_sync")
        # who has finished need not wait for the others, and who has failed must not
        mx.base.check_call(mx.base._LIB.MXKVStoreSetBarrierBeforeExit(self._store.handle, ctypes.c_int(0)))
        self._keys: dict[tuple[int, int], int] = {}
        self.piece = piece_of(root, identity.size, servers)
        """Of how many numbers a piece of a message is at least."""

    def sum(self, values: Any, place: int = 0) -> None:
        """Replace an NDArray ``(n,)``, float32, by its sum over all workers, the same to the bit on each.

        Arrays in different places can be summed at the same time, in threads, but not the first time.
        """
        kind = len(values), place
        if kind not in self._keys:
            self._keys[kind] = len(self._keys)
            self._store.init(self._keys[kind], values)
        self._store.pushpull(self._keys[kind], values, out=values)
        values.wait_to_read()

    def close(self) -> None:
        """Leave the group; the others are not waited for."""
        store, self._store = self._store, None
        if store is not None:
            # at once: a thread that waits for a sum would keep it, and MXNet aborts where it ends with the process
            mx.base.check_call(mx.base._LIB.MXKVStoreFree(store.handle))
            store.handle = None


def piece_of(root: str, workers: int, servers: int) -> int:
    """Return of how many numbers a piece of a message is at least: the same for all workers."""
    if is_local(address_of(root)[0]):  # there is no link, and who waits leaves the cores to the others
        return sys.maxsize
    return OF_A_PIECE * (workers + servers)
