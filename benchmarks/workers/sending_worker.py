"""A worker of a group that takes steps in one of the ways of ``sending.WAYS``."""

from __future__ import annotations

import contextlib
import sys
from typing import Callable

import numpy as np
from gluon_model import STATIC, construct
from rows import LEARNING_RATE, Row
from sending import AFTER, EACH, LOCAL, WHOLE
from serve import Given, serve

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.batches import Batch
from gluonvae.distributed.gradients import GradientSum
from gluonvae.training.shared_step import SharedStepper

GROUP, WAY = gv.distributed.current(), sys.argv[1]
if WAY == WHOLE:
    GROUP._exchange.piece = sys.maxsize
elif WAY == AFTER:
    GradientSum.while_computed = lambda self: contextlib.nullcontext()  # type: ignore[method-assign]


def step(row: Row, given: Given) -> Callable[[], int]:
    """A step on this worker's part of the batch; returns how many pieces were sent before the gradients were there."""
    gv.seed(1)
    bound = gv.ELBO(construct(row, given))
    bound.hybridize(**STATIC)
    return local_steps(bound, row, given) if WAY == LOCAL else shared_step(bound, row, given)


def local_steps(bound: gv.ELBO, row: Row, given: Given) -> Callable[[], int]:
    """Steps of this worker by itself, and the average of all workers' parameters."""
    parameters, part = bound.collect_params(), GROUP.part(row.batch)
    with gv.distributed.alone():
        trainer = gv.Trainer(parameters, "adam", {"learning_rate": LEARNING_RATE})
    data = mx.nd.array(given["data"][part])

    def run() -> int:
        for _ in range(EACH):
            noise = gv.distributed.rows_of(bound.draw_noise(row.batch), part)
            with mx.autograd.record():
                loss = -bound(data, noise)
            loss.backward()
            trainer.step(part.stop - part.start)
        GROUP.average(parameters)
        return 0

    return run


def shared_step(bound: gv.ELBO, row: Row, given: Given) -> Callable[[], int]:
    """A step of fit."""
    stepper = SharedStepper(bound, "adam", LEARNING_RATE, {}, group=GROUP)
    rows = np.arange(row.batch)
    batch = Batch(mx.nd.array(given["data"][GROUP.part(row.batch)]), None)

    def run() -> int:
        before = stepper._sum.early
        stepper.step(batch, rows)
        return stepper._sum.early - before

    return run


serve(lambda row, given: {"step": step(row, given)}, f"worker {GROUP.rank} of {GROUP.size}, {WAY}")
