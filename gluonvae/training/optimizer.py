"""Optimizers that update all parameters in one region, registered with MXNet's as "fusedadam" and the like."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from ..backend.memory import address, wait
from ..backend.regions.availability import loops_compile
from ..backend.regions.tables import Table
from ..backend.runtime import engine_is_naive, mx
from ..backend.structures import are_same

_log = logging.getLogger(__name__)


class InOneRegion:
    """Mixin of MXNet's optimizers whose update of all parameters is one region.

    A kind has a ``rule``, its ``settings``, and :meth:`rates_at`. On a GPU, for a dtype other than float32, for sparse
    gradients, with options in ``unknown`` and where numba does not compile it is MXNet's own, and a line in the log
    says so.
    """

    name: str
    unknown: Sequence[str] = ()
    """Options, off by default, that the region does not know."""
    _table: Any = None
    """A :class:`gluonvae.backend.regions.tables.Table` of the parameters of the last call."""
    _kernels: Sequence[tuple[Any, int]] = ()
    """Weights of convolutions, each with its address. oneDNN puts their numbers into an order of its own when it uses
    them in prediction mode; to ask for the address puts them back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.aggregate_num = 2**31  # all parameters come in one call

    def __getstate__(self) -> dict[str, Any]:
        """Without addresses, which mean nothing to who loads it."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_table", "_kernels")}

    @property
    def rule(self) -> str:
        """The name of the update."""
        raise NotImplementedError

    def settings(self: Any) -> Sequence[float]:
        """Return what the update takes beside gradients, learning rates and weight decays."""
        return self.rescale_grad, self.clip_gradient or np.inf

    def rates_at(self, steps: Sequence[int], rates: Sequence[float]) -> Iterable[float]:
        """Return the factors of the updates, of the parameters' numbers of steps and learning rates."""
        return rates

    def update_multi_precision(self: Any, index: Any, weight: Any, grad: Any, state: Any) -> None:
        """Update one parameter, or, given lists, several."""
        if not isinstance(index, (list, tuple)):
            index, weight, grad, state = [index], [weight], [grad], [state]
        if not self.look_up(weight, grad, state):
            for arguments in zip(index, weight, grad, state):
                super().update_multi_precision(*arguments)  # type: ignore[misc]
            return
        if not engine_is_naive():
            wait(self._table.tensors)
        self.update_table(index)

    def _update_count(self: Any, index: Any) -> None:
        """Count the updates of parameters, as MXNet does, which looks at each several times."""
        counts, begin = self._index_update_count, self.begin_num_update
        numbers = index if isinstance(index, (list, tuple)) else [index]
        for i in numbers:
            counts[i] = counts.get(i, begin) + 1
        self.num_update = max([self.num_update, *map(counts.__getitem__, numbers)])

    def _factors(self: Any, index: Sequence[int], of_parameter: str, of_name: Mapping[Any, float]) -> list[float]:
        """Return what the learning rates, or the weight decays, of parameters are multiplied by."""
        found, names = self.param_dict, self.idx2name
        return [
            getattr(found[i], of_parameter) if i in found else of_name.get(i, of_name.get(names.get(i), 1.0))
            for i in index
        ]

    def _get_lrs(self: Any, indices: Sequence[int]) -> list[float]:
        rate = self.learning_rate
        return [rate * factor for factor in self._factors(indices, "lr_mult", self.lr_mult)]

    def _get_wds(self: Any, indices: Sequence[int]) -> list[float]:
        return [self.wd * factor for factor in self._factors(indices, "wd_mult", self.wd_mult)]

    def update_table(self: Any, index: Sequence[int]) -> None:
        """Update the parameters that were looked up, whose numbers are ``index``."""
        self._update_count(index)
        table, settings = self._table, self.settings()
        table.numbers[0] = self.rates_at([self._index_update_count[i] for i in index], self._get_lrs(index))
        table.numbers[1] = self._get_wds(index)
        table.settings[: len(settings)] = settings
        table.run()

    def look_up(self: Any, weight: Sequence[Any], grad: Sequence[Any], state: Sequence[Any]) -> bool:
        """Find the memory of the tensors, where they are not those of the last call; False where the region cannot be
        used."""
        rows = [(w, g, *_states(of)) for w, g, of in zip(weight, grad, state)]
        tensors, table = [tensor for row in rows for tensor in row], self._table
        if table is not None and are_same(tensors, table.tensors) and self.is_there():
            return True
        reason = _why_not(weight, grad) or self._why_not_with_its_options()
        if reason is not None:
            _say_once(self.name, reason)
            return False
        wait(tensors)  # what is still to be computed has no memory yet
        self._table = Table(self.rule, rows)
        self._kernels = [(tensor, address(tensor)) for tensor in weight if tensor.ndim > 2]
        return True

    def _why_not_with_its_options(self) -> Optional[str]:
        used = [name for name in self.unknown if getattr(self, name)]
        return f"{used[0]} was given" if used else None

    def is_there(self) -> bool:
        """Return whether the tensors that were looked up are still where they were."""
        return all(address(tensor) == place for tensor, place in self._kernels)


