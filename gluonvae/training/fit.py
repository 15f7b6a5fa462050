"""Training a model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, Callable, Optional, Union

from .. import checks
from ..backend.memory import earlier_objects_left_alone
from ..batches import Data, dataset_for
from ..data import Stream
from ..data.inspection import find_problems
from ..distributed.joining import current
from ..files import read_by
from ..generator.support import REAL
from ..models import VAE
from ..objectives import Objective
from ..progress import progress_bar
from .callbacks import AnyCallback
from .config import Config, config_from_python
from .loop import History, Training
from .optimizer import FusedAdam
from .run import BEST, Run, RunError
from .saving import MINUTES, CheckpointSchedule, Saver, go_on_from, noise_of_the_cpu
from .schedules import Scheduled
from .shared_step import make_stepper
from .signals import Stopping
from .together import agree_on_noise, first_does, shared_checkpoint
from .trainer import make_same
from .trainers import Optimizer

BATCH_SIZE = 128
UNITS = {"images": "img"}
"""What a progress bar calls data points, where that is short."""

_log = logging.getLogger(__name__)


def fit(
    bound: Objective,
    train: Any,
    valid: Any = None,
    *,
    epochs: int = 20,
    batch_size: Optional[int] = None,
    optimizer: Optimizer = FusedAdam.name,
    optimizer_params: Optional[Mapping[str, Any]] = None,
    learning_rate: Optional[Scheduled] = None,
    clip_norm: Optional[float] = None,
    accumulate: int = 1,
    ema: Optional[float] = None,
    beta: Optional[Scheduled] = None,
    weights: Optional[Mapping[str, Scheduled]] = None,
    precision: Optional[str] = None,
    callbacks: Sequence[AnyCallback] = (),
    restore_best: bool = False,
    progress: bool = True,
    folder: Union[str, Path, Run, None] = None,
    resume: Union[str, Path, None] = None,
    checkpoint_minutes: float = MINUTES,
    checkpoint_epochs: Optional[int] = None,
) -> History:
    """Train a model by maximising a bound.

    Ctrl-C, SIGTERM and SIGHUP end the training after the current step, and the parameters keep what they have learnt;
    a second one ends it at once. SIGTERM and SIGHUP are sent again when the state is saved, so that the program ends
    unless it handles them. Signals that the process ignores stay ignored.

    Parameters
    ----------
    bound : Objective
        The bound; its model is initialised. Hybridise it beforehand for speed.
    train, valid : Dataset or array, or batches
        Data points ``(N, X)`` in any form that :func:`gluonvae.batches.dataset_for` takes, with labels for a model that
        takes them.
    epochs : int
        Number of passes over ``train``, each in a new order; the last batch may be smaller.
    batch_size : int, optional
        By default 128, or that of the batches where ``train`` is a DataLoader or another iterable of batches.
    optimizer : str, mx.optimizer.Optimizer or gluon.Trainer
        Name of one of MXNet's optimizers, by default "adam", compiled, see
        :class:`gluonvae.training.optimizer.FusedAdam`; or an optimizer; or a trainer of parameters of ``bound``, of
        which those that it does not have are not learnt.
    optimizer_params : mapping, optional
        Options of an optimizer that is given by its name, as Gluon's Trainer takes them: ``wd``, the weight decay,
        ``clip_gradient``, which clips each number of a gradient, ``beta1``, ...
    learning_rate : float or callable, optional
        A number, or a function of the number of steps taken, see :mod:`gluonvae.schedules`; by default that of
        ``optimizer``, and 1e-3 where it is a name.
    clip_norm : float, optional
        The largest norm of the mean gradient over the data points of a batch, of all parameters together; a larger
        one is scaled to it.
    accumulate : int
        How many batches there are to an update; the last update of an epoch may have fewer. Schedules and callbacks
        count batches as steps.
    ema : float, optional
        Keep an exponential moving average of the parameters, with this decay, such as 0.999: see
        :class:`gluonvae.training.updates.Average`. It is what is validated and saved, and what the model has at the
        end.
    beta : float or callable, optional
        Value of ``bound.beta``, likewise.
    weights : mapping, optional
        Values of weights of the bound or the model by name, likewise: ``{"capacity": schedule}``.
    precision : {"float32", "bfloat16", "float16"}, optional
        Precision of the matrix products during the training, see
        :meth:`gluonvae.networks.XavierBlock.mixed_precision`; afterwards what it was before.
    callbacks : sequence of Callback or callable
        See :class:`gluonvae.callbacks.Callback`; a function is called after each epoch with its metrics.
    restore_best : bool
        Give the model at the end the parameters of the epoch with the highest bound on ``valid``.
    progress : bool
        Show a progress bar.
    folder : str or Path, optional
        Folder to write: checkpoints, parameters, metrics and status, see :mod:`gluonvae.training.run`. It must not
        exist, or be empty. Left out, nothing is written.
    resume : str or Path, optional
        Folder of a training that was stopped, to go on from its last checkpoint. With the arguments that it was
        started with, parameters and history at the end are those of a training that was never stopped, to the bit at
        the same number of threads.
    checkpoint_minutes : float
        After how many minutes a checkpoint is written in the midst of an epoch.
    checkpoint_epochs : int, optional
        After how many epochs a checkpoint is written; by default after each, as long as that takes less than 2 % of
        the time.

    Returns
    -------
    History
        For each epoch ``train_bound``, ``train_log_likelihood`` and ``train_kl`` in nats per data point, the same
        with ``valid_`` where there is ``valid``, ``valid_kl_1``, ``valid_kl_2``, ... where there are layers of
        latent variables, ``valid_accuracy`` of a classifier, and ``epoch``, ``learning_rate``,
        ``images_per_second`` and ``seconds``. Where a callback has ended the training, ``history.stopped`` says why.
        Of a :class:`gluonvae.SemiSupervisedVAE` ``valid_bound`` is that on log p(x), of the images without their
        labels, and ``train_bound`` the mean of those on log p(x, y), where the label is known, and on log p(x).

    Raises
    ------
    ValueError, TypeError
        For data that do not fit the model, a batch larger than the data, and sizes that are not positive.
    gluonvae.training.run.RunError, OSError
        For a folder that is in use or cannot be written to, before the first step.
    gluonvae.training.checkpoint.CheckpointError
        For checkpoints that are damaged, or of another training.
    FloatingPointError
        Where the objective is no longer finite: before the parameters are updated, or, on a GPU, at most
        :data:`gluonvae.training.step.UNREAD_ON_GPU` steps later, with the parameters restored to those of at most
        as many steps before.

    Examples
    --------
    >>> history = gluonvae.fit(gluonvae.ELBO(vae), train, valid, epochs=10, folder="runs/first")
    >>> history["valid_bound"]
    """
    if not isinstance(bound, Objective):
        raise TypeError(f"bound must be an objective such as gluonvae.ELBO(vae), got {type(bound).__name__}")
    if folder is not None and resume is not None:
        raise ValueError("folder is of a new training and resume of one that was stopped: give one of them")
    epochs, progress = checks.positive_int("epochs", epochs), checks.boolean("progress", progress)
    if checks.boolean("restore_best", restore_best) and valid is None:
        raise ValueError("restore_best is of the epoch with the highest bound on the validation data: pass valid")
    train = dataset_for(bound.vae, train, "train")
    valid = None if valid is None else dataset_for(bound.vae, valid, "valid")
    batch_size = _batch_size(batch_size, train)
    weights = {**(weights or {}), **({} if beta is None else {"beta": beta})}
    updates = {"accumulate": accumulate, "clip_norm": clip_norm, "ema": ema}
    group = current()
    agree_on_noise(group)
    stepper = make_stepper(bound, optimizer, learning_rate, weights, optimizer_params, **updates)
    training = Training(stepper, train, valid, epochs, batch_size, callbacks)
    schedule, stopping = CheckpointSchedule(checkpoint_minutes, checkpoint_epochs), Stopping()
    with ExitStack() as stack:
        if precision is not None:
            stack.enter_context(bound.in_precision(precision))
        run = first_does(group, lambda: _open_run(folder, resume, lambda: config_from_python(bound, train, valid)))
        if run is not None:
            group.tell(run=str(run.folder.absolute()))
            if run is not folder:
                stack.enter_context(run)
        checkpoint = shared_checkpoint(group, None if run is None else run.checkpoint)
        if checkpoint is None:
            _begin(bound.vae, train)
        is_kept = group.is_any(run is not None)
        stack.enter_context(noise_of_the_cpu() if is_kept else nullcontext())
        stack.enter_context(stopping)
        stack.enter_context(training.until_its_end())
        if run is None and not group.is_alone:
            go_on_from(training, checkpoint, is_kept)
        with nullcontext() if run is None else Saver(training, run, schedule) as saver, earlier_objects_left_alone():
            _run_epochs(training, stopping, saver, progress and group.rank == 0)
        _leave_parameters(training, run, restore_best)
    if training.history.stopped is not None:
        _log.info("stopped after epoch %d: %s", len(training.history), training.history.stopped)
    if training.history.interrupted:
        _log.warning("interrupted in epoch %d, after %d steps; what was learnt is kept", training.epoch, stepper.taken)
    stopping.deliver()
    return training.history


def _batch_size(asked: Optional[int], train: Data) -> Optional[int]:
    """The size of a batch; None for that of a stream."""
    if isinstance(train, Stream):
        return None if asked is None else checks.positive_int("batch_size", asked)
    size = min(BATCH_SIZE, len(train)) if asked is None else checks.positive_int("batch_size", asked)
    if size > len(train):
        raise ValueError(f"batch_size {size} is larger than the data: train has {len(train)} {train.things}")
    return size


def _begin(vae: VAE, train: Data) -> None:
    """Have the model take its constants from the training data, and warn of values that it would not train well on."""
    if vae.needs_adapting:
        vae.adapt(train)
    if vae.generator.support is REAL and not isinstance(train, Stream):
        scales = vae.generator.standardization is None
        for problem in find_problems(train.blocks(), train.columns, train.things, scales):
            _log.warning("%s", problem)


def _open_run(
    folder: Union[str, Path, Run, None], resume: Union[str, Path, None], config: Callable[[], Config]
) -> Optional[Run]:
    """Open the run that a training writes, if it writes one."""
    if resume is not None:
        run = Run.resume(resume)
        if run.lacks_checkpoints:
            with run:
                raise RunError(f"{run.folder} has no checkpoints to go on from: train anew, in another folder")
        return run
    return folder if folder is None or isinstance(folder, Run) else Run.create(folder, config())


def _run_epochs(training: Training, stopping: Stopping, saver: Optional[Saver], progress: bool) -> None:
    rows = training.train.known_rows
    total, done = rows and training.epochs * rows, (training.epoch - 1) * (rows or 0) + training.row
    unit = UNITS.get(training.train.things, training.train.things[:-1])
    size = rows if training.epochs > 1 else None
    with progress_bar(total, unit, progress, size, initial=done, dynamic_ncols=True) as bar:
        training.fit(bar, stopping, saver.after_step if saver else lambda epoch_ended: None)


def _leave_parameters(training: Training, run: Optional[Run], restore_best: bool) -> None:
    """Give the model the parameters that it is to have at the end, where these are not those of the last step."""
    best, group = training.best, training.group
    if best is None and run is not None and run.file(BEST).exists():  # of an epoch before the training was resumed
        best = run.file(BEST).read_bytes()
    if restore_best and group.is_any(best is not None and group.rank == 0):
        if best is not None:
            read_by(training.vae.load_parameters, best)
        make_same(training.stepper.trained.parameters, group)  # rank 0's, which alone may have had any
        if run is not None:
            run.save_parameters(training.vae)
    elif training.stepper.updates.average is not None:
        training.stepper.updates.average.set()
