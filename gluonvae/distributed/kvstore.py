"""Sums over workers by MXNet's KVStore.

Of the ways to use it one gives right results, and is the one here: no optimizer on the servers, and ``pushpull`` alone
after ``init``. A pull after a push may get the sum before it.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from ..backend.runtime import mx
from .identity import NODE_HOST, ROOT, SERVERS, Identity

SHARED_FROM = "50000"
"""Arrays of at least so many numbers are divided among the servers, of which each then sends and receives a part; of
fewer a message costs more than their numbers. MXNet's own bound, 1,000,000, is more than many models have."""


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
        os.environ.update(worker_environment(root, identity.size))
        self._store = mx.kv.create("dist_sync")
        # who has finished need not wait for the others, and who has failed must not
        mx.base.check_call(mx.base._LIB.MXKVStoreSetBarrierBeforeExit(self._store.handle, ctypes.c_int(0)))
        self._keys: dict[tuple[int, str], int] = {}

    def sum(self, values: Any) -> None:
        """Replace an NDArray ``(n,)``, float32 or float64, by its sum over all workers, the same to the bit on each."""
        kind = (len(values), str(values.dtype))
        if kind not in self._keys:
            self._keys[kind] = len(self._keys)
            self._store.init(self._keys[kind], values)
        self._store.pushpull(self._keys[kind], values, out=values)
        values.wait_to_read()

    def close(self) -> None:
        """Leave the group; the others are not waited for."""
        self._store = None


def worker_environment(root: str, size: int) -> dict[str, str]:
    """Return the environment variables by which the KVStore knows a worker."""
    host, _, port = root.rpartition(":")
    variables = {
        "DMLC_ROLE": "worker",
        "DMLC_PS_ROOT_URI": host,
        "DMLC_PS_ROOT_PORT": port,
        "DMLC_NUM_WORKER": str(size),
        "DMLC_NUM_SERVER": os.environ.get(SERVERS) or "1",
        "MXNET_KVSTORE_BIGARRAY_BOUND": os.environ.get("MXNET_KVSTORE_BIGARRAY_BOUND") or SHARED_FROM,
    }
    own = os.environ.get(NODE_HOST)
    return {**variables, "DMLC_NODE_HOST": own} if own else variables


def root_of_environment() -> str:
    """Return where the scheduler listens."""
    return os.environ[ROOT]
