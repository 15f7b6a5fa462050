"""The training loop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Any, Callable, Optional, Union

from tqdm import tqdm

from .. import checks
from .. import noise as _noise
from ..batches import dataset_for, load_batch
from ..data import Dataset
from ..evaluation import evaluate
from ..evaluation.estimates import named_kl_by_layer
from ..objectives import Objective
from .optimizer import FusedAdam
from .schedules import Scheduled
from .step import Stepper

_log = logging.getLogger(__name__)

Metrics = dict[str, float]
TERMS = ("bound", "log_likelihood", "kl")


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
    learning_rate: Scheduled = 1e-3,
    beta: Optional[Scheduled] = None,
    weights: Optional[Mapping[str, Scheduled]] = None,
    precision: Optional[str] = None,
    callbacks: Sequence[Callable[[Metrics], None]] = (),
    progress: bool = True,
) -> History:
    """Train a model by maximising a bound.

    Ctrl-C ends the training after the current step, and the parameters keep what they have learnt; a second Ctrl-C
    ends it at once.

    Parameters
    ----------
    bound : Objective
        The bound; its model is initialised. Hybridise it beforehand for speed.
    train, valid : Dataset or array
        Images ``(N, X)``, with labels for a model that takes them.
    epochs : int
        Number of passes over ``train``, each in a new order; the last batch may be smaller.
    batch_size : int
    optimizer : str
        Name of one of MXNet's optimizers; by default "adam", compiled, see
        :class:`gluonvae.training.optimizer.FusedAdam`.
    learning_rate : float or callable
        A number, or a function of the number of steps taken, see :mod:`gluonvae.schedules`.
    beta : float or callable, optional
        Value of ``bound.beta``, likewise.
    weights : mapping, optional
        Values of weights of the bound or the model by name, likewise: ``{"capacity": schedule}``.
    precision : {"float32", "bfloat16", "float16"}, optional
        Precision of the matrix products during the training, see
        :meth:`gluonvae.networks.XavierBlock.mixed_precision`; afterwards what it was before.
    callbacks : sequence of callable
        Each is called after each epoch with its metrics.
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        For each epoch ``train_bound``, ``train_log_likelihood`` and ``train_kl`` in nats per data point, the same
        with ``valid_`` where there is ``valid``, ``valid_kl_1``, ``valid_kl_2``, ... where there are layers of
        latent variables, and ``epoch``, ``learning_rate``, ``images_per_second`` and ``seconds``.

    Raises
    ------
    ValueError, TypeError
        For data that do not fit the model, a batch larger than the data, and sizes that are not positive.
    FloatingPointError
        Where the objective is no longer finite: before the parameters are updated, or, on a GPU, at most
        :data:`gluonvae.training.step.UNREAD_ON_GPU` steps later, with the parameters restored to those of at most
        as many steps before.

    Examples
    --------
    >>> history = gluonvae.fit(gluonvae.ELBO(vae), train, valid, epochs=10)
    >>> history["valid_bound"]
    """
    if not isinstance(bound, Objective):
        raise TypeError(f"bound must be an objective such as gluonvae.ELBO(vae), got {type(bound).__name__}")
    epochs = checks.positive_int("epochs", epochs)
    train = dataset_for(bound.vae, train, "train")
    valid = None if valid is None else dataset_for(bound.vae, valid, "valid")
    if checks.positive_int("batch_size", batch_size) > len(train):
        raise ValueError(f"batch_size {batch_size} is larger than the data: train has {len(train)} images")
    stepper = Stepper(bound, optimizer, learning_rate, {**(weights or {}), **({} if beta is None else {"beta": beta})})
    history, validation = History(), ""
    with ExitStack() as stack:
        if precision is not None:
            stack.enter_context(bound.in_precision(precision))
        ctrl_c = _CtrlC()
        if threading.current_thread() is threading.main_thread():  # no signal arrives elsewhere
            stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, ctrl_c.note))
        total = epochs * len(train)
        bar = stack.enter_context(
            tqdm(total=total, unit="img", unit_scale=True, disable=not progress, dynamic_ncols=True)
        )
        for epoch in range(1, epochs + 1):
            bar.set_description(f"epoch {epoch}/{epochs}{validation}", refresh=False)
            metrics = _train_epoch(stepper, train, batch_size, bar, ctrl_c)
            if metrics is None:
                break
            if valid is not None:
                metrics.update(_prefixed("valid", evaluate(bound, valid)[:3]))
                metrics.update({f"valid_{name}": value for name, value in named_kl_by_layer(bound.vae, valid).items()})
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


def describe(metrics: Metrics) -> str:
    """An epoch's metrics in one line."""
    bound, log_likelihood, kl = (metrics[f"train_{term}"] for term in TERMS)
    valid = f"; validation bound {metrics['valid_bound']:.2f}" if "valid_bound" in metrics else ""
    terms = f"bound {bound:.2f}, log-likelihood {log_likelihood:.2f}, KL {kl:.2f}"
    return f"{terms}{valid}; {metrics['images_per_second']:,.0f} images/s"


def _prefixed(prefix: str, values: Iterable[float]) -> Metrics:
    return {f"{prefix}_{term}": float(value) for term, value in zip(TERMS, values)}


def _train_epoch(stepper: Stepper, train: Dataset, batch_size: int, bar: tqdm, ctrl_c: _CtrlC) -> Optional[Metrics]:
    """One pass over ``train`` in a new order; None where Ctrl-C cut it short."""
    order, started = _noise.source.permutation(len(train)), time.perf_counter()
    stepper.start_epoch()
    for start in range(0, len(train), batch_size):
        rows = order[start : start + batch_size]
        stepper.step(load_batch(stepper.bound.vae, train, rows))
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
    """A handler of Ctrl-C: the first is only noted, so that a step is not cut in two; the second interrupts."""

    pressed = False

    def note(self, signal_number: int, frame: Optional[FrameType]) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
