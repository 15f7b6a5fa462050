"""One step of training after another, on a device that may be behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..backend.operators import BFLOAT16
from ..backend.runtime import is_gpu, mx
from ..batches import Batch
from ..objectives import Objective, Terms
from ..weights import find_weights, set_weight
from .schedules import Schedule, Scheduled

UNFIT_OPTIMIZERS = {"test", "groupadagrad"}
"""MXNet's own test, and one for the rows of embeddings only."""

UNREAD_ON_GPU = 25
"""Steps whose terms a GPU keeps to itself before they are read: while Python waits for it, nothing
new is asked of it."""


def steps_unread(ctx: Any) -> int:
    """Return after how many steps a device is waited for."""
    return UNREAD_ON_GPU if is_gpu(ctx) else 1


class Stepper:
    """Steps of an optimizer, and the sums of the terms of the bound.

    The objective is read before the parameters are updated, as one step spreads a NaN to all of them. A GPU
    runs asynchronously and would be idle at each reading: there the terms of several steps are read at once, and
    where an objective was not finite the parameters are restored from a copy.

    Parameters
    ----------
    bound : Objective
        The bound.
    optimizer : str
        Name of one of MXNet's optimizers.
    learning_rate : float or callable
        A number, or a function of the number of steps taken.
    weights : mapping
        Values of weights of the bound by name, likewise.
    """

    def __init__(
        self, bound: Objective, optimizer: str, learning_rate: Scheduled, weights: Mapping[str, Scheduled]
    ) -> None:
        if np.dtype(bound.vae.dtype) == BFLOAT16:
            raise TypeError("MXNet's optimizers do not know bfloat16: train in float32, then vae.cast(BFLOAT16)")
        owners = find_weights(bound)
        for name in weights:
            if name not in owners:
                has = ", ".join(owners) or "none"
                raise ValueError(f"{name} was given, but {type(bound).__name__} has no weight {name}: it has {has}")
        known = set(mx.optimizer.Optimizer.opt_registry) - UNFIT_OPTIMIZERS
        optimizer = checks.known_name("optimizer", optimizer, known)
        self.bound, self.taken = bound, 0
        self.in_step = False
        """Whether a step is under way, or was cut off by an exception."""
        self.rate = _schedule(learning_rate)
        self.weights = {name: (owners[name], _schedule(value)) for name, value in weights.items()}
        """What has each number that changes, and its schedule."""
        rate = self.rate(0)
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"learning_rate must be positive, got {rate}")
        self.trainer = mx.gluon.Trainer(bound.collect_params(), optimizer, {"learning_rate": rate})
        self._at_once = steps_unread(bound.vae.context)
        self._unread: list[Terms] = []
        self._read = 0  # steps
        self._kept: list[tuple[Any, Any]] = []  # parameters, each with its values before step _kept_before
        self._kept_before = 1
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
        return {"learning_rate": self.rate, **{name: schedule for name, (_, schedule) in self.weights.items()}}

    def resume(self, taken: int, seen: int, sums: np.ndarray) -> None:
        """Go on after ``taken`` steps, in an epoch of which ``seen`` images have been added up to ``sums``."""
        self.taken = self._read = taken
        self.seen, self.sums = seen, sums

    def step(self, batch: Batch) -> None:
        """Take one step. Raises as :meth:`read` does."""
        self.in_step = True
        self.trainer.set_learning_rate(self.rate(self.taken))
        for name, (owner, schedule) in self.weights.items():
            set_weight(owner, name, schedule(self.taken))
        noise = self.bound.draw_noise(len(batch.data))
        # The data set was looked at as a whole: of what it gives, one batch an epoch is enough.
        validated, self._first_batch = not self._first_batch, False
        with mx.autograd.record():
            terms = self.bound.terms(batch.data, noise, batch.label, validated)
            loss = -terms.objective
        self._unread.append(terms)
        if self.taken % self._at_once == 0:
            self.read()
            self._keep_parameters()
        loss.backward()
        self.trainer.step(len(batch.data))
        self.taken += 1
        self.in_step = False

    def read(self) -> None:
        """Add up the steps that were not read yet.

        Raises FloatingPointError where one of their objectives is not finite.
        """
        if not self._unread:
            return
        sizes = [len(terms.objective) for terms in self._unread]
        # step after step of objectives, then of bounds, ...: all in one go from the device
        columns = [term for column in zip(*self._unread) for term in column]
        objective, *others = mx.nd.concat(*columns, dim=0).asnumpy().reshape(len(Terms._fields), -1)
        self._unread = []
        of_steps = np.add.reduceat(objective, np.cumsum([0, *sizes[:-1]]), dtype=np.float64)
        if not np.isfinite(of_steps).all():
            wrong = int(np.argmin(np.isfinite(of_steps)))
            step = self._read + wrong + 1
            for parameter, values in self._kept:
                parameter.set_data(values)
            raise FloatingPointError(
                f"the objective is {of_steps[wrong]} at step {step} (learning rate {self.trainer.learning_rate:g}); "
                f"the parameters are those before step {self._kept_before if self._kept else step}. "
                "A smaller learning rate is the usual cure"
            )
        self._read += len(sizes)
        self.seen += sum(sizes)
        self.sums += [values.sum(dtype=np.float64) for values in others]

    def _keep_parameters(self) -> None:
        """Copy the parameters, where they may be spoilt before it shows."""
        if self._at_once > 1:
            parameters = self.bound.collect_params().values()
            self._kept = [(parameter, parameter.data(self.bound.vae.context).copy()) for parameter in parameters]
            self._kept_before = self.taken + 1


def _schedule(value: Scheduled) -> Schedule:
    return value if callable(value) else lambda step: value
