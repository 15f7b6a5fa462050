"""What the workers of a group agree on before they train: that they do the same, and from where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Optional, TypeVar

import numpy as np

from .. import noise as _noise
from ..distributed.group import Group
from .checkpoint import Checkpoint
from .loop import Training
from .serialization import plain_attributes

Result = TypeVar("Result")


def first_does(group: Group, act: Callable[[], Result]) -> Optional[Result]:
    """Have rank 0 do what one worker alone may; return its result there, and None in others.

    Raises
    ------
    Exception
        In all workers, where it fails in rank 0.
    """
    result = None
    with group.failing_together():
        if group.rank == 0:
            result = act()
    return result


def agree_on_noise(group: Group) -> None:
    """Have all workers draw what rank 0 draws."""
    if not group.is_alone:
        _noise.source.restore(json.loads(group.gather(json.dumps(_noise.source.state()))[0]))


def check_same_training(group: Group, training: Training, digest: str) -> None:
    """Raise ValueError where workers are not about to do the same.

    Parameters
    ----------
    group : Group
    training : Training
    digest : str
        Of the training data.
    """
    if group.is_alone:
        return
    shapes = [parameter.shape for parameter in training.bound.collect_params().values()]
    rate = training.stepper.rate
    own = {
        "training data": digest,
        "bound": type(training.bound).__name__,
        "shapes of parameters": hashlib.sha256(repr(shapes).encode()).hexdigest(),
        "batch size": training.batch_size,
        "number of epochs": training.epochs,
        "validation data": None if training.valid is None else training.valid.known_rows,
        "number of batches an update": training.stepper.updates.accumulate,
        "optimizer": type(training.trainer._optimizer).__name__,
        "options of the optimizer": plain_attributes(training.trainer._optimizer),
        "clip_norm": training.stepper.updates.clip_norm,
        "learning rate": training.trainer.learning_rate if rate is None else rate(0),
        "weights": training.bound.weights,
    }
    group.check_same(own)


def shared_checkpoint(group: Group, checkpoint: Optional[Checkpoint]) -> Optional[Checkpoint]:
    """Return the checkpoint that rank 0 has, in all workers."""
    if group.is_alone or not group.is_any(checkpoint is not None):
        return checkpoint
    kinds = (
        {name: [str(np.asarray(array).dtype), list(array.shape)] for name, array in checkpoint.arrays.items()}
        if checkpoint
        else {}
    )
    state, kinds = json.loads(group.gather(json.dumps([checkpoint.state if checkpoint else None, kinds]))[0])
    sizes = [int(np.prod(shape)) for _, shape in kinds.values()]
    values = np.zeros(sum(sizes))
    if checkpoint is not None:
        values[:] = np.concatenate([np.asarray(checkpoint.arrays[name]).reshape(-1) for name in kinds])
    parts = np.split(group.join(values), np.cumsum(sizes)[:-1])
    arrays = {name: part.astype(dtype).reshape(shape) for (name, (dtype, shape)), part in zip(kinds.items(), parts)}
    return Checkpoint(state, arrays)
