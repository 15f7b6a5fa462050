"""One step of training after another, on a device that may be behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.operators import BFLOAT16
from ..backend.runtime import is_gpu, mx
from ..evaluation.estimates import to_device
from ..objectives import Objective, Terms
from .schedules import Schedule

UNFIT_OPTIMIZERS = {"test", "groupadagrad"}
"""MXNet's own test, and one for the rows of embeddings only."""

UNREAD_ON_GPU = 25
"""Steps whose terms a GPU keeps to itself before they are read: while Python waits for it, nothing
new is asked of it."""


def steps_unread(ctx: Any) -> int:
    """How many steps are asked of a device before it is waited for; 1 waits at each."""
    return UNREAD_ON_GPU if is_gpu(ctx) else 1


class Stepper:
    """Takes steps of the optimizer, and adds up what they gave.

    The objective is read before the parameters are touched, as one step spreads a NaN to every one
    of them. A GPU works behind Python's back, and would stand still at each reading: there, several
    steps are read at once, and where one had no finite objective the parameters are put back to a
    copy that is known to be sound.

    Parameters
    ----------
    optimizer : a name that MXNet's optimizers are registered under.
    learning_rate, weights : numbers, or functions of the number of steps taken; the latter by the names
        of the bound's weights.
    """

    def __init__(
        self,
        bound: Objective,
        optimizer: str,
        learning_rate: Union[float, Schedule],
        weights: Mapping[str, Union[float, Schedule]],
    ) -> None:
        if np.dtype(bound.vae.dtype) == BFLOAT16:
            raise TypeError("MXNet's optimizers do not know bfloat16: train in float32, then vae.cast(BFLOAT16)")
        for name in weights:
            if name not in bound.adjustable:
                has = f"it has {', '.join(bound.adjustable)}" if bound.adjustable else "it has none"
                raise ValueError(f"{name} was given, but {type(bound).__name__} has no weight {name}: {has}")
        known = set(mx.optimizer.Optimizer.opt_registry) - UNFIT_OPTIMIZERS
        optimizer = checks.known_name("optimizer", optimizer, known)
        self.bound, self.taken = bound, 0
        self.rate = _schedule(learning_rate)
        self.weights = {name: (bound.adjustable[name], _schedule(value)) for name, value in weights.items()}
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
        """Add up anew."""
        self.seen = 0
        """Images whose terms have been read."""
        self.sums = np.zeros(3)
        """Of their bounds, log-likelihoods and KLs."""
        self._first_batch = True

    def step(self, batch: np.ndarray) -> None:
        """Take one, of what :func:`gluonvae.evaluation.estimates.model_batch` gave. Raises as :meth:`read` does."""
        self.trainer.set_learning_rate(self.rate(self.taken))
        for name, (owner, schedule) in self.weights.items():
            setattr(owner, name, schedule(self.taken))
        vae = self.bound.vae
        inputs = to_device(batch, vae)
        noise = _noise.normal_for(inputs, None, self.bound.noise_shape(len(batch)))
        # The data set was looked at as a whole: of what it gives, one batch an epoch is enough.
        compute = self.bound.checked_terms if self._first_batch else self.bound.unchecked_terms
        self._first_batch = False
        with mx.autograd.record():
            terms = compute(inputs, noise)
            loss = -terms.objective
        self._unread.append(terms)
        if self.taken % self._at_once == 0:
            self.read()
            self._keep_parameters()
        loss.backward()
        self.trainer.step(len(batch))
        self.taken += 1

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
            raise FloatingPointError(self._stop(of_steps[wrong], self._read + wrong + 1))
        self._read += len(sizes)
        self.seen += sum(sizes)
        self.sums += [values.sum(dtype=np.float64) for values in others]

    def _stop(self, objective: float, step: int) -> str:
        """Go back to parameters that are sound; returns what there is to say of it."""
        for parameter, values in self._kept:
            parameter.set_data(values)
        return (
            f"the objective is {objective} at step {step} (learning rate {self.trainer.learning_rate:g}); the "
            f"parameters are those before step {self._kept_before if self._kept else step}. "
            "A smaller learning rate is the usual cure"
        )

    def _keep_parameters(self) -> None:
        """Copy the parameters, where they may be spoilt before it shows."""
        if self._at_once > 1:
            parameters = self.bound.collect_params().values()
            self._kept = [(parameter, parameter.data(self.bound.vae.context).copy()) for parameter in parameters]
            self._kept_before = self.taken + 1


def _schedule(value: Union[float, Schedule]) -> Schedule:
    return value if callable(value) else lambda step: value
