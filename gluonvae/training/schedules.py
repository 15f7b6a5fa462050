"""What changes with the number of steps taken: a learning rate, or the weight β of the KL.

A schedule is anything called with a step number that returns a float; MXNet's and gluoncv's
learning rate schedulers are. Those made here are gluoncv's.
"""

from __future__ import annotations

from typing import Any, Callable, Union

from .. import checks
from ..backend.runtime import import_quietly

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


def _gluoncv(mode: str, start: float, end: float, steps: int) -> Any:
    start, end = checks.finite_number("start", start), checks.finite_number("end", end)
    niters = max(2, checks.positive_int("steps", steps))  # over one step gluoncv divides by zero
    return import_quietly("gluoncv.utils").LRScheduler(mode, start, end, niters=niters)
