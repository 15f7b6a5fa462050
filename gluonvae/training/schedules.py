"""What changes with the number of steps taken: a learning rate, or the weight β of the KL.

A schedule is anything called with a step number that returns a float; MXNet's and gluoncv's
learning rate schedulers are. Most of those made here are gluoncv's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from .. import checks
from ..backend.runtime import import_quietly
from .callbacks import Callback, Watching
from .metrics import Metrics
from .serialization import set_state, state_of

if TYPE_CHECKING:
    from .loop import Training

Schedule = Callable[[int], float]
"""A function of the number of steps taken."""
Scheduled = Union[float, Schedule]
"""A number, or how it changes from step to step."""


def linear(start: float, end: float, steps: int) -> Schedule:
    """Return the schedule from ``start`` to ``end`` in equal steps.

    Parameters
    ----------
    start, end : float
        The first value, and that from step ``steps`` on.
    steps : int

    Returns
    -------
    callable
        A function of the number of steps taken.

    Raises
    ------
    ValueError
        Where a number is not finite, or ``steps`` not positive.
    """
    return _gluoncv("linear", start, end, steps)


def exponential(start: float, end: float, steps: int) -> Schedule:
    """Return the schedule from ``start`` to ``end`` by equal factors, as a temperature falls.

    Parameters
    ----------
    start, end, steps
        See :func:`linear`; ``start`` and ``end`` are positive.

    Raises
    ------
    ValueError
        Where one of them is not positive, or not finite.
    """
    start, end = checks.finite_number("start", start), checks.finite_number("end", end)
    if not (start > 0 and end > 0):
        raise ValueError(f"start and end must be positive, got {start} and {end}")
    steps = checks.positive_int("steps", steps)
    return lambda step: start * (end / start) ** min(step / steps, 1.0)


def cosine(start: float, end: float, steps: int) -> Schedule:
    """Return the schedule from ``start`` to ``end`` along half a cosine.

    Loshchilov and Hutter 2017, equation 5, without restarts.

    Parameters
    ----------
    start, end, steps
        See :func:`linear`.
    """
    return _gluoncv("cosine", start, end, steps)


def cyclical(steps: int, cycles: int = 4, ramp: float = 0.5, end: float = 1.0, start: float = 0.0) -> Schedule:
    """Return the schedule of cycles that each rise linearly from ``start`` to ``end`` and stay there.

    Fu et al. 2019, equation 6.

    Parameters
    ----------
    steps : int
        Number of steps of all cycles together.
    cycles : int
        Number of cycles.
    ramp : float
        Fraction of a cycle over which it rises.
    end, start : float

    Raises
    ------
    ValueError
        Where a cycle has less than four steps, or ``ramp`` is not inside (0, 1).
    """
    checks.positive_int("cycles", cycles)
    if not 0 < ramp < 1:
        raise ValueError(f"ramp must lie between 0 and 1, got {ramp}")
    if steps < 4 * cycles:
        raise ValueError(f"{cycles} cycles need at least {4 * cycles} steps, got {steps}")
    edges = [round(steps * cycle / cycles) for cycle in range(cycles + 1)]
    pieces = []
    for length in (after - before for before, after in zip(edges, edges[1:])):
        rise = max(2, round(length * ramp))
        pieces += [_gluoncv("linear", start, end, rise), _gluoncv("constant", end, end, length - rise)]
    return import_quietly("gluoncv.utils").LRSequential(pieces)


def step(start: float, at: Sequence[int], factor: float = 0.1) -> Schedule:
    """Return the schedule that begins with ``start`` and is multiplied by ``factor`` at some steps.

    Parameters
    ----------
    start : float
    at : sequence of int
        The steps.
    factor : float
        Positive.

    Raises
    ------
    ValueError
        Where a number is not finite, or a step or the factor not positive.
    """
    start, factor = checks.finite_number("start", start), checks.finite_number("factor", factor)
    if not factor > 0:
        raise ValueError(f"factor must be positive, got {factor}")
    steps = sorted(checks.positive_int("a step", one) for one in at)
    if not steps:
        raise ValueError("at must name at least one step")
    scheduler = import_quietly("gluoncv.utils").LRScheduler
    return scheduler("step", start, niters=steps[-1] + 1, step_iter=steps, step_factor=factor)


class Warmup(Callback):
    """The schedule that rises linearly from 0 to the first value of another, and goes on as that.

    Goyal et al. 2017, section 2.2.

    Parameters
    ----------
    steps : int
        After how many steps the other begins.
    then : float or callable
        The other schedule, whose steps are counted from there.

    Examples
    --------
    >>> rate = gluonvae.schedules.Warmup(500, gluonvae.schedules.cosine(1e-3, 1e-5, 9500))
    """

    def __init__(self, steps: int, then: Scheduled) -> None:
        self.steps = checks.positive_int("steps", steps)
        self._then: Schedule = then if callable(then) else constant(then)

    def __call__(self, step: int) -> float:
        return self._then(max(0, step - self.steps)) * min(1.0, step / self.steps)

    def on_start(self, training: Training) -> None:
        if isinstance(self._then, Callback):
            self._then.on_start(training)

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        if isinstance(self._then, Callback):
            self._then.on_epoch(training, metrics)

    def state(self) -> dict[str, Any]:
        return state_of(self._then)

    def restore(self, state: Mapping[str, Any]) -> None:
        set_state(self._then, state)


class Plateau(Watching):
    """The schedule that stays at a value, and is multiplied by a factor when a metric has not improved for some epochs.

    It learns of the metrics where it is an argument of :func:`gluonvae.fit`.

    Parameters
    ----------
    start : float
        The first value.
    factor : float
        Above 0 and below 1.
    end : float
        The smallest value.
    patience, monitor, min_delta, mode
        See :class:`gluonvae.training.callbacks.Watching`.

    Examples
    --------
    >>> gluonvae.fit(bound, train, valid, learning_rate=gluonvae.schedules.Plateau(1e-3, factor=0.5, patience=5))
    """

    def __init__(
        self,
        start: float,
        factor: float = 0.1,
        end: float = 0.0,
        *,
        patience: int = 10,
        monitor: Optional[str] = None,
        min_delta: float = 0.0,
        mode: str = "max",
    ) -> None:
        super().__init__(patience, monitor, min_delta, mode)
        self.start, self.factor = checks.finite_number("start", start), checks.finite_number("factor", factor)
        self.end = checks.finite_number("end", end)
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must lie between 0 and 1, got {factor}")
        self.value = self.start
        """The value as it is now."""

    def __call__(self, step: int) -> float:
        return self.value

    def on_start(self, training: Training) -> None:
        super().on_start(training)
        if training.steps_taken == 0:
            self.value = self.start

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        self.watch(metrics)
        if self.waited >= self.patience:
            self.value, self.waited = max(self.end, self.value * self.factor), 0

    def state(self) -> dict[str, Any]:
        return {**super().state(), "value": self.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.value = state["value"]


def constant(value: float) -> Schedule:
    """Return the schedule that stays at a value."""
    return lambda step: value


def _gluoncv(mode: str, start: float, end: float, steps: int) -> Any:
    start, end = checks.finite_number("start", start), checks.finite_number("end", end)
    niters = max(2, checks.positive_int("steps", steps))  # over one step gluoncv divides by zero
    return import_quietly("gluoncv.utils").LRScheduler(mode, start, end, niters=niters)
