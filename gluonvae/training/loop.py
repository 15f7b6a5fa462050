"""The training loop: epochs of steps, what they gave, and where a training stands."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, Optional

import numpy as np
from tqdm import tqdm

from .. import checks
from .. import noise as _noise
from ..backend.runtime import mx
from ..batches import Data, epoch
from ..data import Dataset
from ..evaluation import evaluate
from ..evaluation.estimates import as_unlabelled, named_accuracy, named_kl_by_layer
from ..files import as_json, written_by
from ..graph import draws_random_numbers
from ..objectives import Objective
from . import serialization
from .checkpoint import Checkpoint, CheckpointError
from .signals import Stopping
from .step import Stepper

_log = logging.getLogger(__name__)

Metrics = dict[str, float]
TERMS = ("bound", "log_likelihood", "kl")


class History:
    """What each epoch gave: ``history.rows`` is a list of dicts, ``history["valid_bound"]`` a column."""

    def __init__(self) -> None:
        self.rows: list[Metrics] = []
        self.interrupted = False
        """Whether a signal, such as Ctrl-C, ended the training."""

    def __getitem__(self, column: str) -> list[float]:
        if self.rows:
            checks.known_name("column", column, self.rows[0])
        return [row[column] for row in self.rows]

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
    callbacks : sequence of callable
        Each is called after each epoch with its metrics.
    """

    def __init__(
        self,
        stepper: Stepper,
        train: Data,
        valid: Optional[Data],
        epochs: int,
        batch_size: Optional[int],
        callbacks: Sequence[Callable[[Metrics], None]] = (),
    ) -> None:
        self.stepper, self.train, self.valid = stepper, train, valid
        self.epochs, self.batch_size, self.callbacks = epochs, batch_size, callbacks
        self.history = History()
        self.epoch, self.row = 1, 0
        """Which epoch is next or under way, and how many of its data points have been seen."""
        self.best: Optional[bytes] = None
        """The parameters of the best epoch on the validation data, where they are not saved yet."""
        self.in_callbacks = False
        """Whether callbacks are being called, which may draw noise."""
        self._best_bound: Optional[float] = None
        self._order: Any = None
        self._noise_before = self._noise_now = _noise.source.state()
        self._seconds = 0.0
        self._mxnet_seed: Optional[int] = None

    @property
    def bound(self) -> Objective:
        """What is maximised."""
        return self.stepper.bound

    def fit(self, bar: tqdm, stopping: Stopping, after_step: Callable[[bool], None]) -> None:
        """Train until the last epoch, or until a signal.

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
        while self.epoch <= self.epochs and not stopping.received:
            bar.set_description(f"epoch {self.epoch}/{self.epochs}{validation}", refresh=False)
            if not self._train_epoch(bar, stopping, after_step):
                break
            metrics = self._end_epoch()
            if self.valid is not None:
                validation = f", validation {metrics['valid_bound']:.2f}"
            after_step(True)
        self.history.interrupted = self.epoch <= self.epochs

    def _train_epoch(self, bar: tqdm, stopping: Stopping, after_step: Callable[[bool], None]) -> bool:
        """Take the steps of an epoch that are left, until a signal; return whether the epoch has ended."""
        if self.row == 0:
            self._noise_before = _noise.source.state()
            self._order = _random_order(self.train)
            self._seconds = 0.0
            self.stepper.start_epoch()
        stepper, started = self.stepper, time.perf_counter() - self._seconds
        batches = epoch(self.bound.vae, self.train, self._order, self.row, self.batch_size)
        with closing(batches):  # what reads ahead ends with the epoch
            for batch, rows in batches:
                if self._mxnet_seed is not None:
                    mx.random.seed(zlib.crc32(f"{self._mxnet_seed} {stepper.taken}".encode()))
                stepper.step(batch, rows)
                self._noise_now = _noise.source.state()
                self.row += len(rows)
                stepper.is_settled = True
                self._seconds = time.perf_counter() - started
                self._show(bar, len(rows))
                after_step(False)
                if stopping.received:
                    return self.row == self.train.known_rows
        return True

    def _show(self, bar: tqdm, rows: int) -> None:
        """Tell of a step."""
        if self.stepper.seen:
            bound, log_likelihood, kl = self.stepper.sums / self.stepper.seen
            bar.set_postfix_str(f"bound {bound:.2f}, log-lik. {log_likelihood:.2f}, KL {kl:.2f}", refresh=False)
        bar.update(rows)

    def _end_epoch(self) -> Metrics:
        """Validate, add a row to the history, and tell the callbacks."""
        self.stepper.read()
        self.stepper.check_parameters()
        metrics = {
            "epoch": self.epoch,
            **_prefixed("train", self.stepper.sums / self.stepper.seen),
            "learning_rate": float(self.stepper.trainer.learning_rate),
            "images_per_second": self.stepper.seen / self._seconds,
            "seconds": self._seconds,
        }
        if self.valid is not None:
            metrics.update(_validated(self.bound, self.valid, self.batch_size))
            self._note_best(metrics["valid_bound"])
        self.stepper.is_settled = False
        self.history.rows.append(metrics)
        self.epoch, self.row = self.epoch + 1, 0
        self.stepper.is_settled = True
        _log.info("epoch %d of %d: %s", metrics["epoch"], self.epochs, describe(metrics))
        self.in_callbacks = True
        for callback in self.callbacks:
            callback(metrics)
        self._noise_now = _noise.source.state()
        self.in_callbacks = False
        return metrics

    def _note_best(self, bound: float) -> None:
        if self._best_bound is None or bound > self._best_bound:
            self._best_bound = bound
            self.best = written_by(self.bound.vae.save_parameters)

    def keep_state(self) -> None:
        """Draw all random numbers from sources whose state a checkpoint holds."""
        name = type(self.stepper.trainer._optimizer).__name__.lower()
        if name in serialization.UNFIT_FOR_CHECKPOINTS:
            raise ValueError(f"the optimizer {name} keeps what no checkpoint can hold: train without a folder")
        if name in serialization.DRAW_FROM_MXNET or draws_random_numbers(self.bound):
            # MXNet's generator has no state that could be read: it starts anew at each step
            self._mxnet_seed = zlib.crc32(as_json(self._noise_now).encode())

    def checkpoint(self) -> Checkpoint:
        """Return the state between two steps."""
        self.stepper.read()
        optimizer = serialization.OptimizerState(self.stepper.trainer, self.bound)
        values = {
            "made_with": self._made_with(),
            "epoch": self.epoch,
            "row": self.row,
            "taken": self.stepper.taken,
            "seen": self.stepper.seen,
            "sums": self.stepper.sums.tolist(),
            "seconds": self._seconds,
            "noise_before_epoch": self._noise_before if self.row else self._noise_now,
            "noise": self._noise_now,
            "mxnet_seed": self._mxnet_seed,
            "best_bound": self._best_bound,
            "history": self.history.rows,
            "optimizer": optimizer.counts(),
            "schedules": {name: serialization.plain_attributes(of) for name, of in self.stepper.schedules.items()},
            "bound": self.bound.state(),
        }
        return Checkpoint(values, {**serialization.parameters_of(self.bound), **optimizer.arrays()})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        CheckpointError
            If it is of another model, other data, or another batch size or optimizer.
        """
        values, arrays = checkpoint
        for name, value in self._made_with().items():
            was = values["made_with"].get(name)
            if was != value and not (name == "optimizer" and _plain(str(was)) == value):
                raise CheckpointError(f"the checkpoint is of another training: its {name} is {was}, here it is {value}")
        serialization.set_parameters(self.bound, arrays)
        serialization.OptimizerState(self.stepper.trainer, self.bound).restore(arrays, values["optimizer"])
        for name, schedule in self.stepper.schedules.items():
            serialization.set_attributes(schedule, values["schedules"].get(name, {}))
        self.bound.restore(values["bound"])
        self.stepper.resume(values["taken"], values["seen"], np.array(values["sums"]))
        self.epoch, self.row, self._seconds = values["epoch"], values["row"], values["seconds"]
        self._best_bound, self._mxnet_seed = values["best_bound"], values["mxnet_seed"]
        self.history.rows = values["history"]
        self._noise_before, self._noise_now = values["noise_before_epoch"], values["noise"]
        _noise.source.restore(self._noise_before)
        if self.row:
            self._order = _random_order(self.train)
            _noise.source.restore(self._noise_now)

    @cached_property
    def _digest(self) -> str:
        return self.train.digest()

    def _made_with(self) -> dict[str, Any]:
        """What has to be the same where a training goes on."""
        return {
            "data": self._digest,
            "batch size": self.batch_size,
            "optimizer": _plain(type(self.stepper.trainer._optimizer).__name__),
            "bound": type(self.bound).__name__,
        }


