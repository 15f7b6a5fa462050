"""The command ``gluonvae train``."""

from __future__ import annotations

import argparse
import inspect
import logging
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from .. import checks, data, schedules
from .._version import __version__
from ..backend.runtime import device
from ..batches import load_batch
from ..distributions import Quantized
from ..evaluation import accuracy, evaluate, perplexity
from ..evaluation.estimates import named_kl_by_layer
from ..generator import LIKELIHOODS
from ..models import VAE, SemiSupervisedVAE, construct_vae
from ..models.construct import GENERATOR_LAYERS, INFER_LAYERS, sizes_of
from ..noise import seed
from ..objectives import BOUNDS, Objective
from ..training import History, fit
from ..training.run import Config, Run
from .labels import all_labels, has_classes, label_size, labels_to_draw

_log = logging.getLogger(__name__)

FINAL_RATE = 0.01
"""Of the starting learning rate, where a cosine schedule ends."""


def train(asked: argparse.Namespace) -> int:
    """Train a VAE and write a folder with its configuration, a line of metrics an epoch,
    its parameters, and pictures: curves.png, reconstructions.png, samples.png.

    Every number is in nats per image. The bound lies below the log-probability of an
    image under the model: higher (nearer 0) is better. Ctrl-C ends the training early
    and keeps what was learnt."""
    from .. import plots

    ctx = device(asked.device)
    seed(asked.seed)
    asked.binarization = asked.binarization or LIKELIHOODS[asked.likelihood].pixels
    splits = _training_data(asked)
    config = _configuration(asked, splits)
    vae = construct_vae(**config["model"])
    vae.initialize(ctx=ctx)
    bound = _bound(asked, vae, len(splits.train))
    run = Run(asked.out or Path(f"runs/{Path(asked.data).stem}-{time.strftime('%Y%m%d-%H%M%S')}"), config)
    if plots.picture_shape(splits.train.shape) is None:
        _log.warning("images of shape %s are not drawn: --shape HEIGHT WIDTH would tell how", splits.train.shape)
    try:
        with logging_redirect_tqdm():
            asked_of_fit = _fit_arguments(asked, bound, len(splits.train))
            history = fit(bound, splits.train, splits.valid, callbacks=[run.append_metrics], **asked_of_fit)
    except (FloatingPointError, KeyboardInterrupt):
        run.save_parameters(vae)
        raise
    run.save_parameters(vae)
    result = evaluate(bound, splits.test)
    further = _further_results(vae, splits.test)
    run.write_result({f"test_{name}": value for name, value in {**result._asdict(), **further}.items()})
    _draw(run, vae, splits.test, history)
    print(
        f"test bound {result.bound:.2f} nats per image (standard error {result.standard_error:.2f}; "
        f"log-likelihood {result.log_likelihood:.2f}, KL {result.kl:.2f})\n"
        f"{_in_words(further)}parameters, metrics and pictures are in {run.folder}"
    )
    return 130 if history.interrupted else 0


def _training_data(asked: argparse.Namespace) -> data.Splits:
    splits = data.load(asked.data, asked.data_dir, asked.binarization, asked.shape)
    if asked.labels is None:
        return splits
    if asked.bound != "semi_supervised":
        raise ValueError(f"--labels is for --bound semi_supervised, got {asked.bound}")
    return splits._replace(train=data.keep_few_labels(splits.train, asked.labels, seed=asked.seed))


def _configuration(asked: argparse.Namespace, splits: data.Splits) -> Config:
    values, labels = splits.train.possible_values(), all_labels(splits)
    return {
        "gluonvae": __version__,
        "model": _model_arguments(asked, splits.train, labels),
        # whole paths: a run is used from other folders, too
        "data": {
            "name": asked.data if asked.data in data.NAMES else _whole(asked.data),
            "folder": asked.data_dir and _whole(asked.data_dir),
            "binarization": asked.binarization,
            "shape": asked.shape,
        },
        "shape": splits.train.shape,
        "limits": [float(values.min()), float(values.max())],
        "classes": has_classes(labels),
        "asked": {key: value for key, value in vars(asked).items() if key not in ("run", "command", "out", "verbose")},
    }


