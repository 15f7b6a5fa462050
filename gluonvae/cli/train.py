"""The command ``gluonvae train``."""

from __future__ import annotations

import argparse
import inspect
import json
import logging
import math
import shlex
import signal
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Optional

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from .. import checks, data, schedules
from ..backend.runtime import devices
from ..distributed.joining import alone, current
from ..distributions import Quantized
from ..evaluation import evaluate, perplexity
from ..evaluation.estimates import as_unlabelled, named_accuracy, named_kl_by_layer
from ..labels import label_size
from ..models import VAE, construct_vae
from ..models.construct import GENERATOR_LAYERS, INFER_LAYERS, sizes_of
from ..noise import seed
from ..objectives import Objective
from ..objectives.construct import construct_bound
from ..training import checkpoint, fit
from ..training.config import Config, check_same_data, config_of, recipe_of_bound
from ..training.run import CHECKPOINTS, CONFIG, Run, RunError, name_classes
from ..training.signals import Interrupt
from ..training.status import DIVERGED, FINISHED
from ..training.together import first_does
from . import arguments
from .annealing import RATE, annealed
from .effects import check_effects, is_semi_supervised
from .former import as_today
from .outputs import is_picture
from .pictures import draw_training
from .results import bits_per_dimension, in_words, remark
from .sources import short_name, whole_name
from .starting import Source, check_fits, config_from, start_from
from .training_data import load_arguments, training_data
from .updates import callbacks_of, updates_of

_log = logging.getLogger(__name__)

NOT_OF_THE_RUN = ("run", "command", "given", "out", "resume", "config", "threads", "verbose", "quiet", "debug")
"""What is asked of the command and not of the training, and may differ where a run is resumed."""
FINAL_RATE = 0.01
"""Of the starting learning rate, where a cosine schedule ends."""


def train(asked: argparse.Namespace) -> int:
    """Train a VAE and write a folder with its configuration, checkpoints, a line of metrics an epoch,
    its parameters, and pictures: curves.png; of images reconstructions.png and samples.png; of rows and
    cells features.png and predictive_check.png.

    Every number is in nats per image, row or cell. The bound lies below its log-probability under the
    model: higher is better. Ctrl-C, SIGTERM and SIGHUP end the training after the step under way and
    save it; --resume goes on with it."""
    if asked.resume is None and asked.from_run is not None:
        started, source = start_from(asked, devices(asked.device, asked.devices))
        return _train(started, source=source)
    check_effects(asked, asked.given)
    if asked.resume is None:
        return _train(asked)
    group = current()
    run = first_does(group, lambda: Run.resume(asked.resume))
    with nullcontext() if run is None else run:
        # others need not see the folder
        told = None if run is None else (run.config, run.status.get("status"))
        config, status = json.loads(group.gather(json.dumps(told))[0])
        if status == FINISHED:
            remark(asked, f"{asked.resume} is finished: there is nothing to resume")
            return 0
        if status == DIVERGED:
            raise RunError(f"{asked.resume} has diverged, and would again: train anew, in another folder")
        return _train(_as_asked_before(config, asked), run, config)


def _as_asked_before(config: Config, asked: argparse.Namespace) -> argparse.Namespace:
    """The arguments that a run was started with, checked by the parser as those of the command line are."""
    folder = Path(asked.resume)
    if config["model"] is None or not config["asked"]:
        raise RunError(f"{folder} was trained from Python: gluonvae.fit(..., resume=...) goes on with it")
    before = {"data": config["data"]["name"], "data_dir": config["data"]["folder"]}
    before.update({name: whole_name(getattr(asked, name)) for name in before if name in asked.given})
    try:
        before = vars(arguments.parsed(arguments.train, {**as_today(config["asked"]), **before}))
    except ValueError as error:
        raise RunError(f"{folder / CONFIG} is broken: {error}") from error
    return argparse.Namespace(**{**vars(asked), **before, "out": folder})


def _train(
    asked: argparse.Namespace,
    run: Optional[Run] = None,
    before: Optional[Config] = None,
    source: Optional[Source] = None,
) -> int:
    ctx = devices(asked.device, asked.devices)
    seed(asked.seed)
    splits = training_data(asked, check_effect=before is None)
    if "batch_size" not in asked.given:
        asked.batch_size = min(asked.batch_size, len(splits.train))
    if source is not None:
        check_fits(source, splits)
    config: Any = before or _configuration(asked, splits, source)
    check_same_data(config, splits)
    splits = splits._replace(train=_with_few_labels(asked, splits.train))
    vae = construct_vae(**config["model"]) if source is None else source.vae
    if source is None:
        vae.initialize(ctx=ctx)
    if before is not None:
        name_classes(vae, before)
    bound = make_bound(asked, vae, len(splits.train))
    config["bound"] = recipe_of_bound(bound)
    of_fit = {**_fit_arguments(asked, bound, len(splits.train)), **updates_of(asked)}
    if splits.train.things == "images" and not is_picture(config):
        _log.warning("images of shape %s are not drawn: --shape HEIGHT WIDTH would tell how", splits.train.shape)
    if before is not None:
        return _fit_and_report(asked, run, bound, splits, of_fit)
    run = first_does(current(), lambda: _new_run(asked, config))
    with nullcontext() if run is None else run:
        return _fit_and_report(asked, run, bound, splits, of_fit)


def _new_run(asked: argparse.Namespace, config: Config) -> Run:
    if asked.out:
        return Run.create(asked.out, config)
    return Run.create_named(f"runs/{short_name(asked.data)}-{time.strftime('%Y%m%d-%H%M%S')}", config)


