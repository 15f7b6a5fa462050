"""What the workers of a group agree on before they train: that they do the same, and from where."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from typing import Any, Optional, TypeVar

import numpy as np

from .. import noise as _noise
from ..backend.runtime import mx
from ..distributed.group import Group
from .checkpoint import Checkpoint
from .loop import Training

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
    own = {
        "host": platform.node(),
        "training data": digest,
        "bound": type(training.bound).__name__,
        "shapes of parameters": hashlib.sha256(repr(shapes).encode()).hexdigest(),
        "batch size": training.batch_size,
        "number of epochs": training.epochs,
        "validation data": None if training.valid is None else training.valid.known_rows,
        "updates": training.stepper.updates.accumulate,
    }
    check_same(group, own)


def check_same(group: Group, own: Mapping[str, Any]) -> None:
    """Raise ValueError, in all workers, where one tells other things than rank 0; each has its ``"host"``."""
    first, *others = map(json.loads, group.gather(json.dumps(own)))
    for rank, other in enumerate(others, 1):
        differ = [name for name, value in first.items() if name != "host" and other[name] != value]
        if differ:
            values = [("" if len(str(of[differ[0]])) > 40 else f" {of[differ[0]]}") for of in (first, other)]
            raise ValueError(
                f"rank {rank} on {other['host']} has another {differ[0]}{values[1]} than rank 0 on "
                f"{first['host']}{values[0]}: all workers need the same"
            )


def shared_checkpoint(group: Group, checkpoint: Optional[Checkpoint]) -> Optional[Checkpoint]:
    """Return the checkpoint that rank 0 has, in all workers."""
    if group.is_alone or not group.any(checkpoint is not None):
        return checkpoint
    kinds = (
        {name: [str(np.asarray(array).dtype), list(array.shape)] for name, array in checkpoint.arrays.items()}
        if checkpoint
        else {}
    )
    state, kinds = json.loads(group.gather(json.dumps([checkpoint.state if checkpoint else None, kinds]))[0])
    arrays: dict[str, np.ndarray] = {}
    for dtype in sorted({dtype for dtype, _ in kinds.values()}):
        names = [name for name, (of, _) in kinds.items() if of == dtype]
        sizes = [int(np.prod(kinds[name][1])) for name in names]
        flat = mx.nd.zeros(sum(sizes), dtype="float32" if dtype == "float32" else "float64")
        if checkpoint is not None:
            flat[:] = np.concatenate([checkpoint.arrays[name].reshape(-1) for name in names])
        group.sum(flat)
        parts = np.split(flat.asnumpy().astype(dtype), np.cumsum(sizes)[:-1])
        arrays.update({name: part.reshape(kinds[name][1]) for name, part in zip(names, parts)})
    return Checkpoint(state, arrays)
