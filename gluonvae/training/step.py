"""One step of training after another, on a device that may be behind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn, Optional

import numpy as np

from ..backend.control_flow import is_foreign
from ..backend.finite import FiniteCheck
from ..backend.memory import read_values
from ..backend.operators import BFLOAT16
from ..backend.runtime import is_gpu, mx
from ..backend.static_graphs import UsedAlone
from ..backend.types import Structure, Tensor
from ..batches import Batch
from ..networks.blocks import names, not_finite
from ..objectives import Objective, Terms
from ..weights import find_weights, set_weight
from .divergence import Diagnosis, Diverged, Taken
from .schedules import Schedule, Scheduled, constant
from .state import State, Trained
from .trainers import Optimizer, make_trainer
from .updates import Updates

DIVIDE_BY_RATE = {"ftml", "ftrl", "sgld"}
"""Optimizers whose update is NaN, or an error, with a rate of 0: they take no step then."""

KEPT_EACH = 50
"""Steps after which the parameters are copied, so that there are good ones when a later update has spoilt them."""

UNREAD_ON_GPU = 25
"""Steps whose terms a GPU keeps to itself before they are read: while Python waits for it, nothing
new is asked of it."""


def steps_unread(ctx: Any) -> int:
    """Return after how many steps a device is waited for."""
    return UNREAD_ON_GPU if is_gpu(ctx) else 1


class Stepper:
    """Steps of an optimizer, and the sums of the terms of the bound.

    The objective, the gradients and the buffers are looked at before the parameters are updated, as one step spreads
    a NaN to all of them. A GPU runs asynchronously and would be idle at each reading: there several steps are read
    at once, and where one was not finite the parameters are restored from a copy. So they are where it is an earlier
    update that has spoilt them, from the better of two copies.

    Parameters
    ----------
    bound : Objective
        The bound.
    optimizer : str, mx.optimizer.Optimizer or gluon.Trainer
        See :func:`gluonvae.training.trainers.make_trainer`.
    learning_rate : float or callable, optional
        A number, or a function of the number of steps taken; left out, that of the optimizer.
    weights : mapping
        Values of weights of the bound by name, likewise.
    optimizer_params : mapping, optional
        Options of the optimizer.
    **updates
        Further arguments of :class:`gluonvae.training.updates.Updates`.
    """

    def __init__(
        self,
        bound: Objective,
        optimizer: Optimizer,
        learning_rate: Optional[Scheduled],
        weights: Mapping[str, Scheduled],
        optimizer_params: Optional[Mapping[str, Any]] = None,
        **updates: Any,
    ) -> None:
        if np.dtype(bound.vae.dtype) == BFLOAT16:
            raise TypeError("MXNet's optimizers do not know bfloat16: train in float32, then vae.cast(BFLOAT16)")
        owners = find_weights(bound)
        for name in weights:
            if name not in owners:
                has = ", ".join(owners) or "none"
                raise ValueError(f"{name} was given, but {type(bound).__name__} has no weight {name}: it has {has}")
        self.trainer, learning_rate = make_trainer(bound, optimizer, optimizer_params, learning_rate)
        self.bound, self.taken = bound, 0
        self.is_settled = True
        """Whether the parameters are those between two steps. It is set after a step by who keeps count of them."""
        self.rate = None if learning_rate is None else _schedule(learning_rate)
        """The schedule of the learning rate; None where the optimizer has its own."""
        self.weights = {name: (owners[name], _schedule(value)) for name, value in weights.items()}
        """What has each number that changes, and its schedule."""
        if self.rate is not None:
            rate = _rate(self.rate, 0)
            if not (rate > 0 or callable(learning_rate)):
                raise ValueError(f"learning_rate must be positive, got {rate}")
        self.updates = Updates(self.trainer, apply=self._apply, **updates)
        self._update = self.updates.update if self.updates.have_effect else self._apply
        self._divides_by_rate = type(self.trainer._optimizer).__name__.lower() in DIVIDE_BY_RATE
        self.trained = Trained(bound)
        self._at_once = steps_unread(bound.vae.context)
        self._check, self._check_values = (FiniteCheck(waits=self._at_once == 1) for _ in range(2))
        # a bound of the user's own may use parameters beside its graph
        self._used_alone = None if is_foreign(type(bound)) else UsedAlone(bound)
        self._unread: list[Taken] = []
        self._last: Optional[Taken] = None
        """The last step that was read."""
        self._kept_each = self._at_once if self._at_once > 1 else KEPT_EACH
        self._kept: list[State] = []
        """The parameters before two earlier steps."""
        self.start_epoch()

    def start_epoch(self) -> None:
        """Start new sums."""
        self.seen = 0
        """Images whose terms have been read."""
        self.sums = np.zeros(3)
        """Of their bounds, log-likelihoods and KLs."""
        self._first_batch = True

    @property
    def schedules(self) -> dict[str, Schedule]:
        """The schedule of the learning rate, and those of weights, by name."""
        rate = self.trainer._optimizer.lr_scheduler if self.rate is None else self.rate
        return {"learning_rate": rate, **{name: schedule for name, (_, schedule) in self.weights.items()}}

    def resume(self, taken: int, seen: int, sums: np.ndarray) -> None:
        """Go on after ``taken`` steps, in an epoch of which ``seen`` images have been added up to ``sums``."""
        self.taken, self.seen, self.sums = taken, seen, sums
        self._kept = [State.copy(self.trained.parameters, taken + 1)]

    def step(self, batch: Optional[Batch], rows: Optional[np.ndarray] = None) -> None:
        """Take one step.

        Parameters
        ----------
        batch : Batch
            What is learnt from; of a :class:`gluonvae.training.shared_step.SharedStepper` its own part, which may be
            None.
        rows : np.ndarray, optional
            Where the batch is in the data set, ``(B,)``, for messages.

        Raises
        ------
        ValueError, TypeError
            For a learning rate or a weight that cannot be.
        Diverged
            As :meth:`read`.
        """
        rate = self._set_rate_and_weights()
        self._buffers = State.copy(self.trained.buffers(), self.taken + 1)
        try:
            self._differentiate(batch, rows, rate)
        except Diverged:
            raise
        except BaseException:
            self._buffers.restore()  # the parameters have not been touched
            raise
        self.is_settled = False
        if self.taken % self._kept_each == 0:
            self._kept = [*self._kept[-1:], State.copy(self.trained.parameters, self.taken + 1)]
        if rate > 0 or not self._divides_by_rate:
            self._update(len(rows) if rows is not None else len(batch.data) if batch else 0)
        self.taken += 1

    def _apply(self, divisor: float) -> None:
        """Update the parameters by their gradients, divided by a number."""
        self.trainer.step(divisor)

    def _differentiate(self, batch: Optional[Batch], rows: Optional[np.ndarray], rate: float) -> None:
        """Compute the gradients of a step, and look at them."""
        assert batch is not None
        noise = self.bound.draw_noise(len(batch.data))
        terms, changed = self._compute(batch, noise)
        unsound = self._check(changed)
        self._unread.append(Taken(self.taken + 1, rate, batch, rows, noise, terms, unsound))
        if self.taken % self._at_once == 0:
            self.read()

    def _compute(self, batch: Batch, noise: Structure) -> tuple[Terms, Sequence[Tensor]]:
        """Compute the terms of a batch and the gradients; return the terms, and what has changed."""
        # before it is traced, sizes may be left to the first call, and there are no gradients
        alone = self._used_alone if self.bound._cached_op is not None else None
        changed = self.trained.changed() if alone else []
        with mx.autograd.record(), self.bound.only_objective(), alone(changed) if alone else nullcontext():
            terms = self.bound.terms(batch.data, noise, batch.label, self._validated())
            loss = -terms.objective
        with self._watched():
            loss.backward()
        return terms, changed or self.trained.changed()

    def _watched(self) -> AbstractContextManager[None]:
        """Context manager of a step's backward pass."""
        return nullcontext()

    def _validated(self) -> bool:
        """Whether a batch need not be looked at: the data were as a whole, and of what they give one an epoch is."""
        validated, self._first_batch = not self._first_batch, False
        return validated

    def finish_epoch(self) -> None:
        """Take the update of what has been accumulated, and look at the sums and the parameters."""
        self.read()
        self.is_settled = False
        self.updates.finish()
        self.is_settled = True
        self.check_parameters()

    def check_parameters(self) -> None:
        """Raise Diverged where the last update has made a parameter infinite or NaN, with the parameters restored."""
        values = [parameter.list_data()[0] for parameter in self.trained.parameters if parameter._data is not None]
        found = self._check_values(values)
        if math.isfinite(found if isinstance(found, float) else float(found.asscalar())):
            return
        broken = not_finite(self.bound)
        if not broken or not self._kept:  # large, but finite
            return
        good = next((state for state in reversed(self._kept) if state.is_finite()), self._kept[0])
        good.restore()
        raise Diverged(
            f"an update has made {names(broken)} infinite or NaN at step {self.taken} (learning rate "
            f"{self.trainer.learning_rate:g}). The parameters are those before step {good.step}. A smaller learning "
            "rate is the usual cure",
            self.taken,
            good.step,
        )

    def _set_rate_and_weights(self) -> float:
        """Set what changes from step to step, and return the learning rate."""
        if self.rate is None:
            rate = self.trainer.learning_rate
        else:
            rate = _rate(self.rate, self.taken)
            self.trainer.set_learning_rate(rate)
        for name, (owner, schedule) in self.weights.items():
            value = _value(name, schedule, self.taken)
            try:
                set_weight(owner, name, value)
            except ValueError as error:
                raise ValueError(f"{error} at step {self.taken + 1}") from error
        return rate

    def read(self) -> None:
        """Add up the steps that were not read yet.

        Raises
        ------
        Diverged
            Where an objective, a gradient or a buffer is not finite. The parameters are then the last good ones.
        """
        if not self._unread:
            return
        unread, self._unread = self._unread, []
        if self._at_once == 1:
            self._read_now(unread[0])
            return
        sizes = [len(taken.terms.objective) for taken in unread]
        # step after step of objectives, then of bounds, ...; all in one go
        columns = [term for column in zip(*(taken.terms for taken in unread)) for term in column]
        late = [taken.unsound for taken in unread if not isinstance(taken.unsound, float)]
        numbers = mx.nd.concat(*columns, *(x.astype(columns[0].dtype) for x in late), dim=0).asnumpy()
        checks = numbers[len(numbers) - len(late) :] if late else [taken.unsound for taken in unread]
        terms = numbers[: len(numbers) - len(late)]
        objective, *others = terms.reshape(len(Terms._fields), -1)
        of_steps = np.add.reduceat(objective, np.cumsum([0, *sizes[:-1]]), dtype=np.float64) + checks
        if not np.isfinite(of_steps).all():
            wrong = int(np.argmin(np.isfinite(of_steps)))
            self._diverge(unread[wrong], unread[wrong - 1] if wrong else self._last)
        self._note(unread[-1])
        self.seen += sum(sizes)
        self.sums += [values.sum(dtype=np.float64) for values in others]

    def _read_now(self, taken: Taken) -> None:
        """Add up a step on the CPU, see :meth:`read`."""
        objective, *others = (read_values(term).sum(dtype=np.float64) for term in taken.terms)
        unsound = taken.unsound if isinstance(taken.unsound, float) else float(taken.unsound.asscalar())
        if not math.isfinite(objective + unsound):
            self._diverge(taken, self._last)
        self.seen += len(taken.terms.objective)
        self.sums += others
        self._note(taken)

    def _note(self, taken: Taken) -> None:
        """Keep what a step was given; its terms would keep the memory of its graph, and the next step take another."""
        self._last = taken._replace(terms=None)

    def _diverge(self, taken: Taken, previous: Optional[Taken]) -> NoReturn:
        """Go back to good parameters, and raise Diverged with the cause."""
        # on a GPU the parameters have been spoilt since
        before = self._kept[-1] if self._kept and self._at_once > 1 else self._buffers
        before.restore()
        diagnosis = Diagnosis(self.bound, self.trained, taken, previous, self._kept)
        cause = diagnosis.cause()
        if cause.good is not None:
            before = cause.good
            before.restore()
        self.trained.clear_gradients()
        raise Diverged(
            f"{taken.describe(diagnosis.outcome.wrong)}; {cause.reason}. The parameters are those before step "
            f"{before.step}. {cause.cure}",
            taken.step,
            before.step,
        )


def _rate(schedule: Schedule, step: int) -> float:
    """A learning rate, 0 at times, as where it rises from there."""
    rate = _value("learning_rate", schedule, step)
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"learning_rate must be a finite number, not negative, got {rate} at step {step + 1}")
    return rate


def _value(name: str, schedule: Schedule, step: int) -> float:
    value = schedule(step)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a number, got {value!r} at step {step + 1}") from error


def _schedule(value: Scheduled) -> Schedule:
    return value if callable(value) else constant(value)
