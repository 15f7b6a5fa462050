"""The training loop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Callable, Optional, Union

from tqdm import tqdm

from .. import checks
from .. import noise as _noise
from ..data import Dataset
from ..evaluation.estimates import evaluate, model_batch, model_data, named_kl
from ..objectives import Objective
from .optimizer import FusedAdam
from .schedules import Schedule
from .step import Stepper

_log = logging.getLogger(__name__)

Metrics = dict[str, float]


class History:
    """What each epoch gave: ``history.rows`` is a list of dicts, ``history["valid_bound"]`` a column."""

    def __init__(self) -> None:
        self.rows: list[Metrics] = []
        self.interrupted = False
        """Whether Ctrl-C ended the training."""

    def __getitem__(self, column: str) -> list[float]:
        if self.rows:
            checks.known_name("column", column, self.rows[0])
        return [row[column] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)


def fit(
    bound: Objective,
    train: Union[Dataset, Any],
    valid: Optional[Union[Dataset, Any]] = None,
    *,
    epochs: int = 20,
    batch_size: int = 128,
    optimizer: str = FusedAdam.name,
    learning_rate: Union[float, Schedule] = 1e-3,
    beta: Union[float, Schedule, None] = None,
    weights: Optional[Mapping[str, Union[float, Schedule]]] = None,
    precision: Optional[str] = None,
    callbacks: Sequence[Callable[[Metrics], None]] = (),
    progress: bool = True,
) -> History:
    """Maximise ``bound`` over its model's parameters.

    Parameters
    ----------
    bound : the objective, its model initialised; hybridise it beforehand for speed.
    train, valid : a :class:`gluonvae.data.Dataset`, or an array ``(N, X)``.
    epochs : passes over ``train``, each in a new order; the last batch may be smaller.
    optimizer : a name that MXNet's optimizers are registered under; the default is "adam" compiled,
        see :class:`gluonvae.training.optimizer.FusedAdam`.
    learning_rate : a number, or a function of the number of steps taken.
    beta : what ``bound.beta`` is set to, likewise; left out, it stays as it is.
    weights : what any weights of the bound are set to, by name, likewise: ``{"capacity": schedule}``.
    precision : of the matrix products while it lasts, "float32", "bfloat16" or "float16", see
        :meth:`gluonvae.networks.XavierBlock.mixed_precision`; float32 afterwards. Left out, it stays
        as it is.
    callbacks : each called after each epoch with its metrics.
    progress : show a progress bar.

    Returns
    -------
    A :class:`History` with, for each epoch, ``train_`` and (given ``valid``) ``valid_`` times
    ``bound``, ``log_likelihood`` and ``kl`` in nats per data point, ``valid_kl_1``, ``valid_kl_2``, ... where
    there are layers of latent variables, and ``epoch``, ``learning_rate``, ``images_per_second`` and ``seconds``.

    Ctrl-C ends it after the step under way, with what was learnt kept; a second one at once.
    Raises ValueError or TypeError for data that does not fit the model, a batch larger than the
    data and sizes that are not positive, and FloatingPointError where the objective is no longer
    finite: before the parameters are touched, or, on a GPU, at most :data:`gluonvae.training.step.UNREAD_ON_GPU`
    steps later, with the parameters put back to those of at most as many steps before.
    """
    if not isinstance(bound, Objective):
        raise TypeError(f"bound must be an objective such as gluonvae.ELBO(vae), got {type(bound).__name__}")
    epochs = checks.positive_int("epochs", epochs)
    train = model_data("train", train, bound.vae)
    if valid is not None:
        valid = model_data("valid", valid, bound.vae)
    if checks.positive_int("batch_size", batch_size) > len(train):
        raise ValueError(f"batch_size {batch_size} is larger than the data: train has {len(train)} images")
    stepper = Stepper(bound, optimizer, learning_rate, {**(weights or {}), **({} if beta is None else {"beta": beta})})
    history, validation = History(), ""
    with (
        _precision(bound, precision),
        _CtrlC() as ctrl_c,
        tqdm(total=epochs * len(train), unit="img", unit_scale=True, disable=not progress, dynamic_ncols=True) as bar,
    ):
        for epoch in range(1, epochs + 1):
            bar.set_description(f"epoch {epoch}/{epochs}{validation}", refresh=False)
            metrics = _train_epoch(stepper, train, batch_size, bar, ctrl_c)
            if metrics is None:
                break
            if valid is not None:
                metrics.update(_prefixed("valid", evaluate(bound, valid)[:3]))
                metrics.update({f"valid_{name}": value for name, value in named_kl(bound.vae, valid).items()})
                validation = f", validation {metrics['valid_bound']:.2f}"
            history.rows.append({"epoch": epoch, **metrics})
            _log.info("epoch %d of %d: %s", epoch, epochs, describe(metrics))
            for callback in callbacks:
                callback(history.rows[-1])
            if ctrl_c.pressed:
                break
    history.interrupted = len(history) < epochs
    if history.interrupted:
        _log.warning("interrupted in epoch %d, after %d steps; what was learnt is kept", epoch, stepper.taken)
    return history


@contextmanager
def _precision(bound: Objective, precision: Optional[str]) -> Iterator[None]:
    """While it lasts, take products in ``precision``; then in float32 again."""
    if precision is None:
        yield
        return
    bound.mixed_precision(precision)
    try:
        yield
    finally:
        bound.mixed_precision("float32")


def describe(metrics: Metrics) -> str:
    """An epoch's metrics in one line."""
    parts = [
        f"bound {metrics['train_bound']:.2f}, log-likelihood {metrics['train_log_likelihood']:.2f}, "
        f"KL {metrics['train_kl']:.2f}"
    ]
    if "valid_bound" in metrics:
        parts.append(f"validation bound {metrics['valid_bound']:.2f}")
    return "; ".join([*parts, f"{metrics['images_per_second']:,.0f} images/s"])


