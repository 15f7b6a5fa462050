"""Gluon's Trainer, whose step takes no time in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from ..backend.runtime import engine_is_naive, mx
from ..distributed.gradients import GradientSum
from ..distributed.joining import current
from .optimizer import FUSED, InOneRegion


class _Known(NamedTuple):
    """Parameters, and what they had when the optimizer looked up where it is in memory."""

    table: Any
    parameters: Sequence[Any]
    numbers: Sequence[int]
    arrays: Sequence[Any]
    gradients: Sequence[Any]
    states: Sequence[Any]
    frozen: Sequence[Any]
    """The parameters that are not learnt."""

    @classmethod
    def of(cls, trainer: Any, learnt: Sequence[tuple[int, Any]], table: Any) -> _Known:
        """Take down what a trainer has."""
        numbers, parameters = [i for i, _ in learnt], [p for _, p in learnt]
        states = [trainer._updaters[0].states[i] for i in numbers]
        arrays, gradients = [p._data[0] for p in parameters], [p._grad[0] for p in parameters]
        frozen = [p for p in trainer._params if p.grad_req == "null"]
        return cls(table, parameters, numbers, arrays, gradients, states, frozen)

    def holds(self, trainer: Any) -> bool:
        """Return whether it is the same still."""
        optimizer, states = trainer._optimizer, trainer._updaters[0].states
        if optimizer._table is not self.table:
            return False
        for p, i, array, gradient, state in zip(*self[1:-1]):
            if p._data[0] is not array or not p._grad or p._grad[0] is not gradient or states.get(i) is not state:
                return False
        return all(p.grad_req == "null" for p in self.frozen) and optimizer.is_there()


class Trainer(mx.gluon.Trainer):  # type: ignore[misc,unused-ignore]
    """Gluon's Trainer with the same arguments and results, in whose step Python has little to do.

    "adam", "adamax", "adagrad", "nag", "rmsprop" and "sgd" are :class:`gluonvae.training.optimizer.FusedAdam` and its
    like. With these, on the CPU and without a KVStore, a step looks at the gradients and updates all parameters in one
    region.

    Where there are several workers, see :mod:`gluonvae.distributed`, a step takes the sum of their gradients, and is
    given the number of data points that all of them have seen. The parameters are then those of rank 0 from the start.

    Parameters
    ----------
    params : ParameterDict or sequence of Parameter
        What is learnt.
    optimizer : str or mx.optimizer.Optimizer
        The optimizer.
    optimizer_params : mapping, optional
        Its options, such as ``{"learning_rate": 1e-3}``.
    kvstore : str, optional
        See ``gluon.Trainer``; by default there is one only where there are several devices.
    **kwargs
        See ``gluon.Trainer``.

    Raises
    ------
    ValueError
        For a KVStore between processes, whose replicas would differ, and, where there are several workers, for
        parameters whose sizes are left to the first call.

    Examples
    --------
    >>> trainer = gluonvae.Trainer(vae.collect_params(), "adam", {"learning_rate": 1e-3})
    >>> with autograd.record():
    ...     loss = -bound(data)
    >>> loss.backward()
    >>> trainer.step(len(data))
    """

    _known: Optional[_Known] = None
    """What the optimizer has looked up, if that was of all parameters."""

    def __init__(
        self,
        params: Any,
        optimizer: Any,
        optimizer_params: Optional[Mapping[str, Any]] = None,
        kvstore: Optional[str] = "device",
        **kwargs: Any,
    ) -> None:
        if isinstance(optimizer, str):
            optimizer = FUSED.get(optimizer.lower(), optimizer)
        if "dist" in getattr(kvstore, "type", str(kvstore)):
            raise ValueError(
                f"kvstore={kvstore!r} would leave workers with different parameters: leave it out, and start them with "
                "gluonvae launch, mpirun, srun or horovodrun"
            )
        group = current()
        super().__init__(params, optimizer, optimizer_params, kvstore if group.is_alone else None, **kwargs)
        self._sum = None if group.is_alone else GradientSum(self._params, group)
        make_same(self._params, group)

    def _allreduce_grads(self) -> None:
        if self._sum is None:
            super()._allreduce_grads()
        else:
            self._sum.run()

    def _update(self, ignore_stale_grad: bool = False) -> None:
        known = self._known
        if ignore_stale_grad or known is None or not known.holds(self):
            super()._update(ignore_stale_grad)
            self._look_up()
        elif known.table.find_stale() >= 0:
            super()._update()  # which raises, and says of which parameter
        else:
            self._optimizer.update_table(known.numbers)

    def _look_up(self) -> None:
        """Remember what was updated, where the next update can be of the same."""
        self._known = None
        one_device = len(self._contexts or ()) == 1 and not self._kvstore and not hasattr(self, "_amp_loss_scaler")
        table = getattr(self._optimizer, "_table", None)
        if one_device and engine_is_naive() and isinstance(self._optimizer, InOneRegion) and table is not None:
            learnt = [(i, p) for i, p in enumerate(self._params) if p.grad_req != "null"]
            if len(learnt) == len(table.addresses):
                self._known = _Known.of(self, learnt, table)


def make_same(parameters: Sequence[Any], group: Any) -> None:
    """Give parameters the values that they have in rank 0.

    Raises
    ------
    ValueError
        For parameters whose sizes are left to the first call.
    """
    if group.is_alone:
        return
    for parameter in parameters:
        if parameter._data is None:
            raise ValueError(
                f"{parameter.name} is not initialised, or its size is left to the first call: where there are several "
                "workers, initialise the model and call it once before the trainer is made"
            )
    values = [parameter.list_data()[0] for parameter in parameters]
    group.broadcast(values)
    for parameter, value in zip(parameters, values):
        parameter.set_data(value)
