"""The state of a training as a checkpoint, and back."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from .. import noise as _noise
from ..files import as_json
from ..graph import draws_random_numbers
from . import serialization
from .checkpoint import Checkpoint, CheckpointError
from .loop import Training, random_order

BEFORE = {"number of batches an update": 1, "decay of the average": None}
"""What trainings had whose checkpoints do not tell it."""


def keep_state(training: Training) -> None:
    """Have all random numbers of a training drawn from sources whose state a checkpoint holds.

    Raises
    ------
    ValueError
        Where a checkpoint cannot hold the state of the optimizer or a callback.
    """
    training.callbacks.check_states()
    name = type(training.trainer._optimizer).__name__.lower()
    if name in serialization.UNFIT_FOR_CHECKPOINTS:
        raise ValueError(f"the optimizer {name} keeps what no checkpoint can hold: train without a folder")
    if name in serialization.DRAW_FROM_MXNET or draws_random_numbers(training.bound):
        seed_mxnet(training)


def seed_mxnet(training: Training) -> None:
    """Have MXNet's generator, which has no state that could be read, start anew at each step."""
    training.mxnet_seed = zlib.crc32(as_json(training.noise_now).encode())


def checkpoint_of(training: Training, digest: str) -> Checkpoint:
    """Return the state of a training between two steps; ``digest`` is that of its data."""
    stepper, bound = training.stepper, training.bound
    stepper.read()
    optimizer = serialization.OptimizerState(stepper.trainer, bound)
    values = {
        "made_with": _made_with(training, digest),
        "epoch": training.epoch,
        "row": training.row,
        "taken": stepper.taken,
        "seen": stepper.seen,
        "sums": stepper.sums.tolist(),
        "seconds": training.seconds,
        "noise_before_epoch": training.noise_before if training.row else training.noise_now,
        "noise": training.noise_now,
        "mxnet_seed": training.mxnet_seed,
        "best_bound": training.best_bound,
        "history": training.history.rows,
        "optimizer": optimizer.counts(),
        "schedules": {name: serialization.state_of(of) for name, of in stepper.schedules.items()},
        "bound": bound.state(),
        "updates": stepper.updates.state(),
        "callbacks": training.callbacks.states(),
    }
    arrays = {**serialization.parameters_of(bound), **optimizer.arrays(), **stepper.updates.arrays(bound)}
    return Checkpoint(values, arrays)


def restore(training: Training, checkpoint: Checkpoint, digest: str) -> None:
    """Have a training go on from a checkpoint.

    Raises
    ------
    CheckpointError
        If it is of another model, other data, or another batch size or optimizer.
    """
    values, arrays = checkpoint
    stepper, bound = training.stepper, training.bound
    _check_same(values["made_with"], _made_with(training, digest))
    serialization.set_parameters(bound, arrays)
    serialization.OptimizerState(stepper.trainer, bound).restore(arrays, values["optimizer"])
    for name, schedule in stepper.schedules.items():
        serialization.set_state(schedule, values["schedules"].get(name, {}))
    bound.restore(values["bound"])
    if "updates" in values:  # not in checkpoints of older versions
        stepper.updates.restore(values["updates"], arrays, bound)
        training.callbacks.restore(values["callbacks"])
    stepper.resume(values["taken"], values["seen"], np.array(values["sums"]))
    training.epoch, training.row, training.seconds = values["epoch"], values["row"], values["seconds"]
    training.best_bound, training.mxnet_seed = values["best_bound"], values["mxnet_seed"]
    training.history.rows = values["history"]
    training.noise_before, training.noise_now = values["noise_before_epoch"], values["noise"]
    _noise.source.restore(training.noise_before)
    if training.row:
        training.order = random_order(training.train)
        _noise.source.restore(training.noise_now)


def _made_with(training: Training, digest: str) -> dict[str, Any]:
    """What has to be the same where a training goes on."""
    updates = training.stepper.updates
    return {
        "data": digest,
        "batch size": training.batch_size,
        "optimizer": _plain(type(training.trainer._optimizer).__name__),
        "bound": type(training.bound).__name__,
        "number of batches an update": updates.accumulate,
        "decay of the average": None if updates.average is None else updates.average.decay,
    }


def _check_same(then: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in now.items():
        was = {**BEFORE, **then}.get(name)
        if was != value and not (name == "optimizer" and _plain(str(was)) == value):
            raise CheckpointError(f"the checkpoint is of another training: its {name} is {was}, here it is {value}")


def _plain(optimizer: str) -> str:
    """The name of an optimizer, the same for MXNet's own and the one in one region, which go on from each other."""
    return optimizer[len("Fused") :] if optimizer.startswith("Fused") else optimizer
