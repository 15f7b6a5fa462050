"""Options of ``gluonvae train`` for the updates of the parameters, and for what watches them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Optional

from .. import loggers
from ..training.callbacks import Callback, EarlyStopping
from ..training.run import Run
from .kinds import Group, number, options

EVENTS = "tensorboard"
"""The folder of a run that has what TensorBoard reads."""
UPDATES = ("clip_norm", "accumulate", "ema", "restore_best")
"""Options that are arguments of :func:`gluonvae.fit`."""


def add_updates(group: Group) -> None:
    """Add the arguments."""
    add = partial(number, group)
    options(group, "optimizer", "wd=1e-4")
    add(
        "--clip-norm", "largest norm of the gradient of all parameters; larger ones are scaled", type=float, metavar="C"
    )
    add("--accumulate", "batches an update", 1)
    text = "keep a moving average of the parameters with this decay, such as 0.999: what is validated and saved"
    add("--ema", text, type=float, metavar="DECAY")
    text = "end when the bound on the validation data has not improved for so many epochs"
    add("--patience", text, metavar="EPOCHS")
    text = "at the end, take the parameters of the epoch with the best bound on the validation data"
    group.add_argument("--restore-best", action="store_true", help=text)
    text = f"write what TensorBoard reads to RUN/{EVENTS}: curves, pictures and histograms"
    group.add_argument("--tensorboard", action="store_true", help=text)


def updates_of(asked: argparse.Namespace) -> dict[str, Any]:
    """Return arguments of :func:`gluonvae.fit`.

    Raises
    ------
    ValueError
        Where a library is missing.
    """
    if asked.tensorboard:
        try:
            loggers.TensorBoard(EVENTS)
        except ImportError as error:
            raise ValueError(f"--tensorboard: {error}") from error
    return {"optimizer_params": asked.optimizer_options, **{name: getattr(asked, name) for name in UPDATES}}


def callbacks_of(asked: argparse.Namespace, run: Optional[Run]) -> list[Callback]:
    """Return the callbacks of a training. A worker that has no run has those that write too, and does not call them."""
    stopping = [] if asked.patience is None else [EarlyStopping(asked.patience)]
    folder = Path(EVENTS) if run is None else run.file(EVENTS)
    return [*stopping, *([loggers.TensorBoard(folder)] if asked.tensorboard else [])]
