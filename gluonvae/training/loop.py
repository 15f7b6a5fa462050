"""The training loop: epochs of steps, what they gave, and where a training stands."""

from __future__ import annotations

import logging
import math
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any, Optional

from tqdm import tqdm

from .. import checks
from .. import noise as _noise
from ..backend.runtime import mx
from ..batches import Data, epoch
from ..data import Dataset
from ..distributed.joining import current
from ..files import written_by
from ..models import VAE
from ..objectives import Objective
from .callbacks import AnyCallback, Callback, Callbacks
from .metrics import Metrics, describe, prefixed, validated
from .shared_step import SharedStepper
from .signals import Stopping
from .state import State
from .step import Stepper

_log = logging.getLogger(__name__)


class History:
    """What each epoch gave: ``history.rows`` is a list of dicts, ``history["valid_bound"]`` a column."""

    def __init__(self) -> None:
        self.rows: list[Metrics] = []
        self.interrupted = False
        """Whether a signal, such as Ctrl-C, ended the training."""
        self.stopped: Optional[str] = None
        """Why a callback ended the training; None where none did."""

    def __getitem__(self, column: str) -> list[float]:
        if self.rows:
            checks.known_name("column", column, {name for row in self.rows for name in row})
        return [row.get(column, math.nan) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)