def _fit_and_report(
    asked: argparse.Namespace, run: Optional[Run], bound: Objective, splits: data.Splits, of_fit: Mapping[str, Any]
) -> int:
    """Train and evaluate; return the exit status. There is no run in a worker that writes none."""
    try:
        with logging_redirect_tqdm():
            callbacks = callbacks_of(asked, run)
            history = fit(bound, splits.train, splits.valid, folder=run, callbacks=callbacks, **of_fit)
        if history.interrupted:
            raise Interrupt(signal.SIGINT)
        if history.stopped:
            remark(asked, f"stopped after {len(history)} epochs: {history.stopped}")
        result = evaluate(bound, as_unlabelled(bound.vae, splits.test))
        further = _further_results(bound.vae, splits.test, result.bound)
        if run is None:
            return 0
        run.write_result({f"test_{name}": value for name, value in {**result._asdict(), **further}.items()})
        with alone():
            draw_training(run, bound.vae, splits.test, history, asked.seed)
    except KeyboardInterrupt as error:
        raise Interrupt(getattr(error, "number", signal.SIGINT), _how_to_go_on(run)) from error
    remark(
        asked,
        f"test bound {result.bound:.2f} nats per {splits.test.things[:-1]} (standard error "
        f"{in_words(result.standard_error)}; log-likelihood {result.log_likelihood:.2f}, KL {result.kl:.2f})\n"
        f"{_in_words(further)}parameters, metrics and pictures are in {run.folder}",
    )
    return 0


def _how_to_go_on(run: Optional[Run]) -> str:
    if run is None:
        return ""
    if not checkpoint.found(run.file(CHECKPOINTS)):
        return "nothing had been learnt"
    return f"what was learnt is saved: gluonvae train --resume {shlex.quote(str(run.folder))} goes on"


def _with_few_labels(asked: argparse.Namespace, train: data.Dataset) -> data.Dataset:
    return train if asked.labels is None else data.keep_few_labels(train, asked.labels, seed=asked.seed)


def _configuration(asked: argparse.Namespace, splits: data.Splits, source: Optional[Source]) -> Config:
    config = config_of(
        splits,
        model=None if source else _model_arguments(asked, splits.train, data.all_labels(splits)),
        vae=None,
        bound=None,  # it is of the model that this makes
        data={
            **load_arguments(asked),
            "name": whole_name(asked.data),
            "folder": asked.data_dir and whole_name(asked.data_dir),
        },
        asked={key: value for key, value in vars(asked).items() if key not in NOT_OF_THE_RUN},
    )
    return config_from(source, config) if source else config


def _model_arguments(asked: argparse.Namespace, train: data.Dataset, labels: Optional[np.ndarray]) -> dict[str, Any]:
    """The arguments of construct_vae: those of its name that were asked for, and what follows from the data."""
    return {
        **{name: getattr(asked, name, None) for name in inspect.signature(construct_vae).parameters},
        "latent_type": asked.posterior,
        "generator_layer_sizes": sizes_of(asked.generator_body, asked.generator_layer_sizes, GENERATOR_LAYERS),
        "infer_layer_sizes": sizes_of(asked.infer_body, asked.infer_layer_sizes, INFER_LAYERS),
        "classifier_layer_sizes": asked.classifier_layer_sizes if is_semi_supervised(asked) else None,
        "label_size": label_size(labels, train.class_names) if asked.conditional or is_semi_supervised(asked) else 0,
        "data_dims": train.width,
        "data_shape": train.shape,
    }


def make_bound(asked: argparse.Namespace, vae: VAE, images: int) -> Objective:
    """Return the bound that the arguments of ``gluonvae train`` ask for, for so many training images."""
    own = {name: value for name in ("samples", "beta") if (value := getattr(asked, name)) is not None}
    bound = construct_bound(asked.bound, vae, images, asked.bound_options, **own)
    if not asked.imperative:
        bound.hybridize(static_alloc=True, static_shape=True)
    return bound


def _fit_arguments(asked: argparse.Namespace, bound: Objective, images: int) -> dict[str, Any]:
    """The arguments of fit, with its schedules for so many training images."""
    steps_an_epoch = math.ceil(images / checks.positive_int("--batch-size", asked.batch_size))
    epochs = checks.positive_int("--epochs", asked.epochs)
    rate = asked.learning_rate
    if not rate > 0:  # a schedule may begin with 0, but this one would stay there
        raise ValueError(f"learning_rate must be positive, got {rate}")
    if asked.learning_rate_schedule == "cosine":
        rate = schedules.cosine(rate, FINAL_RATE * rate, steps_an_epoch * epochs)
    elif asked.learning_rate_schedule == "plateau":
        rate = schedules.Plateau(rate, end=FINAL_RATE * rate)
    names = ("epochs", "batch_size", "optimizer", "precision", "checkpoint_minutes", "checkpoint_epochs")
    named = {name: getattr(asked, name) for name in names}
    weights = annealed(asked.anneal, bound, steps_an_epoch, epochs)
    rate = weights.pop(RATE, rate)
    return {**named, "learning_rate": rate, "weights": weights, "progress": not asked.quiet}


def _further_results(vae: VAE, test: data.Dataset, bound: float) -> dict[str, float]:
    """What there is to tell of some kinds of models alone."""
    results = {**named_kl_by_layer(vae, test), **named_accuracy(vae, test)}
    if vae.inference_net.distribution_type is Quantized:
        results["perplexity"] = perplexity(vae, test).overall
    bits = bits_per_dimension(vae, bound)
    return results if bits is None else {**results, "bits_per_dimension": bits}


def _in_words(results: Mapping[str, float]) -> str:
    """A line of them, where there are any."""
    words = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in results.items())
    return f"{words}\n" if words else ""