def _plain(optimizer: str) -> str:
    """The name of an optimizer, the same for MXNet's own and the one in one region, which go on from each other."""
    return optimizer[len("Fused") :] if optimizer.startswith("Fused") else optimizer


def _random_order(data: Data) -> Any:
    """The order of an epoch, of the seeded source: rows of a Dataset, and the seed of a Stream's."""
    return _noise.source.permutation(len(data)) if isinstance(data, Dataset) else int(_noise.source.rng.integers(2**32))


def _validated(bound: Objective, valid: Data, rows: Optional[int]) -> Metrics:
    """What is told of the validation data; the bound is always one on log p(x), also where there are labels.

    No more than ``rows`` of them are computed at once.
    """
    vae = bound.vae
    terms = evaluate(bound, as_unlabelled(vae, valid), rows=rows)[:3]
    further = {**named_kl_by_layer(vae, valid, rows), **named_accuracy(vae, valid, rows)}
    return {**_prefixed("valid", terms), **{f"valid_{name}": value for name, value in further.items()}}


def describe(metrics: Metrics) -> str:
    """An epoch's metrics in one line."""
    bound, log_likelihood, kl = (metrics[f"train_{term}"] for term in TERMS)
    valid = f"; validation bound {metrics['valid_bound']:.2f}" if "valid_bound" in metrics else ""
    terms = f"bound {bound:.2f}, log-likelihood {log_likelihood:.2f}, KL {kl:.2f}"
    return f"{terms}{valid}; {metrics['images_per_second']:,.0f} images/s"


def _prefixed(prefix: str, values: Iterable[float]) -> Metrics:
    return {f"{prefix}_{term}": float(value) for term, value in zip(TERMS, values)}