def _model_arguments(asked: argparse.Namespace, train: data.Dataset, labels: Optional[np.ndarray]) -> dict[str, Any]:
    """The arguments of construct_vae: those of its name that were asked for, and what follows from the data."""
    return {
        **{name: getattr(asked, name, None) for name in inspect.signature(construct_vae).parameters},
        "latent_type": asked.posterior,
        "generator_layer_sizes": sizes_of(asked.generator_body, asked.generator_layer_sizes, GENERATOR_LAYERS),
        "infer_layer_sizes": sizes_of(asked.infer_body, asked.infer_layer_sizes, INFER_LAYERS),
        "classifier_layer_sizes": asked.classifier_layer_sizes if asked.labels else None,
        "label_size": label_size(labels) if asked.conditional or asked.labels else 0,
        "data_dims": train.pixels.shape[1],
        "data_shape": train.shape,
    }


def _whole(path: str) -> str:
    return str(Path(path).expanduser().resolve())


def _bound(asked: argparse.Namespace, vae: VAE, images: int) -> Objective:
    takes = inspect.signature(BOUNDS[asked.bound]).parameters
    own = {name: value for name in ("samples", "beta") if (value := getattr(asked, name)) is not None}
    for name in own.keys() - takes.keys():
        raise ValueError(f"--{name} is of some bounds; {asked.bound} has none")
    if "dataset_size" in takes:
        own["dataset_size"] = images
    bound = BOUNDS.make(asked.bound, asked.bound_options, vae=vae, **own)
    if not asked.imperative:
        bound.hybridize(static_alloc=True, static_shape=True)
    return bound


def _fit_arguments(asked: argparse.Namespace, bound: Objective, images: int) -> dict[str, Any]:
    """The arguments of fit, with its schedules for so many training images."""
    steps_an_epoch = math.ceil(images / checks.positive_int("--batch-size", asked.batch_size))
    steps = steps_an_epoch * checks.positive_int("--epochs", asked.epochs)
    rate = asked.learning_rate
    if not rate > 0:  # a schedule may begin with 0, but this one would stay there
        raise ValueError(f"learning_rate must be positive, got {rate}")
    if asked.learning_rate_schedule == "cosine":
        rate = schedules.cosine(rate, FINAL_RATE * rate, steps)
    rise = steps_an_epoch * checks.positive_int("--beta-epochs", asked.beta_epochs)
    named = {name: getattr(asked, name) for name in ("epochs", "batch_size", "optimizer", "precision")}
    return {**named, "learning_rate": rate, "weights": _annealed(asked, bound, steps, rise)}


def _annealed(asked: argparse.Namespace, bound: Objective, steps: int, rise: int) -> dict[str, schedules.Schedule]:
    """The schedule of the weight that is to change over ``steps`` steps, by its name."""
    name = asked.anneal or "beta"
    if asked.beta_schedule == "constant":
        if asked.anneal:
            raise ValueError("--anneal needs a --beta-schedule other than constant")
        return {}
    if name not in bound.weights:
        has = ", ".join(bound.weights) or "none"
        raise ValueError(f"--anneal {name}: the weights of {asked.bound} that may change are: {has}")
    if name == "temperature" and not asked.anneal_from > 0:
        raise ValueError("--anneal temperature needs --beta-schedule linear, and --anneal-from what is above 0")
    end = bound.weights[name]
    if asked.beta_schedule == "linear":
        return {name: schedules.linear(asked.anneal_from, end, rise)}
    if asked.anneal_from:
        raise ValueError("--anneal-from is of a linear schedule: a cyclical one starts from 0")
    return {name: schedules.cyclical(steps, max(1, round(steps / rise)), end=end)}


def _further_results(vae: VAE, test: data.Dataset) -> dict[str, float]:
    """What there is to tell of some kinds of models alone."""
    results = named_kl_by_layer(vae, test)
    if isinstance(vae, SemiSupervisedVAE):
        results["accuracy"] = accuracy(vae, test)
    if vae.inference_net.distribution_type is Quantized:
        results["perplexity"] = perplexity(vae, test).overall
    return results


def _in_words(results: Mapping[str, float]) -> str:
    """A line of them, where there are any."""
    words = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in results.items())
    return f"{words}\n" if words else ""


def _draw(run: Run, vae: VAE, test: data.Dataset, history: History) -> None:
    from .. import plots

    if len(history):
        plots.plot_history(history, run.file("curves.png"))
    if plots.picture_shape(test.shape) is None:
        return
    images, label = load_batch(vae, test, slice(10))
    reconstructions = vae.generate_reconstructions(images, 9, "mean", label=label)
    limits, labels = run.config["limits"], labels_to_draw(vae, 100, run.config["classes"], test)
    plots.plot_reconstructions(images, reconstructions, run.file("reconstructions.png"), test.shape, limits)
    plots.plot_images(vae.phantasize(100, "mean", label=labels), run.file("samples.png"), test.shape, limits=limits)
