"""Sums over workers by Horovod."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..backend.runtime import import_quietly, mx
from .identity import HOROVODRUN, Identity

INSTALL = (
    "HOROVOD_WITH_MXNET=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1 pip install --no-build-isolation horovod==0.28.1"
)
"""The command that builds Horovod for the MXNet that is installed."""


class Horovod:
    """The workers of a group as Horovod connects them.

    Parameters
    ----------
    identity : Identity
        The worker.

    Raises
    ------
    ImportError
        Where Horovod is not installed, or not for MXNet.
    ValueError
        Where it has found another group than that of the identity.
    """

    def __init__(self, identity: Identity) -> None:
        try:
            self._horovod: Any = import_quietly("horovod.mxnet")
        except ImportError as error:
            raise ImportError(f"workers of horovodrun need Horovod for MXNet: {INSTALL}") from error
        self.piece = sys.maxsize
        """Of how many numbers a piece of a message is at least: its sums are of one thread."""
        self._horovod.init()
        found = self._horovod.rank(), self._horovod.size()
        if found != (identity.rank, identity.size):
            self.close()
            raise ValueError(
                f"Horovod finds rank {found[0]} of {found[1]} where {identity.started_by} has told rank "
                f"{identity.rank} of {identity.size}: start the workers with {HOROVODRUN}, or build Horovod with MPI"
            )

    def sum(self, values: Any, place: int = 0) -> None:
        """Replace an NDArray ``(n,)``, float32 or float64, by its sum over all workers, the same to the bit on each.

        Raises
        ------
        RuntimeError
            Where there is no such sum: a worker has ended, or has an array of another size or type.
        """
        self._sum(values, "values")
        # MXNet's naive engine drops Horovod's errors and leaves the array as it was. After a lost worker this sum fails
        # as well, and where the arrays differ it does not come to as many times what is here.
        here = np.array([1.0, values.size, values.dtype == np.float64])
        check = mx.nd.array(here, mx.cpu(), dtype="float64")
        self._sum(check, "check")
        if not np.array_equal(check.asnumpy(), here * self._horovod.size()):
            raise RuntimeError(
                "Horovod could not sum over the workers: one of them has ended, or has arrays of another size or type"
            )

    def _sum(self, values: Any, name: str) -> None:
        self._horovod.allreduce_(values, op=self._horovod.Sum, name=name)
        values.wait_to_read()

    def close(self) -> None:
        """Leave the group; sums of the others fail then."""
        self._horovod.shutdown()
