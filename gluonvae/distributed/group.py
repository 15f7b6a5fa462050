"""The workers of a training: their sums, and what they agree on."""

from __future__ import annotations

import functools
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from ..backend.runtime import mx
from .identity import Identity
from .reports import Watch
from .senders import Senders
from .sharing import Share

MOST_PIECES = 16
"""In how many pieces a message is summed at most."""


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

    def sum(self, values: Any, place: int = 0) -> None:
        """Replace an NDArray ``(n,)``, float32, by its sum over the workers, the same to the bit on each."""
        if self._exchange is None:
            return
        with self.waiting():
            self._exchange.sum(values, place)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Context manager of what waits for the sums of a message."""
        assert self._watch is not None
        with self._watch.waiting():
            yield
        self._watch.step += 1

    def pieces_of(self, numbers: int) -> int:
        """Return in how many pieces so many numbers are summed: the same for all workers."""
        return 1 if self._exchange is None else max(1, min(MOST_PIECES, numbers // self._exchange.piece))

    @functools.cached_property
    def senders(self) -> Senders:
        """The threads that sum pieces, from their first use on."""
        return Senders(self._exchange.sum)

    def join(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of float64 arrays, of which at each place all but one worker's are 0, to the bit.

        MXNet's servers add up in float32, also where the arrays are float64. Three float32 numbers hold a float64 one.
        """
        values = np.asarray(values, np.float64)
        if self.is_alone or not values.size:
            return values
        parts, left = [], values.reshape(-1)
        for _ in range(3):
            parts.append(left.astype(np.float32))
            left = np.where(np.isfinite(parts[-1]), left - parts[-1], 0)
        flat = mx.nd.array(np.concatenate(parts), mx.cpu())
        self.sum(flat)
        joined = flat.asnumpy().astype(np.float64).reshape(3, -1)
        # the small ones first: nothing is rounded off before the largest is added
        return (joined[0] + (joined[1] + joined[2])).reshape(values.shape)

    def sum_numbers(self, values: np.ndarray) -> np.ndarray:
        """Return the sum of float64 arrays of any shape over the workers, the same to the bit on each."""
        values = np.asarray(values, np.float64)
        of_each = np.zeros((self.size, *values.shape))
        of_each[self.rank] = values
        return self.join(of_each).sum(axis=0)

    def tell(self, **what: Any) -> None:
        """Tell ``gluonvae launch`` something of this worker, if it was that which started it."""
        if self._watch is not None:
            self._watch.reports.tell(**what)

    def check_same(self, own: Mapping[str, Any]) -> None:
        """Raise ValueError, in all workers, where one tells other things than rank 0."""
        told = {"host": platform.node(), **own}
        first, *others = map(json.loads, self.gather(json.dumps(told)))
        for rank, other in enumerate(others, 1):
            for name in own:
                if other.get(name) != first.get(name):
                    raise ValueError(
                        f"rank {rank} on {other['host']} has another {name} than rank 0 on {first['host']}: "
                        f"{str(other.get(name))[:40]} and {str(first.get(name))[:40]}; all workers need the same"
                    )

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
                self.tell(failed=rank)
                kind, message = json.loads(told[rank])
                raise KINDS.get(kind, RuntimeError)(f"rank {rank}: {message}")
        if error is not None:
            raise error

    def is_any(self, value: bool) -> bool:
        """Return whether the value is true in any worker."""
        return value if self.is_alone else bool(self.sum_numbers(np.array([float(value)]))[0] > 0)

    def gather(self, text: str) -> list[str]:
        """Return the texts of all workers, by their ranks."""
        if self.is_alone:
            return [text]
        own = np.frombuffer(text.encode(), np.uint8)
        sizes = np.zeros(self.size)
        sizes[self.rank] = len(own)
        sizes = self.join(sizes)
        # one size for many texts: the store keeps an array for each
        width = 1 << int(max(sizes.max(), 1) - 1).bit_length()
        table = np.zeros((self.size, width), np.float32)
        table[self.rank, : len(own)] = own
        flat = mx.nd.array(table.reshape(-1), mx.cpu())
        self.sum(flat)
        rows = flat.asnumpy().astype(np.uint8).reshape(table.shape)
        return [bytes(row[: int(size)]).decode() for row, size in zip(rows, sizes)]

    def broadcast(self, tensors: Sequence[Any]) -> None:
        """Give tensors the values that they have in rank 0."""
        if self.is_alone or not tensors:
            return
        values = np.concatenate([np.asarray(tensor.asnumpy(), np.float64).reshape(-1) for tensor in tensors])
        joined = self.join(values if self.rank == 0 else np.zeros_like(values))
        for tensor, part in zip(tensors, np.split(joined, np.cumsum([tensor.size for tensor in tensors])[:-1])):
            tensor[:] = mx.nd.array(part.reshape(tensor.shape), tensor.context, tensor.dtype)

    def average(self, parameters: Any) -> None:
        """Give parameters the means of their values over the workers, the same to the bit on each.

        Between two calls each worker may take steps by itself, see :mod:`gluonvae.distributed`. The states of
        optimizers, such as Adam's moments, stay those of each worker.

        Parameters
        ----------
        parameters : ParameterDict or sequence of Parameter
            Initialised, the same on each worker. A parameter on several devices gets the mean of the first device's
            values on all of them.
        """
        parameters = list(parameters.values() if hasattr(parameters, "values") else parameters)
        if self.is_alone or not parameters:
            return
        of_each = [parameter.list_data()[0] for parameter in parameters]
        values = np.concatenate([value.asnumpy().reshape(-1) for value in of_each])
        if values.dtype == np.float64:
            sums = self.sum_numbers(values)
        else:
            flat = mx.nd.array(values, mx.cpu())
            self.sum(flat)
            sums = flat.asnumpy()
        parts = np.split(sums / self.size, np.cumsum([value.size for value in of_each])[:-1])
        for parameter, value, part in zip(parameters, of_each, parts):
            parameter.set_data(mx.nd.array(part.reshape(value.shape), dtype=value.dtype))


def _kind(error: Exception) -> str:
    """The name of the first of the kinds of an exception that all workers know."""
    return next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in KINDS), "RuntimeError")


KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (ValueError, TypeError, FloatingPointError, MemoryError)
}
"""Built-in exceptions, by which a caller and the command know whose fault it is."""