class Training:
    """A training: its steps, its history and where it stands between two steps.

    Parameters
    ----------
    stepper : Stepper
        Takes the steps.
    train : Dataset or Stream
        The training data.
    valid : Dataset or Stream, optional
        The validation data.
    epochs : int
    batch_size : int, optional
        Left out, that of a Stream.
    callbacks : iterable of Callback or callable
        A function is called after each epoch with its metrics.
    """

    def __init__(
        self,
        stepper: Stepper,
        train: Data,
        valid: Optional[Data],
        epochs: int,
        batch_size: Optional[int],
        callbacks: Iterable[AnyCallback] = (),
    ) -> None:
        self.stepper, self.train, self.valid = stepper, train, valid
        self.epochs, self.batch_size = epochs, batch_size
        followers: dict[int, Any] = {id(of): of for of in stepper.schedules.values() if isinstance(of, Callback)}
        self.group = current()
        """The workers that take part."""
        self.callbacks = Callbacks([*callbacks, *followers.values()], self.group.rank)
        self.history = History()
        self.epoch, self.row = 1, 0
        """Which epoch is next or under way, and how many of its data points have been seen."""
        self.best: Optional[bytes] = None
        """The parameters of the best epoch on the validation data, where it was in this process."""
        self.in_callbacks = False
        """Whether callbacks are being called, which may draw noise."""
        self.error: Optional[BaseException] = None
        """The exception that has ended the training."""
        self.best_bound: Optional[float] = None
        self.order: Any = None
        """The order of the data in this epoch, see :func:`random_order`."""
        self.noise_before = self.noise_now = _noise.source.state()
        """The state of the noise before this epoch, and after the last step."""
        self.seconds = 0.0
        """What this epoch has taken so far."""
        self.mxnet_seed: Optional[int] = None
        """What MXNet's generator is seeded with, anew at each step, where it is drawn from and a folder is written."""

    @property
    def bound(self) -> Objective:
        """What is maximised."""
        return self.stepper.bound

    @property
    def vae(self) -> VAE:
        """The model of the bound."""
        return self.stepper.bound.vae

    @property
    def trainer(self) -> Any:
        """The ``gluon.Trainer``."""
        return self.stepper.trainer

    @property
    def steps_taken(self) -> int:
        """The number of steps of all epochs."""
        return self.stepper.taken

    def means(self) -> Metrics:
        """Return the means of the terms of the bound in the epoch so far, by their names in the history.

        A GPU is not waited for: there the last steps are left out.
        """
        return prefixed("train", self.stepper.sums / max(1, self.stepper.seen))

    def stop(self, reason: str) -> None:
        """End the training after the step or the epoch under way; what was learnt and the history are kept.

        Parameters
        ----------
        reason : str
            For the log, and for ``history.stopped``.
        """
        self.history.stopped = self.history.stopped or str(reason)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Give the model the averages of its parameters: context manager, which does nothing where there are none."""
        average = self.stepper.updates.average
        if average is None or not average.values:
            yield
            return
        own, settled = State.copy(average.parameters, self.stepper.taken + 1), self.stepper.is_settled
        self.stepper.is_settled = False
        try:
            average.set()
            yield
        finally:
            own.restore()
            self.stepper.is_settled = settled

    def fit(self, bar: tqdm, stopping: Stopping, after_step: Callable[[bool], None]) -> None:
        """Train until the last epoch, until a callback stops it, or until a signal.

        Parameters
        ----------
        bar : tqdm
            A progress bar, which counts data points.
        stopping : Stopping
            The signals.
        after_step : callable
            Called after each step, and after each epoch with True.
        """
        validation = ""
        self._start_callbacks()
        while self.epoch <= self.epochs and not self._is_to_end(stopping):
            bar.set_description(f"epoch {self.epoch}/{self.epochs}{validation}", refresh=False)
            if not self._train_epoch(bar, stopping, after_step):
                break
            metrics = self._end_epoch()
            if self.valid is not None:
                validation = f", validation {metrics['valid_bound']:.2f}"
            with self.group.failing_together():
                after_step(True)
        self.history.stopped = next(filter(None, self.group.gather(self.history.stopped or "")), None)
        self.history.interrupted = self.epoch <= self.epochs and self.history.stopped is None

    @contextmanager
    def until_its_end(self) -> Iterator[None]:
        """Tell the callbacks of the end: context manager of all of a training."""
        try:
            yield
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.callbacks.end(self)

    def _is_to_end(self, stopping: Stopping) -> bool:
        return self.group.is_any(self._asks_to_end(stopping))

    def _asks_to_end(self, stopping: Stopping) -> bool:
        return stopping.received is not None or self.history.stopped is not None

    def _ends_after_step(self, stopping: Stopping) -> bool:
        """Whether to end in the midst of an epoch: of what is said by signals workers learn with the next step."""
        if isinstance(self.stepper, SharedStepper) and not self.callbacks.look_at_steps:
            self.stepper.asks_to_end = self._asks_to_end(stopping)
            return self.stepper.ends
        return self._is_to_end(stopping)

    def _start_callbacks(self) -> None:
        """Tell the callbacks of the start; the noise that they draw is not missing where a training is resumed."""
        self.in_callbacks, before = True, _noise.source.state()
        self.callbacks.start(self)
        if _noise.source.state() != before:
            _noise.source.restore(before)
        self.in_callbacks = False

    def _call(self, callbacks: Callable[..., None], *arguments: Any) -> None:
        """Call callbacks, which may draw noise."""
        self.in_callbacks = True
        callbacks(*arguments)
        self.noise_now = _noise.source.state()
        self.in_callbacks = False

    def _train_epoch(self, bar: tqdm, stopping: Stopping, after_step: Callable[[bool], None]) -> bool:
        """Take the steps of an epoch that are left, until it is to end; return whether the epoch has ended."""
        if self.row == 0:
            self.noise_before = _noise.source.state()
            self.order = None  # its memory is that of the next one
            self.order = random_order(self.train)
            self.seconds = 0.0
            self.stepper.start_epoch()
        stepper, at_steps, started = self.stepper, self.callbacks.at_steps, time.perf_counter() - self.seconds
        batches = epoch(self.bound.vae, self.train, self.order, self.row, self.batch_size, self.group.share)
        with closing(batches), self._telling_of_errors():  # what reads ahead ends with the epoch
            for batch, rows in batches:
                if self.mxnet_seed is not None:
                    own = f" {self.group.rank}" if self.group.rank else ""
                    mx.random.seed(zlib.crc32(f"{self.mxnet_seed} {stepper.taken}{own}".encode()))
                stepper.step(batch, rows)
                self.noise_now = _noise.source.state()
                self.row += len(rows)
                stepper.is_settled = True
                self.seconds = time.perf_counter() - started
                self._show(bar, len(rows))
                with self.group.failing_together() if self.callbacks.look_at_steps else nullcontext():
                    for callback in at_steps:
                        self._call(callback, self)
                    after_step(False)
                if self._ends_after_step(stopping):
                    return self.row == self.train.known_rows
            if isinstance(stepper, SharedStepper):
                stepper.end_steps()
        return True

    @contextmanager
    def _telling_of_errors(self) -> Iterator[None]:
        """Context manager of the steps of an epoch: the other workers are told of what this one fails at."""
        try:
            yield
        except Exception as error:
            if isinstance(self.stepper, SharedStepper):
                self.stepper.tell(error)
            raise

    def _show(self, bar: tqdm, rows: int) -> None:
        """Tell of a step."""
        if self.stepper.seen:
            bound, log_likelihood, kl = self.stepper.sums / self.stepper.seen
            bar.set_postfix_str(f"bound {bound:.2f}, log-lik. {log_likelihood:.2f}, KL {kl:.2f}", refresh=False)
        bar.update(rows)

    def _end_epoch(self) -> Metrics:
        """Validate, add a row to the history, and tell the callbacks."""
        self.stepper.finish_epoch()
        metrics = {
            "epoch": self.epoch,
            **self.means(),
            "learning_rate": float(self.stepper.trainer.learning_rate),
            "images_per_second": self.stepper.seen / self.seconds,
            "seconds": self.seconds,
        }
        if self.valid is not None:
            with self.averaged():
                metrics.update(validated(self.bound, self.valid, self.batch_size))
                self._note_best(metrics["valid_bound"])
        self.stepper.is_settled = False
        self.history.rows.append(metrics)
        self.epoch, self.row = self.epoch + 1, 0
        self.stepper.is_settled = True
        _log.info("epoch %d of %d: %s", metrics["epoch"], self.epochs, describe(metrics))
        self._call(self.callbacks.end_epoch, self, metrics)
        return metrics

    def _note_best(self, bound: float) -> None:
        if self.best_bound is None or bound > self.best_bound:
            self.best_bound = bound
            self.best = written_by(self.bound.vae.save_parameters)


def random_order(data: Data) -> Any:
    """The order of an epoch, of the seeded source: rows of a Dataset, and the seed of a Stream's."""
    return _noise.source.permutation(len(data)) if isinstance(data, Dataset) else int(_noise.source.rng.integers(2**32))
