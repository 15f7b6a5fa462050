"""A training that diverges: where it did, why, and what would help.

The cause is found by trial: the step is computed once more with one thing changed, and what makes it finite was at
fault.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Optional

import numpy as np

from ..backend.finite import LARGEST
from ..backend.operators import as_numpy
from ..backend.runtime import mx
from ..backend.types import Structure
from ..batches import Batch, to_device
from ..networks.blocks import not_finite
from ..objectives import Objective
from ..outliers import find_outlier, row_name, without
from ..weights import find_weights, set_weight
from .state import State, Trained

LOOK_AT_DATUM = "Correct or clip that value, or standardise the data"

LARGE_WEIGHT = 100.0
"""From where on a weight is told beside the learning rate."""

RUINOUS = 1e4
"""How many spreads an outlier of the step before must have to be the reason of bad parameters."""


class Diverged(FloatingPointError):
    """The objective, a gradient or a buffer is not finite in a step of training.

    Attributes
    ----------
    step : int
        The step, from 1.
    parameters_before : int
        The step before which the model had the parameters that it has now.
    """

    def __init__(self, message: str, step: int, parameters_before: int) -> None:
        super().__init__(message)
        self.step, self.parameters_before = step, parameters_before


class Taken(NamedTuple):
    """A step: what it was given, and what came of it."""

    step: int
    """Counted from 1."""
    rate: float
    batch: Batch
    rows: Optional[np.ndarray]
    """Where the batch is in the data set, ``(B,)``."""
    noise: Structure
    terms: Any
    """:class:`gluonvae.objectives.Terms`; None once they are read."""
    unsound: Any
    """0, or NaN where a gradient or a buffer is not finite."""

    def describe(self, wrong: Sequence[str]) -> str:
        """Say what is not finite: the objective and its terms or, where they are, the first of ``wrong``."""
        at = f"at step {self.step} (learning rate {self.rate:g})"
        objective = as_numpy(self.terms.objective).sum(dtype=np.float64)
        if np.isfinite(objective):
            return f"{wrong[0] if wrong else 'a gradient is not finite'} {at}"
        for name, term in (("log-likelihood", self.terms.log_likelihood), ("KL", self.terms.kl)):
            rows = np.flatnonzero(~np.isfinite(as_numpy(term)))
            if len(rows):
                of = row_name(rows[0], self.rows) if len(rows) < term.size else "every row of the batch"
                return f"the objective is {objective} {at}: the {name} of {of} is {as_numpy(term)[rows[0]]}"
        return f"the objective is {objective} {at}, though log-likelihood and KL are finite"


class Cause(NamedTuple):
    """Why a step is not finite."""

    reason: str
    cure: str
    good: Optional[State] = None
    """Where the parameters are no longer good, those to go back to."""


class Outcome(NamedTuple):
    """What comes of a step when it is computed once more."""

    objective: np.ndarray
    """``(B,)``."""
    wrong: Sequence[str] = ()
    """The gradients and buffers that are not finite."""

    @property
    def sound(self) -> bool:
        """Whether all is finite."""
        return bool(np.isfinite(self.objective).all()) and not self.wrong


class Diagnosis:
    """Looks for the cause why a step is not finite.

    Parameters
    ----------
    bound : Objective
        The bound, with the parameters and buffers from before the step.
    trained : Trained
        Its parameters.
    taken, previous : Taken
        The step, and the one before it.
    states : sequence of State
        The parameters before earlier steps.
    """

    def __init__(
        self, bound: Objective, trained: Trained, taken: Taken, previous: Optional[Taken], states: Sequence[State]
    ) -> None:
        self.bound, self.trained, self.taken, self.previous, self.states = bound, trained, taken, previous, states
        self.data = as_numpy(taken.batch.data)
        self.outcome = self._replay()

    def cause(self) -> Cause:
        """Return the cause."""
        broken = not_finite(self.bound.vae) or not_finite(self.bound)
        if broken and not self.states:
            return Cause(f"{broken[0]} was not finite to begin with", "Initialise the model, or load other parameters")
        if broken:
            return self._of_update(f"an update has made {broken[0]} infinite or NaN", self._best_state())
        if self.outcome.sound:
            return self._of_update("computed once more, it is finite", self._best_state())
        return self._of_datum() or self._of_earlier_update() or self._of_weight() or self._of_bound()

    def _replay(self, **inputs: np.ndarray) -> Outcome:
        """Compute the step with the parameters of now, and another ``data`` or ``label`` where it is given.

        Buffers are left alone.
        """
        trained, taken = self.trained, self.taken
        before = State.copy(trained.buffers(), taken.step)
        batch = taken.batch._replace(**{name: to_device(self.bound.vae, values) for name, values in inputs.items()})
        trained.clear_gradients()
        with mx.autograd.record():
            objective = self.bound.terms(batch.data, taken.noise, batch.label, validated=True).objective
            loss = -objective
        loss.backward()
        changed = zip(trained.changed_names(), map(as_numpy, trained.changed()))
        wrong = [f"{name} {_what_is_wrong(values)}" for name, values in changed if not _is_small(values)]
        before.restore()
        return Outcome(as_numpy(objective), wrong)

    def _of_datum(self) -> Optional[Cause]:
        """Find whether the step is finite without the value that stands out most in the batch."""
        wrong = np.flatnonzero(~np.isfinite(self.outcome.objective))
        some = 0 < len(wrong) < len(self.data)
        for name, values in zip(Batch._fields, map(as_numpy, self.taken.batch.inputs)):
            outlier = find_outlier(values, wrong if some else None)
            if outlier is None:
                continue
            repaired = self._replay(**{name: without(values, outlier)})
            if np.isfinite(repaired.objective[outlier.row]) if some else repaired.sound:
                return Cause(outlier.describe(self.taken.rows, name), LOOK_AT_DATUM)
        return None

    def _of_weight(self) -> Optional[Cause]:
        """Find whether the step is finite with 1, or what is nearest to it, in the place of a weight."""
        for name, owner in find_weights(self.bound).items():
            weight, value = getattr(type(owner), name), getattr(owner, name)
            set_weight(owner, name, min(max(1.0, weight.minimum), weight.maximum))
            sound = self._replay().sound
            set_weight(owner, name, value)
            if sound:
                return Cause(f"{name} is {value:g}", f"Choose a {name} nearer 1")
        return None

    def _of_earlier_update(self) -> Optional[Cause]:
        """Find whether the step is finite with earlier parameters."""
        good = self._best_state()
        if good is None:
            return None
        return self._of_update(f"with the parameters from before step {good.step} it is finite", good)

    def _best_state(self) -> Optional[State]:
        """Return that of the states whose parameters have the highest objective on the batch; None where it is not
        finite with any."""
        now, sound = State.copy(self.trained.parameters, self.taken.step), []
        for state in self.states:
            state.restore()
            outcome = self._replay()
            if outcome.sound:
                sound.append((outcome.objective.mean(dtype=np.float64), state))
        now.restore()
        return max(sound, key=operator.itemgetter(0))[1] if sound else None

    def _of_update(self, reason: str, good: Optional[State]) -> Cause:
        """Parameters that are no longer good, by the rate, a weight, or a value in the batch before."""
        good = good or (self.states[0] if self.states else None)
        outlier = None if self.previous is None else find_outlier(as_numpy(self.previous.batch.data))
        if self.previous is not None and outlier is not None and outlier.spreads > RUINOUS:
            return Cause(
                f"{reason}, and in the step before {outlier.describe(self.previous.rows)}", LOOK_AT_DATUM, good
            )
        large = [f"{name}, now {value:g}," for name, value in self.bound.weights.items() if value > LARGE_WEIGHT]
        return Cause(reason, f"A smaller {' or '.join(['learning rate', *large])} is the usual cure", good)

    def _of_bound(self) -> Cause:
        """What is left: data that are all too large, or the bound."""
        largest = float(np.fmax.reduce(np.abs(self.data), axis=None))  # of those that are not missing
        if 1 < largest < np.inf and self._replay(data=self.data / np.float32(largest)).sound:
            return Cause(f"the data of the batch reach {largest:.3g}", "Standardise the data")
        return Cause(
            "no update and no single value is to blame",
            "Call the bound imperatively on this batch, and look for a logarithm, a root or a division of 0",
        )


def _is_small(values: np.ndarray) -> bool:
    return bool((np.abs(values) <= LARGEST).all())


def _what_is_wrong(values: np.ndarray) -> str:
    largest = np.abs(values).max()  # NaN where one is
    return f"has {largest:.3g}, whose square float32 does not hold," if np.isfinite(largest) else f"has {largest}"
