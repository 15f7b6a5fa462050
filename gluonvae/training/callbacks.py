"""What a training calls at its start, after each step and each epoch, and at its end."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from .. import checks
from .. import noise as _noise
from ..files import as_json
from .metrics import Metrics
from .serialization import plain_attributes, set_attributes

if TYPE_CHECKING:
    from .loop import Training

_log = logging.getLogger(__name__)


class Callback:
    """What :func:`gluonvae.fit` calls in the course of a training. A callback of your own overrides what it needs.

    Examples
    --------
    >>> class Printer(gluonvae.callbacks.Callback):
    ...     def on_epoch(self, training, metrics):
    ...         print(metrics["epoch"], metrics["train_bound"])
    ...         if metrics["train_bound"] > -100:
    ...             training.stop("good enough")
    >>> gluonvae.fit(bound, train, callbacks=[Printer()])
    """

    of_first = False
    """Whether of several workers rank 0 alone calls it, as what writes files has to be."""

    def on_start(self, training: Training) -> None:
        """Before the first step; in a training that is resumed, when its state is restored."""

    def on_step(self, training: Training) -> None:
        """After each step, when the parameters are updated: ``training.steps_taken`` counts it."""

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        """After each epoch, with its row of the history. Numbers that are added to it are kept with the others."""

    def on_end(self, training: Training) -> None:
        """At the end, also where it is an exception, which is then ``training.error``."""

    def state(self) -> dict[str, Any]:
        """Return what is to be restored where the training is resumed, as JSON knows it.

        By default these are the attributes that are finite numbers, or lists of them.
        """
        return plain_attributes(self)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what :meth:`state` returned."""
        set_attributes(self, state)


class _OfMetrics(Callback):
    """A function of an epoch's metrics."""

    def __init__(self, function: Callable[[Metrics], object]) -> None:
        self._function = function

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        self._function(metrics)


AnyCallback = Union[Callback, Callable[[Metrics], object]]