def _states(state: Any) -> tuple[Any, ...]:
    if state is None:
        return ()
    return state if isinstance(state, tuple) else (state,)


@mx.optimizer.register
class FusedAdam(InOneRegion, mx.optimizer.Adam):
    """MXNet's Adam with the same options and results, compiled for the CPU, see :class:`InOneRegion`.

    MXNet's ``adam_update`` is scalar code and is called once for each parameter.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusedadam", {"learning_rate": 1e-3})
    """

    name = "fusedadam"
    rule = "adam"

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.beta1, self.beta2, self.epsilon

    def rates_at(self: Any, steps: Sequence[int], rates: Sequence[float]) -> Iterable[float]:
        corrections = {step: math.sqrt(1 - self.beta2**step) / (1 - self.beta1**step) for step in set(steps)}
        return [rate * corrections[step] for rate, step in zip(rates, steps)]


@mx.optimizer.register
class FusedSGD(InOneRegion, mx.optimizer.SGD):
    """MXNet's stochastic gradient descent, with or without momentum, in one region, see :class:`InOneRegion`.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusedsgd", {"learning_rate": 0.01, "momentum": 0.9})
    """

    name = "fusedsgd"

    @property
    def rule(self: Any) -> str:
        return "momentum" if self.momentum else "sgd"

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.momentum


@mx.optimizer.register
class FusedNAG(InOneRegion, mx.optimizer.NAG):
    """Stochastic gradient descent with Nesterov's momentum, in one region, see :class:`InOneRegion`.

    It has the options of MXNet's ``NAG``, and its results but for weight decay: MXNet's own takes the decay for the
    momentum at the weight that it has just updated.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusednag", {"learning_rate": 0.01, "momentum": 0.9})
    """

    name = "fusednag"

    @property
    def rule(self: Any) -> str:
        return "nesterov" if self.momentum else "sgd"

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.momentum


@mx.optimizer.register
class FusedRMSProp(InOneRegion, mx.optimizer.RMSProp):
    """MXNet's RMSProp in one region, see :class:`InOneRegion`; MXNet's own where it is centered or clips weights.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusedrmsprop", {"learning_rate": 1e-3})
    """

    name = "fusedrmsprop"
    rule = "rmsprop"
    unknown = ("centered", "clip_weights")

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.gamma1, self.epsilon


@mx.optimizer.register
class FusedAdaGrad(InOneRegion, mx.optimizer.AdaGrad):
    """MXNet's AdaGrad in one region, see :class:`InOneRegion`.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusedadagrad", {"learning_rate": 0.01})
    """

    name = "fusedadagrad"
    rule = "adagrad"

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.float_stable_eps


@mx.optimizer.register
class FusedAdamax(InOneRegion, mx.optimizer.Adamax):
    """MXNet's AdaMax in one region, see :class:`InOneRegion`.

    A parameter whose gradients were all 0, such as the weight of a pixel that is always black, stays as it is.
    MXNet's own divides 0 by 0 there, and makes it NaN.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "fusedadamax", {"learning_rate": 2e-3})
    """

    name = "fusedadamax"
    rule = "adamax"

    def settings(self: Any) -> Sequence[float]:
        return *super().settings(), self.beta1, self.beta2

    def rates_at(self: Any, steps: Sequence[int], rates: Sequence[float]) -> Iterable[float]:
        return [rate / (1 - self.beta1**step) for rate, step in zip(rates, steps)]


FUSED = {kind.name[len("fused") :]: kind.name for kind in InOneRegion.__subclasses__()}
"""Names of MXNet's optimizers, and of those here that take their place."""


def _why_not(weight: Sequence[Any], grad: Sequence[Any]) -> Optional[str]:
    """Why these parameters cannot be updated by the region; None where they can."""
    for tensor in (*weight, *grad):
        if tensor.context.device_type == "gpu":
            return "the parameters are on a GPU"
        if tensor.dtype != np.float32:
            return f"the parameters are {np.dtype(tensor.dtype).name}"
        if tensor.stype != "default":
            return "there are sparse gradients"
    return None if loops_compile() else "numba is not installed or does not compile"


@functools.cache
def _say_once(name: str, reason: str) -> None:
    _log.info("%s is MXNet's own %s here: %s", name, name.replace("fused", ""), reason)