def _prefixed(prefix: str, values: Iterable[float]) -> Metrics:
    return dict(zip((f"{prefix}_bound", f"{prefix}_log_likelihood", f"{prefix}_kl"), map(float, values)))


def _train_epoch(stepper: Stepper, train: Dataset, batch_size: int, bar: tqdm, ctrl_c: _CtrlC) -> Optional[Metrics]:
    """One pass over ``train`` in a new order; None where Ctrl-C cut it short."""
    order, started = _noise.source.permutation(len(train)), time.perf_counter()
    stepper.start_epoch()
    for start in range(0, len(train), batch_size):
        rows = order[start : start + batch_size]
        stepper.step(model_batch(train, rows, stepper.bound.vae))
        if stepper.seen:
            bound, log_likelihood, kl = stepper.sums / stepper.seen
            bar.set_postfix_str(f"bound {bound:.2f}, log-lik. {log_likelihood:.2f}, KL {kl:.2f}", refresh=False)
        bar.update(len(rows))
        if ctrl_c.pressed:
            break
    stepper.read()
    if stepper.seen < len(train):
        return None
    seconds = time.perf_counter() - started
    return {
        **_prefixed("train", stepper.sums / stepper.seen),
        "learning_rate": float(stepper.trainer.learning_rate),
        "images_per_second": stepper.seen / seconds,
        "seconds": seconds,
    }


class _CtrlC:
    """While it lasts, the first Ctrl-C is only noted, so that a step is not cut in two; the second
    interrupts. Outside the main thread, where no signal arrives, it does nothing."""

    def __init__(self) -> None:
        self.pressed = False

    def __enter__(self) -> _CtrlC:
        self._watches = threading.current_thread() is threading.main_thread()
        if self._watches:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, signal_number: int, frame: Optional[FrameType]) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True

    def __exit__(self, *exception: object) -> None:
        if self._watches:
            signal.signal(signal.SIGINT, self._before)