class Callbacks:
    """The callbacks of a training.

    Parameters
    ----------
    callbacks : iterable of Callback or callable
        A function is called after each epoch with its metrics.
    rank : int
        Of the worker.
    """

    def __init__(self, callbacks: Iterable[AnyCallback], rank: int = 0) -> None:
        self.all: Sequence[Callback] = [_as_callback(callback) for callback in callbacks]
        self._called = [callback for callback in self.all if rank == 0 or not callback.of_first]
        self.at_steps = [partial(_at_step, callback) for callback in self._called if _looks_at_steps(callback)]
        """Those that are called after each step."""
        self.look_at_steps = any(map(_looks_at_steps, self.all))
        """Whether a worker has such."""
        self._started: list[Callback] = []

    def start(self, training: Training) -> None:
        """Tell all of the start."""
        for callback in self._called:
            with _leaving_noise_alone(callback):
                callback.on_start(training)
            self._started.append(callback)

    def end_epoch(self, training: Training, metrics: Metrics) -> None:
        """Tell all of the end of an epoch, and look at what they have added to its metrics."""
        for callback in self.all:
            with training.group.failing_together():
                if callback in self._called:
                    with _leaving_noise_alone(callback):
                        callback.on_epoch(training, metrics)
                for name, value in metrics.items():
                    if type(value) not in (int, float):
                        metrics[name] = _as_float(name, value)
            if not training.group.is_alone:  # the next may decide by them, in all workers alike
                metrics.update(json.loads(training.group.gather(json.dumps(metrics))[0]))

    def end(self, training: Training) -> None:
        """Tell those that have started of the end; an exception of one keeps it from no other."""
        errors = []
        for callback in self._started:
            try:
                callback.on_end(training)
            except Exception as error:
                errors.append(error)
        if errors and training.error is None:
            raise errors[0]
        for failed in errors:
            _log.warning("a callback failed at the end of the training: %s: %s", type(failed).__name__, failed)

    def states(self) -> list[dict[str, Any]]:
        """Return the states of all, each with the name of its class."""
        return [{"callback": type(callback).__name__, "state": callback.state()} for callback in self.all]

    def check_states(self) -> None:
        """Raise where a checkpoint cannot hold the states."""
        for callback in self.all:
            try:
                as_json(callback.state())
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"the state of the callback {type(callback).__name__} cannot be saved ({error}): its state() must "
                    "return what JSON knows, or train without a folder"
                ) from error

    def restore(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Give the callbacks the states of those of the same classes, in order."""
        left = list(states)
        for callback in self.all:
            for state in left:
                if state["callback"] == type(callback).__name__:
                    callback.restore(state["state"])
                    left.remove(state)
                    break


def _looks_at_steps(callback: Callback) -> bool:
    return getattr(callback.on_step, "__func__", callback.on_step) is not Callback.on_step


def _at_step(callback: Callback, training: Training) -> None:
    with _leaving_noise_alone(callback):
        callback.on_step(training)


@contextmanager
def _leaving_noise_alone(callback: Callback) -> Iterator[None]:
    """Context manager of a callback: what one worker alone draws must not be missing in the noise of the training."""
    before = _noise.source.state()
    yield
    if callback.of_first and _noise.source.state() != before:
        _noise.source.restore(before)


def _as_float(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"metrics are numbers: a callback has set {name} to {value!r}") from error


def _as_callback(callback: AnyCallback) -> Callback:
    if isinstance(callback, Callback):
        return callback
    if isinstance(callback, type) or not callable(callback):
        given = callback.__name__ if isinstance(callback, type) else type(callback).__name__
        what = f"the class {given}, of which it takes an object" if isinstance(callback, type) else given
        raise TypeError(f"callbacks must be gluonvae.callbacks.Callback or functions of an epoch's metrics, got {what}")
    return _OfMetrics(callback)


class Watching(Callback):
    """A callback that watches one of the metrics for epochs without improvement.

    Parameters
    ----------
    patience : int
        How many epochs in a row may pass without an improvement.
    monitor : str, optional
        Name of the metric; by default "valid_bound" or, where there are no validation data, "train_bound".
    min_delta : float
        What is less than this is no improvement.
    mode : {"max", "min"}
        Whether more or less is better.
    """

    def __init__(
        self, patience: int = 10, monitor: Optional[str] = None, min_delta: float = 0.0, mode: str = "max"
    ) -> None:
        if mode not in ("max", "min"):
            raise ValueError(f"mode must be 'max' or 'min', got {mode!r}")
        self.patience, self.monitor, self.mode = checks.positive_int("patience", patience), monitor, mode
        self.min_delta = checks.finite_number("min_delta", min_delta)
        if self.min_delta < 0:
            raise ValueError(f"min_delta must not be negative, got {min_delta}")
        self.watched = ""
        """Name of the metric that is watched."""
        self.best: Optional[float] = None
        """Its best value so far."""
        self.waited = 0
        """Epochs since then."""

    def on_start(self, training: Training) -> None:
        if training.steps_taken == 0:  # it may have seen another training
            self.best, self.waited = None, 0
        self.watched = self.monitor or ("train_bound" if training.valid is None else "valid_bound")
        if training.valid is None and self.watched.startswith("valid_"):
            raise ValueError(f"{type(self).__name__} watches {self.watched}, which needs validation data: pass valid")

    def watch(self, metrics: Metrics) -> None:
        """Take note of an epoch's metrics."""
        name = checks.known_name(f"the metric that {type(self).__name__} watches", self.watched, metrics)
        value = metrics[name]
        gain = math.inf if self.best is None else value - self.best if self.mode == "max" else self.best - value
        if math.isfinite(value) and gain > self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited = state["best"], state["waited"]


class EarlyStopping(Watching):
    """Stops a training when a metric has not improved for some epochs.

    The model keeps the parameters of the last epoch; :func:`gluonvae.fit` with ``restore_best=True`` gives it those
    of the best. A training that is resumed with the same patience is at its end; with more it goes on.

    Parameters
    ----------
    patience, monitor, min_delta, mode
        See :class:`gluonvae.training.callbacks.Watching`.

    Examples
    --------
    >>> stopping = gluonvae.callbacks.EarlyStopping(patience=5)
    >>> gluonvae.fit(bound, train, valid, epochs=1000, callbacks=[stopping], restore_best=True)
    """

    def on_start(self, training: Training) -> None:
        super().on_start(training)
        self._stop(training)

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        self.watch(metrics)
        self._stop(training)

    def _stop(self, training: Training) -> None:
        if self.waited >= self.patience:
            training.stop(f"{self.watched} has not improved for {self.waited} epochs")
