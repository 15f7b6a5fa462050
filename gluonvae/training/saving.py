"""When the state of a training is written to its run's folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Optional

from .. import checks
from .. import noise as _noise
from ..backend.runtime import mx
from ..batches import batches
from ..graph import draws_random_numbers
from ..networks.blocks import not_finite
from .checkpoint import Checkpoint
from .loop import Training
from .resuming import checkpoint_of, keep_state, restore, seed_mxnet
from .run import Run, RunError
from .together import check_same_training

_log = logging.getLogger(__name__)

MINUTES = 5.0
"""After how long a checkpoint is written in the midst of an epoch."""
COST = 0.02
"""Of the time of a training, what the checkpoints at the ends of its epochs may take."""


class CheckpointSchedule:
    """When a checkpoint is due.

    Parameters
    ----------
    minutes : float
        After how many minutes, in the midst of an epoch.
    epochs : int, optional
        After how many epochs; by default after each, as long as checkpoints take less than :data:`COST` of the time.
    """

    def __init__(self, minutes: float = MINUTES, epochs: Optional[int] = None) -> None:
        if not minutes > 0:
            raise ValueError(f"checkpoint_minutes must be positive, got {minutes}")
        self.minutes = minutes
        self.epochs = None if epochs is None else checks.positive_int("checkpoint_epochs", epochs)
        self._started = self._last = time.monotonic()
        self._spent = 0.0

    def is_due(self, epoch: Optional[int]) -> bool:
        """Return whether a checkpoint is due, after ``epoch`` or, where it is None, in the midst of one."""
        now = time.monotonic()
        if epoch is None:
            return now - self._last >= 60 * self.minutes
        if self.epochs is not None:
            return epoch % self.epochs == 0
        return self._spent <= COST * (now - self._started)

    def note(self, seconds: float) -> None:
        """Take note of a checkpoint that has just been written, and of how long that took."""
        self._last = time.monotonic()
        self._spent += seconds


class Saver:
    """Context manager that writes a training to a run's folder: at its start, when it is due, and however it ends.

    Parameters
    ----------
    training : Training
        What is written. If the run has a checkpoint, it goes on from there.
    run : Run
        Where to.
    schedule : CheckpointSchedule
        When.
    """

    def __init__(self, training: Training, run: Run, schedule: CheckpointSchedule) -> None:
        self.training, self.run, self.schedule = training, run, schedule
        self._saved: Optional[tuple[int, int]] = None
        self._rows = 0  # of the history that have been written
        self._best: Optional[bytes] = None  # what best.params has

    def __enter__(self) -> Saver:
        training, run = self.training, self.run
        self._digest = go_on_from(training, run.checkpoint)
        run.begin()
        if run.checkpoint is None:
            self._save()
        else:
            run.write_metrics(training.history.rows)
            self._rows, self._saved = len(training.history), self._place()
            if training.stepper.taken:
                # the process may have been killed before it could do so
                with training.averaged():
                    run.save_parameters(training.bound.vae)
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.run.interrupted = self.training.history.interrupted
        if error is None:
            self._save_if_changed()
            self._write_rows()
        else:
            self._rescue(error)

    def after_step(self, epoch_ended: bool) -> None:
        """Write what is due after a step or an epoch."""
        is_due = self.schedule.is_due(self.training.epoch - 1 if epoch_ended else None)
        if is_due or (epoch_ended and self._was_removed()):
            self._save_if_changed()
        if epoch_ended:
            self._write_rows()

    def _was_removed(self) -> bool:
        """Make the folder anew if it was removed; return whether the state has to be written again."""
        was_removed = self.run.restore_folder()
        if was_removed:
            self.run.write_metrics(self.training.history.rows)
            self._rows, self._saved, self._best = len(self.training.history), None, None
        return was_removed

    def _save_if_changed(self) -> None:
        self._was_removed()
        if self._place() != self._saved:
            self._save()

    def _place(self) -> tuple[int, int]:
        return self.training.stepper.taken, len(self.training.history)

    def _save(self) -> None:
        started, training = time.monotonic(), self.training
        training.stepper.check_parameters()
        self._save_best()
        state = checkpoint_of(training, self._digest)
        with training.averaged():
            self.run.save(training.stepper.taken, state, training.bound.vae)
        self._saved = self._place()
        self.schedule.note(time.monotonic() - started)

    def _save_best(self) -> None:
        if self.training.best is not self._best:
            assert self.training.best is not None
            self.run.save_best(self.training.best)
            self._best = self.training.best

    def _write_rows(self) -> None:
        for row in self.training.history.rows[self._rows :]:
            self.run.append_metrics(row)
            self._rows += 1

    def _rescue(self, error: BaseException) -> None:
        """Write the last good state, where it is in memory; else it is that of the last checkpoint."""
        training = self.training
        try:
            self._was_removed()
            if isinstance(error, FloatingPointError):
                self._save_best()
                if not not_finite(training.bound.vae):
                    self.run.save_parameters(training.bound.vae)
            elif training.stepper.is_settled and not (training.in_callbacks and isinstance(error, KeyboardInterrupt)):
                self._save_if_changed()
            self._write_rows()
        except (OSError, RunError, MemoryError, FloatingPointError, mx.base.MXNetError) as second:
            _log.warning("the last steps could not be saved: %s", second)


def go_on_from(training: Training, checkpoint: Optional[Checkpoint], is_kept: bool = True) -> str:
    """Have a training go on from a checkpoint, if there is one; return the digest of its data.

    All workers call it; ``is_kept`` is whether one of them writes checkpoints.
    """
    _know_all_sizes(training)
    if is_kept:
        keep_state(training)
    elif draws_random_numbers(training.bound):
        seed_mxnet(training)  # which would draw the same in all workers, for other data points
    digest = training.train.digest()
    check_same_training(training.group, training, digest)
    if checkpoint is not None:
        restore(training, checkpoint, digest)
    return digest


@contextmanager
def noise_of_the_cpu() -> Iterator[None]:
    """Context manager in which no noise is drawn by a GPU, whose generator has no state that could be saved."""
    before, _noise.source.on_gpu = _noise.source.on_gpu, False
    try:
        yield
    finally:
        _noise.source.on_gpu = before


def _know_all_sizes(training: Training) -> None:
    """Have the parameters whose sizes are left to the first call initialised, of which there are seldom any."""
    bound = training.bound
    if any(parameter._data is None for parameter in bound.collect_params().values()):
        source = _noise.NoiseSource(0)
        batch = next(batches(bound.vae, training.train, 1, source))
        bound.terms(batch.data, bound.draw_noise(1, source), batch.label, validated=True)
