"""A worker of a group: steps of training on its part of each batch, estimates, and sums of numbers alone.

A step returns the seconds that it computed, that it waited for the sum of the gradients, that it gathered and spread
them, and that it updated the parameters.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Callable

from gluon_model import STATIC, Training, construct
from rows import Row
from serve import Given, Tasks, serve

import gluonvae as gv
from gluonvae.backend.runtime import mx

GROUP = gv.distributed.current()
SUMS = (10**3, 10**4, 10**5, 4 * 10**5, 10**6)
"""How many numbers are summed in the tasks "sum N"."""


class Timed:
    """A function, and the seconds that its last call took."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function, self.seconds = function, 0.0

    def __call__(self, *arguments: Any) -> Any:
        started = time.perf_counter()
        result = self._function(*arguments)
        self.seconds = time.perf_counter() - started
        return result


def step(row: Row, given: Given) -> Callable[[], list[float]]:
    """A step on this worker's part of the batch."""
    part = GROUP.part(row.batch)
    noise = given["noise"][part] if row.samples == 1 else given["noise"][:, part]
    training = Training(row, {**given, "data": given["data"][part], "noise": noise}, None, STATIC)
    trainer = training.trainer
    compute, reduce = Timed(training.compute), Timed(trainer._allreduce_grads)
    trainer._allreduce_grads, waiting = reduce, Timed(GROUP.sum)
    GROUP.sum = waiting  # type: ignore[method-assign]

    def run() -> list[float]:
        started = time.perf_counter()
        compute()
        trainer.step(row.batch)
        rest = time.perf_counter() - started - compute.seconds - reduce.seconds
        return [compute.seconds, waiting.seconds, reduce.seconds - waiting.seconds, rest]

    return run


def likelihood(row: Row, given: Given) -> Callable[[], float]:
    vae, seeds = construct(row, given), itertools.count()
    return lambda: gv.log_marginal_likelihood(vae, given["data"], row.samples, seed=next(seeds)).mean


def sum_of(size: int) -> Callable[[], None]:
    values = mx.nd.zeros(size)
    return lambda: GROUP.sum(values)


def make(row: Row, given: Given) -> Tasks:
    if not given:
        return {f"sum {size}": sum_of(size) for size in SUMS}
    return {"step": step(row, given)} if "noise" in given else {"likelihood": likelihood(row, given)}


serve(make, f"worker {GROUP.rank} of {GROUP.size}")
