"""Ways to share gradients, each in a loop of a worker's own: the task "train" trains a model of the digits and returns
its bound on the test images.

group_methods.py METHOD
"""

from __future__ import annotations

import itertools
import sys
from typing import Any, Callable

import gluon_model
import numpy as np
from rows import LEARNING_RATE, Row
from scale_methods import ALL, BITS, LOCAL, METHODS
from serve import Given, Tasks, serve

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributed.gradients import GradientSum

GROUP = gv.distributed.current()
BATCH, EPOCHS = 128, 30

Reduce = Callable[[int], Any]
"""Called with the number of the step, after the gradients are computed; it makes them, or parameters, the same."""


def one_message(parameters: list[Any], _: int) -> Reduce:
    """As gluonvae does."""
    together = GradientSum(parameters, GROUP)
    return lambda _: together.run()


def two_bits(parameters: list[Any], threshold: float) -> Reduce:
    """As the KVStore's compression: -threshold, 0 or threshold of each number is sent, and what is left is kept."""
    together = GradientSum(parameters, GROUP)
    left = [np.zeros(parameter.shape, np.float32) for parameter in parameters]

    def reduce(_: int) -> None:
        for parameter, rest in zip(parameters, left):
            rest += parameter.grad().asnumpy()
            sent = np.where(np.abs(rest) < threshold, 0, np.copysign(threshold, rest)).astype(np.float32)
            rest -= sent
            parameter.grad()[:] = mx.nd.array(sent)
        together.run()

    return reduce


def local_steps(parameters: list[Any], each: int) -> Reduce:
    """Each worker goes its own way, and the parameters are averaged after so many steps."""

    def reduce(step: int) -> None:
        if step % each == 0:
            GROUP.average(parameters)

    return reduce


KINDS: dict[str, Callable[[list[Any], int], Reduce]] = {ALL: one_message, BITS: two_bits, LOCAL: local_steps}


def train(row: Row, method: str, seed: int) -> float:
    """Train from a seed, and return the bound on the test images."""
    gv.seed(seed)
    digits, vae = gv.data.load("digits"), gluon_model.construct(row)
    bound = gv.ELBO(vae)
    bound.hybridize(**gluon_model.STATIC)
    parameters = [*vae.collect_params().values()]
    with gv.distributed.alone():  # a trainer that sums nothing itself
        trainer = gv.Trainer(parameters, "adam", {"learning_rate": LEARNING_RATE})
    kind, number = METHODS[method]
    reduce, local = KINDS[kind](parameters, number), kind == LOCAL
    rng, part, step = np.random.default_rng(seed), GROUP.part(BATCH), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(digits.train))
        for rows in order[: len(order) // BATCH * BATCH].reshape(-1, BATCH):
            noise = gv.distributed.rows_of(bound.draw_noise(BATCH), part)
            data = mx.nd.array(digits.train.batch(rows)[part])
            with mx.autograd.record():
                loss = -bound(data, noise)
            loss.backward()
            step += 1
            if local:
                trainer.update(part.stop - part.start)
            reduce(step)
            if not local:
                trainer.update(BATCH)
    with gv.distributed.alone():
        return gv.evaluate(bound, digits.test).bound


def make(row: Row, given: Given) -> Tasks:
    seeds = itertools.count()
    return {"train": lambda: train(row, sys.argv[1], next(seeds))}


serve(make, f"worker {GROUP.rank} of {GROUP.size}")
