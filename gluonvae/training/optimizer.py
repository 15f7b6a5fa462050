"""Adam in one pass over memory, registered with MXNet's optimizers as "fusedadam"."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from ..backend.memory import Pieces, address, cut, wait
from ..backend.regions.availability import loops_compile
from ..backend.runtime import engine_is_naive, mx
from ..backend.structures import are_same

_log = logging.getLogger(__name__)


class _Memory(NamedTuple):
    """Where the tensors of the last call are."""

    tensors: Sequence[Any] = ()
    """Weight, gradient, mean and variance of each parameter in turn."""
    pieces: Pieces = Pieces()
    kernels: Sequence[tuple[Any, int]] = ()
    """Weights of convolutions, each with its address. oneDNN puts their numbers into an order of its own when it
    uses them in prediction mode; to ask for the address puts them back."""


@mx.optimizer.register
class FusedAdam(mx.optimizer.Adam):
    """MXNet's Adam with the same options and results, compiled for the CPU.

    MXNet's ``adam_update`` is scalar code and is called once for each parameter. This is one loop over the memory
    of all parameters, compiled by numba and vectorised. On a GPU, for a dtype other than float32, for sparse
    gradients and where numba does not compile it is MXNet's own, with a warning.

    Examples
    --------
    >>> trainer = mx.gluon.Trainer(vae.collect_params(), "fusedadam", {"learning_rate": 1e-3})
    """

    name = "fusedadam"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aggregate_num = 2**31  # all parameters come in one call
        self._memory = _Memory()

    def __getstate__(self) -> dict[str, Any]:
        """Without addresses, which mean nothing to who loads it."""
        return {**self.__dict__, "_memory": _Memory()}

    def update_multi_precision(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter, or, given lists, several."""
        if not isinstance(index, (list, tuple)):
            index, weight, grad, state = [index], [weight], [grad], [state]
        if not self._look_up(weight, grad, state):
            for arguments in zip(index, weight, grad, state):
                super().update_multi_precision(*arguments)
            return
        self._update_count(index)
        if not engine_is_naive():
            wait(self._memory.tensors)
        steps = [self._index_update_count[i] for i in index]
        rates = [
            rate * math.sqrt(1 - self.beta2**step) / (1 - self.beta1**step)
            for rate, step in zip(self._get_lrs(index), steps)
        ]
        settings = (self.rescale_grad, self.clip_gradient or np.inf, self.beta1, self.beta2, self.epsilon)
        rows, sizes, addresses = self._memory.pieces
        of_pieces = (np.array(values, np.float32)[rows] for values in (rates, self._get_wds(index)))
        _kernel()(addresses, sizes, *of_pieces, tuple(map(np.float32, settings)))  # type: ignore[misc]

    def _look_up(self, weight: Sequence[Any], grad: Sequence[Any], state: Sequence[Any]) -> bool:
        """Find the memory of the tensors, where they are not those of the last call; False where the
        compiled loop cannot be used."""
        tensors = [tensor for w, g, pair in zip(weight, grad, state) for tensor in (w, g, *pair)]
        if are_same(tensors, self._memory.tensors) and all(
            address(tensor) == place for tensor, place in self._memory.kernels
        ):
            return True
        reason = _why_not(weight, grad)
        if reason is not None:
            _say_once(reason)
            return False
        wait(tensors)  # what is still to be computed has no memory yet
        pieces = cut([(w, g, *pair) for w, g, pair in zip(weight, grad, state)])
        kernels = [(tensor, address(tensor)) for tensor in weight if tensor.ndim > 2]
        self._memory = _Memory(tensors, pieces, kernels)
        return True


def _why_not(weight: Sequence[Any], grad: Sequence[Any]) -> Optional[str]:
    """Why these parameters cannot be updated by the compiled loop; None where they can."""
    for tensor in (*weight, *grad):
        if tensor.context.device_type == "gpu":
            return "the parameters are on a GPU"
        if tensor.dtype != np.float32:
            return f"the parameters are {np.dtype(tensor.dtype).name}"
        if tensor.stype != "default":
            return "there are sparse gradients"
    return "numba is not installed or does not compile" if _kernel() is None else None


@functools.cache
def _say_once(reason: str) -> None:
    _log.info("fusedadam is MXNet's own adam here: %s", reason)


@functools.cache
def _kernel() -> Optional[Callable[..., None]]:
    """The compiled loop; None where numba does not compile. numba is loaded only when it is used."""
    if not loops_compile():
        return None
    from ..backend.loops import adam

    return adam.step
