"""Callbacks of :func:`gluonvae.fit` that log a training: to TensorBoard, Weights & Biases and MLflow.

Each needs a library, which is loaded when its logger is made: ``pip install 'gluonvae[tensorboard]'``,
``'gluonvae[wandb]'`` or ``'gluonvae[mlflow]'``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from . import checks
from .backend.operators import as_numpy
from .backend.runtime import mx
from .batches import load_batch
from .data import Dataset
from .models import VAE, SemiSupervisedVAE
from .networks import Layout
from .noise import NoiseSource
from .training.callbacks import Callback
from .training.loop import Training
from .training.metrics import Metrics

PICTURES = 32
"""How many samples a picture shows; of the reconstructions as many with their originals."""


def _library(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"{name} is not installed: pip install 'gluonvae[{extra}]'") from error


class TensorBoard(Callback):
    """Writes a training as TensorBoard reads it: the metrics of each epoch as scalars, parameters and their gradients
    as histograms, and samples and reconstructions as pictures where the data are images.

    Steps are epochs. With weights that are averaged, the pictures are of the averages. A training that is resumed goes
    on from its checkpoint: TensorBoard does not show what had been logged after it.

    Parameters
    ----------
    folder : str or Path
        Where the event files are written: ``tensorboard --logdir FOLDER`` shows them.
    every : int
        After how many epochs histograms and pictures are written, from the first on.

    Raises
    ------
    ImportError
        Where tensorboardX is not installed.

    Examples
    --------
    >>> gluonvae.fit(bound, train, valid, callbacks=[gluonvae.loggers.TensorBoard("runs/first/tensorboard")])
    """

    of_first = True

    def __init__(self, folder: Union[str, Path], every: int = 5) -> None:
        self._make_writer = _library("tensorboardX", "tensorboard").SummaryWriter
        self.folder, self.every = Path(folder), checks.positive_int("every", every)
        self._writer: Any = None

    def on_start(self, training: Training) -> None:
        self._writer = self._make_writer(
            str(self.folder),
            purge_step=training.epoch,
            flush_secs=1,  # a thread writes: a process that is killed loses no more
            # files are named by the second, and one that is as old would be written over
            filename_suffix=f".{training.steps_taken:09d}",
        )

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        epoch = int(metrics["epoch"])
        for name, value in metrics.items():
            if name != "epoch":
                # train_bound and valid_bound side by side
                tag = re.sub("^(train|valid)_(.*)$", r"\2/\1", name)
                self._writer.add_scalar(tag, value, epoch)
        if (epoch - 1) % self.every == 0:
            self._add_histograms(training.vae, epoch)
            with training.averaged():
                self._add_pictures(training, epoch)
        self._writer.flush()

    def on_end(self, training: Training) -> None:
        self._writer.close()

    def state(self) -> dict[str, Any]:
        return {}

    def _add_histograms(self, vae: VAE, epoch: int) -> None:
        for name, parameter in vae._collect_params_with_prefix().items():
            self._writer.add_histogram(f"parameters/{name}", as_numpy(parameter.list_data()[0]), epoch)
            if parameter.grad_req != "null":
                self._writer.add_histogram(f"gradients/{name}", as_numpy(parameter.list_grad()[0]), epoch)

    def _add_pictures(self, training: Training, epoch: int) -> None:
        data = training.valid if isinstance(training.valid, Dataset) else training.train
        if not isinstance(data, Dataset) or _layout(data) is None:
            return
        count = min(PICTURES, len(data))
        # the same data, noise and labels in each epoch
        batch = load_batch(training.vae, data, slice(count), NoiseSource(0))
        self._writer.add_images("samples", _pictures(_samples(training.vae, count, batch.label), data), epoch)
        noise = training.vae.inference_net.noise
        noise = NoiseSource(0).draw(noise, (1, count), training.vae.context, training.vae.dtype)
        (drawn,) = training.vae.generate_reconstructions(batch.data, 1, "mean", noise, batch.label)
        # each to the right of its original
        pairs = np.stack([as_numpy(batch.data), as_numpy(drawn)], 1).reshape(2 * count, -1)
        self._writer.add_images("reconstructions", _pictures(pairs, data), epoch)


def _samples(vae: VAE, count: int, label: Any) -> Any:
    """Means of draws from the prior, from the same latent states at each call."""
    if isinstance(vae, SemiSupervisedVAE):  # labels may be missing: each class in turn
        label = mx.nd.array(np.resize(np.eye(vae.label_size), (count, vae.label_size)), vae.context, vae.dtype)
    noise = NoiseSource(0).draw(vae.prior.noise, (count,), vae.context, vae.dtype)
    return vae.phantasize(count, "mean", noise, label)


def _layout(data: Dataset) -> Optional[Layout]:
    """How a row of the data is a picture; None where it is none."""
    try:
        layout = Layout.of(data.shape)
    except ValueError:
        return None
    return layout if data.things == "images" and layout.channels in (1, 3) else None


def _pictures(rows: Any, data: Dataset) -> np.ndarray:
    """Rows ``(N, X)`` as pictures ``(N, C, H, W)`` with values from 0 to 1."""
    layout, (low, high) = Layout.of(data.shape), data.limits
    values = (as_numpy(rows) - low) / ((high - low) or 1.0)
    return as_numpy(layout.maps(mx.nd.array(np.clip(values, 0, 1))))


class WandB(Callback):
    """Logs the metrics of each epoch to Weights & Biases. A training that is resumed goes on with its run there.

    Parameters
    ----------
    **options
        Of ``wandb.init``: ``project``, ``name``, ``config``, ``mode="offline"``, ...

    Raises
    ------
    ImportError
        Where wandb is not installed.

    Examples
    --------
    >>> gluonvae.fit(bound, train, callbacks=[gluonvae.loggers.WandB(project="digits", config={"latent": 100})])
    """

    of_first = True

    def __init__(self, **options: Any) -> None:
        self._wandb, self.options = _library("wandb", "wandb"), options
        self._id: Optional[str] = None
        self._run: Any = None

    def on_start(self, training: Training) -> None:
        again = {} if self._id is None else {"id": self._id, "resume": "allow"}
        self._run = self._wandb.init(**{**self.options, **again})
        self._id = self._run.id

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        self._run.log(dict(metrics), step=int(metrics["epoch"]))

    def on_end(self, training: Training) -> None:
        self._run.finish(exit_code=0 if training.error is None else 1)

    def state(self) -> dict[str, Any]:
        return {"id": self._id}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._id = state["id"]


class MLflow(Callback):
    """Logs the metrics of each epoch to MLflow: to the active run, else to one of its own, which a training that is
    resumed goes on with.

    Parameters
    ----------
    **options
        Of ``mlflow.start_run``, for a run of its own: ``run_name``, ``tags``, ...

    Raises
    ------
    ImportError
        Where mlflow is not installed.

    Examples
    --------
    >>> with mlflow.start_run():
    ...     mlflow.log_param("latent", 100)
    ...     gluonvae.fit(bound, train, callbacks=[gluonvae.loggers.MLflow()])
    """

    of_first = True

    def __init__(self, **options: Any) -> None:
        self._mlflow, self.options = _library("mlflow", "mlflow"), options
        self._id: Optional[str] = None
        self._is_own = False

    def on_start(self, training: Training) -> None:
        self._is_own = self._mlflow.active_run() is None
        if self._is_own:
            self._mlflow.start_run(**{**self.options, **({} if self._id is None else {"run_id": self._id})})
        self._id = self._mlflow.active_run().info.run_id

    def on_epoch(self, training: Training, metrics: Metrics) -> None:
        self._mlflow.log_metrics({name: float(value) for name, value in metrics.items()}, int(metrics["epoch"]))

    def on_end(self, training: Training) -> None:
        if self._is_own:
            self._mlflow.end_run("FINISHED" if training.error is None else "FAILED")

    def state(self) -> dict[str, Any]:
        return {"id": self._id}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._id = state["id"]
