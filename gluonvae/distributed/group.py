"""The group of workers that a process belongs to: their sums, and what they agree on."""

from __future__ import annotations

import atexit
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from ..backend.runtime import mx
from .identity import TIMEOUT, Identity, identity_of
from .kvstore import KVStore, root_of_environment
from .reports import Reports, Watch
from .sharing import Share

_log = logging.getLogger(__name__)

SECONDS = 60.0
"""After how many seconds of waiting for the others a worker gives up, unless told otherwise."""
TOO_LONG = 4
"""The exit status of a worker that has waited for too long."""


class Group:
    """The workers of a training, one of which this process is. Alone, it is a group of one.

    Every method but :meth:`part` waits for all workers, which have to call it in the same order.

    Parameters
    ----------
    identity : Identity
        Which worker this process is.
    exchange : object
        What has ``sum(values)``, such as :class:`gluonvae.distributed.kvstore.KVStore`; None where there is one worker.
    watch : Watch, optional
        Is told of waiting.
    """

    def __init__(self, identity: Identity, exchange: Any = None, watch: Optional[Watch] = None) -> None:
        self.rank, self.size = identity.rank, identity.size
        self._exchange, self._watch = exchange, watch

    @property
    def share(self) -> Share:
        """The part of each batch that this worker has."""
        return Share(self.rank, self.size)

    def part(self, rows: int) -> slice:
        """Return which of so many rows of a batch are this worker's; of few rows it may be none."""
        return self.share.part(rows)

    @property
    def is_alone(self) -> bool:
        """Whether there are no other workers."""
        return self.size == 1

    def sum(self, values: Any) -> None:
        """Replace an NDArray ``(n,)``, float32 or float64, by its sum over the workers, the same to the bit on each."""
        if self._exchange is None:
            return
        assert self._watch is not None
        with self._watch.waiting():
            self._exchange.sum(values)
        self._watch.step += 1

    def sum_numbers(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of an array of any shape over the workers, float64."""
        values = np.asarray(values, np.float64)
        if self.is_alone or not values.size:
            return values
        summed = mx.nd.array(values.reshape(-1), mx.cpu(), dtype="float64")
        self.sum(summed)
        return summed.asnumpy().reshape(values.shape)

    def tell(self, **what: Any) -> None:
        """Tell ``gluonvae launch`` something of this worker, if it was that which started it."""
        if self._watch is not None:
            self._watch.reports.tell(**what)

    @contextmanager
    def failing_together(self) -> Iterator[None]:
        """Context manager of what each worker does by itself: where it fails in one, it fails in all.

        Raises
        ------
        Exception
            What was raised inside; in the others an exception of the same built-in kind, with the rank.
        """
        error: Optional[Exception] = None
        try:
            yield
        except Exception as raised:
            error = raised
        if not self.is_alone:
            told = self.gather("" if error is None else json.dumps([_kind(error), str(error)]))
            rank = next((rank for rank, text in enumerate(told) if text), None)
            if rank is not None and error is None:
                kind, message = json.loads(told[rank])
                raise KINDS.get(kind, RuntimeError)(f"rank {rank}: {message}")
        if error is not None:
            raise error

    def any(self, value: bool) -> bool:
        """Return whether the value is true in any worker."""
        return bool(self.sum_numbers(np.array([float(value)]))[0] > 0)

    def gather(self, text: str) -> list[str]:
        """Return the texts of all workers, by their ranks."""
        if self.is_alone:
            return [text]
        own = np.frombuffer(text.encode(), np.uint8)
        sizes = np.zeros(self.size)
        sizes[self.rank] = len(own)
        sizes = self.sum_numbers(sizes)
        # one size for many texts: the store keeps an array for each
        width = 1 << int(max(sizes.max(), 1) - 1).bit_length()
        table = np.zeros((self.size, width))
        table[self.rank, : len(own)] = own
        rows = self.sum_numbers(table).astype(np.uint8)
        return [bytes(row[: int(size)]).decode() for row, size in zip(rows, sizes)]

    def broadcast(self, tensors: Sequence[Any]) -> None:
        """Give tensors, float32 or float64, the values that they have in rank 0."""
        for tensor in tensors if not self.is_alone else ():
            flat = mx.nd.array(tensor.asnumpy().reshape(-1) if self.rank == 0 else np.zeros(tensor.size), mx.cpu())
            flat = flat.astype(tensor.dtype)
            self.sum(flat)
            tensor[:] = flat.reshape(tensor.shape).as_in_context(tensor.context)


def _kind(error: Exception) -> str:
    """The name of the first of the kinds of an exception that all workers know."""
    return next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KINDS), "RuntimeError")


KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (ValueError, TypeError, FloatingPointError, MemoryError, OSError)
}
"""Built-in exceptions, by which a caller and the command know whose fault it is."""

_current: Optional[Group] = None
_is_alone = False


def current() -> Group:
    """Return the group of this process, which is joined at the first call.

    Raises
    ------
    ValueError
        Where what started the process says nothing that could be.
    """
    global _current
    if _is_alone:
        return ALONE
    if _current is None:
        _current = _join(identity_of(os.environ))
    return _current


ALONE = Group(Identity())


@contextmanager
def alone() -> Iterator[None]:
    """Context manager of what this worker does without the others, such as an estimate on data of its own."""
    global _is_alone
    before, _is_alone = _is_alone, True
    try:
        yield
    finally:
        _is_alone = before


def _join(identity: Identity) -> Group:
    if identity.size == 1:
        return ALONE
    timeout = float(os.environ.get(TIMEOUT) or SECONDS)
    reports = Reports.of_environment()

    def give_up(seconds: float) -> None:
        error = f"rank {identity.rank} has waited {seconds:.0f} s for the others"
        reports.tell(error=error)
        print(f"gluonvae: {error}", file=sys.stderr, flush=True)
        os._exit(TOO_LONG)  # it hangs in MXNet

    watch = Watch(reports, timeout, give_up)
    with watch.waiting():
        exchange = KVStore(identity, root_of_environment())
    atexit.register(exchange.close)  # left to the interpreter, MXNet aborts
    group = Group(identity, exchange, watch)
    _log.info("rank %d of %d workers", identity.rank, identity.size)
    return group
