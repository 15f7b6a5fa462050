"""Adam in one pass over memory, registered with MXNet's optimizers as "fusedadam"."""

from __future__ import annotations

import functools
import logging
import math
import operator
from collections.abc import Sequence
from typing import Any, Callable, Optional

import numpy as np

from ..backend.memory import address
from ..backend.runtime import engine_is_naive, mx

_log = logging.getLogger(__name__)


@mx.optimizer.register
class FusedAdam(mx.optimizer.Adam):
    """MXNet's Adam, the same numbers in the same options, compiled for the CPU.

    ``adam_update`` is scalar code and is called once a parameter; here one loop, compiled by
    numba and vectorised, goes over the memory of all of them. Where that cannot be (a GPU, a
    dtype other than float32, sparse gradients, no numba) it is MXNet's own, which is said once.

    ``gluon.Trainer(params, "fusedadam", {"learning_rate": 1e-3})``
    """

    name = "fusedadam"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aggregate_num = 2**31  # all parameters come in one call
        self._forget()

    def _forget(self) -> None:
        self._tensors: list[Any] = []
        self._rows = np.empty(0, np.int64)
        self._addresses = np.empty((0, 4), np.uint64)
        self._sizes = np.empty(0, np.int64)

    def __getstate__(self) -> dict[str, Any]:
        """Without addresses, which mean nothing to who loads it."""
        return {name: value for name, value in self.__dict__.items() if name not in _ADDRESSES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter, or, given lists, several."""
        if not isinstance(index, (list, tuple)):
            super().update_multi_precision(index, weight, grad, state)
        elif self._look_up(weight, grad, state):
            self._update_all(index)
        else:
            for arguments in zip(index, weight, grad, state):
                super().update_multi_precision(*arguments)

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter."""
        if self._look_up([weight], [grad], [state]):
            self._update_all([index])
        else:
            super().update(index, weight, grad, state)

    def _update_all(self, index: Sequence[Any]) -> None:
        """Update the parameters that were looked up."""
        self._update_count(index)
        if not engine_is_naive():
            _wait(self._tensors)
        steps = [self._index_update_count[i] for i in index]
        rates = [
            rate * math.sqrt(1 - self.beta2**step) / (1 - self.beta1**step)
            for rate, step in zip(self._get_lrs(index), steps)
        ]
        _kernel()(  # type: ignore[misc]
            self._addresses,
            self._sizes,
            np.array(rates, np.float32)[self._rows],
            np.array(self._get_wds(index), np.float32)[self._rows],
            np.float32(self.rescale_grad),
            np.float32(self.clip_gradient or np.inf),
            np.float32(self.beta1),
            np.float32(self.beta2),
            np.float32(self.epsilon),
        )

    def _look_up(self, weight: Sequence[Any], grad: Sequence[Any], state: Sequence[Any]) -> bool:
        """Find the memory of the tensors, where they are not those of the last call; False where the
        compiled loop cannot be used."""
        tensors = [tensor for w, g, pair in zip(weight, grad, state) for tensor in (w, g, *pair)]
        if len(tensors) == len(self._tensors) and all(map(operator.is_, tensors, self._tensors)):
            return True
        reason = _why_not(weight, grad)
        if reason is not None:
            _say_once(reason)
            return False
        _wait(tensors)  # what is still to be computed has no memory yet
        rows = np.array([address(tensor) for tensor in tensors], np.uint64).reshape(-1, 4)
        pieces = [(row, start) for row, w in enumerate(weight) for start in range(0, w.size, PIECE)]
        self._rows, starts = np.array(pieces, np.int64).T.copy()
        self._sizes = np.minimum(PIECE, np.array([w.size for w in weight])[self._rows] - starts)
        self._addresses = rows[self._rows] + 4 * starts[:, None].astype(np.uint64)
        self._tensors = tensors
        return True


PIECE = 2**15
"""Numbers that one turn of the loop takes: so many to a core's cache."""
_ADDRESSES = {"_tensors", "_rows", "_addresses", "_sizes"}


def _wait(tensors: Sequence[Any]) -> None:
    """Until nothing that was asked of the engine is still at work on them."""
    for tensor in tensors:
        mx.base.check_call(mx.base._LIB.MXNDArrayWaitToWrite(tensor.handle))


def _why_not(weight: Sequence[Any], grad: Sequence[Any]) -> Optional[str]:
    """Why these parameters cannot be updated by the compiled loop; None where they can."""
    for tensor in (*weight, *grad):
        if tensor.context.device_type == "gpu":
            return "the parameters are on a GPU"
        if tensor.dtype != np.float32:
            return f"the parameters are {np.dtype(tensor.dtype).name}"
        if tensor.stype != "default":
            return "there are sparse gradients"
    return "numba is not installed" if _kernel() is None else None


@functools.cache
def _say_once(reason: str) -> None:
    _log.info("fusedadam is MXNet's own adam here: %s", reason)


@functools.cache
def _kernel() -> Optional[Callable[..., None]]:
    """The compiled loop; None without numba, which is loaded only when it is used.

    In parallel only under the naive engine: the threaded one keeps the cores busy itself.
    """
    try:
        from ..backend.loops import adam
    except ImportError:
        return None
    return adam.parallel if engine_is_naive() else adam.serial
