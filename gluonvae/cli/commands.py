"""What the commands of ``gluonvae`` do."""

from __future__ import annotations

import argparse
import inspect
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np
from tqdm.contrib.logging import logging_redirect_tqdm

from .. import checks, data
from .._version import __version__
from ..backend import runtime
from ..backend.runtime import device
from ..evaluation.diagnostics import perplexity
from ..evaluation.estimates import accuracy, evaluate, log_marginal_likelihood, model_batch, named_kl, to_device
from ..files import replacing
from ..generator import LIKELIHOODS
from ..inference import VectorQuantizedInferenceNetwork
from ..models.construct import GENERATOR_LAYERS, INFER_LAYERS, construct_vae, sizes_of
from ..models.semi_supervised import SemiSupervisedVAE
from ..models.vae import VAE
from ..noise import seed
from ..objectives import BOUNDS, Objective
from ..training import run as checkpoint
from ..training import schedules
from ..training.fit import History, fit

_log = logging.getLogger(__name__)

WEIGHT_SCHEDULES = ("constant", "linear", "cyclical")
RATE_SCHEDULES = ("constant", "cosine")
FINAL_RATE = 0.01
"""Of the starting learning rate, where a cosine schedule ends."""


def train(asked: argparse.Namespace) -> int:
    """Train a model, and write the run's folder."""
    ctx = device(asked.device)
    seed(asked.seed)
    asked.binarization = asked.binarization or LIKELIHOODS[asked.likelihood].pixels
    splits = _training_data(asked)
    model = _model_arguments(asked, splits)
    vae = construct_vae(**model)
    vae.initialize(ctx=ctx)
    bound = _bound(asked, vae, len(splits.train))
    folder = Path(asked.out or f"runs/{Path(asked.data).stem}-{time.strftime('%Y%m%d-%H%M%S')}")
    run = checkpoint.Run(folder, _configuration(asked, model, splits))
    if not _drawable(splits.train.shape):
        _log.warning("images of shape %s are not drawn: --shape HEIGHT WIDTH would tell how", splits.train.shape)
    try:
        with logging_redirect_tqdm():
            history = fit(
                bound,
                splits.train,
                splits.valid,
                epochs=asked.epochs,
                batch_size=asked.batch_size,
                optimizer=asked.optimizer,
                precision=asked.precision,
                callbacks=[run.append_metrics],
                **_scheduled(asked, bound, len(splits.train)),
            )
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
        f"{_in_words(further)}parameters, metrics and pictures are in {folder}"
    )
    return 130 if history.interrupted else 0


def _further_results(vae: VAE, test: data.Dataset) -> dict[str, float]:
    """What there is to tell of some kinds of models alone."""
    results = named_kl(vae, test)
    if isinstance(vae, SemiSupervisedVAE):
        results["accuracy"] = accuracy(vae, test)
    if isinstance(vae.inference_net, VectorQuantizedInferenceNetwork):
        results["perplexity"] = perplexity(vae, test).overall
    return results


def _in_words(results: dict[str, float]) -> str:
    """A line of them, where there are any."""
    words = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in results.items())
    return f"{words}\n" if words else ""


def _model_arguments(asked: argparse.Namespace, splits: data.Splits) -> dict[str, Any]:
    return {
        "latent_type": asked.posterior,
        "likelihood": asked.likelihood,
        "generator_body": asked.generator_body,
        "infer_body": asked.inference_body,
        "generator_body_options": asked.generator_body_options,
        "infer_body_options": asked.inference_body_options,
        "generator_layer_sizes": sizes_of(asked.generator_body, asked.generator_layers, GENERATOR_LAYERS),
        "infer_layer_sizes": sizes_of(asked.inference_body, asked.inference_layers, INFER_LAYERS),
        "latent_variable_size": asked.latent_size,
        "data_dims": splits.train.pixels.shape[1],
        "data_shape": splits.train.shape,
        "generator_act_type": asked.generator_activation,
        "infer_act_type": asked.inference_activation,
        "prior": asked.prior,
        "likelihood_options": asked.likelihood_options,
        "latent_options": asked.posterior_options,
        "prior_options": asked.prior_options,
        "label_size": _classes(splits) if asked.conditional or asked.labels else 0,
        "classifier_layer_sizes": asked.classifier_layers if asked.labels else None,
    }


def _training_data(asked: argparse.Namespace) -> data.Splits:
    splits = data.load(asked.data, asked.data_dir, asked.binarization, asked.shape)
    if asked.labels is None:
        return splits
    if asked.bound != "semi_supervised":
        raise ValueError(f"--labels is for --bound semi_supervised, got {asked.bound}")
    return splits._replace(train=data.keep_few_labels(splits.train, asked.labels, seed=asked.seed))


def _classes(splits: data.Splits) -> int:
    """How many classes there are, numbered from 0."""
    labels = [images.labels for images in splits if images.labels is not None]
    if len(labels) < len(splits):
        raise ValueError("a model with labels was asked for, and the data has none")
    return int(max(map(np.max, labels))) + 1


def _bound(asked: argparse.Namespace, vae: VAE, images: int) -> Objective:
    takes = inspect.signature(BOUNDS[asked.bound]).parameters
    if asked.beta is not None and "beta" not in takes:
        raise ValueError(f"--beta is a weight that some bounds have; {asked.bound} has none")
    own = {name: value for name in ("samples", "beta") if (value := getattr(asked, name)) is not None}
    if "dataset_size" in takes:
        own["dataset_size"] = images
    bound = BOUNDS.make(asked.bound, asked.bound_options, vae=vae, **own)
    if not asked.imperative:
        bound.hybridize(static_alloc=True, static_shape=True)
    return bound


def _scheduled(asked: argparse.Namespace, bound: Objective, images: int) -> dict[str, Any]:
    """What of the training changes with the number of steps."""
    steps_an_epoch = math.ceil(images / checks.positive_int("--batch-size", asked.batch_size))
    steps = steps_an_epoch * checks.positive_int("--epochs", asked.epochs)
    rate = asked.learning_rate
    if asked.learning_rate_schedule == "cosine":
        rate = schedules.cosine(rate, FINAL_RATE * rate, steps)
    rise = steps_an_epoch * checks.positive_int("--beta-epochs", asked.beta_epochs)
    return {"learning_rate": rate, "weights": _annealed(asked, bound, steps, rise)}


def _annealed(asked: argparse.Namespace, bound: Objective, steps: int, rise: int) -> dict[str, schedules.Schedule]:
    """The schedule of the weight that is to change over ``steps`` steps, by its name."""
    name = asked.anneal or "beta"
    if asked.beta_schedule == "constant":
        if asked.anneal:
            raise ValueError("--anneal needs a --beta-schedule other than constant")
        return {}
    if name not in bound.adjustable:
        has = ", ".join(bound.adjustable) or "none"
        raise ValueError(f"--anneal {name}: the weights of {asked.bound} that may change are: {has}")
    if name == "temperature" and not asked.anneal_from > 0:
        raise ValueError("--anneal temperature needs --beta-schedule linear, and --anneal-from what is above 0")
    end = getattr(bound.adjustable[name], name)
    if asked.beta_schedule == "linear":
        return {name: schedules.linear(asked.anneal_from, end, rise)}
    if asked.anneal_from:
        raise ValueError("--anneal-from is of a linear schedule: a cyclical one starts from 0")
    return {name: schedules.cyclical(steps, max(1, round(steps / rise)), end=end)}


def _configuration(asked: argparse.Namespace, model: dict[str, Any], splits: data.Splits) -> dict[str, Any]:
    options = {name: value for name, value in vars(asked).items() if name not in ("run", "command", "out", "verbose")}
    if asked.data not in data.NAMES:
        options["data"] = str(Path(asked.data).expanduser().resolve())
    if asked.data_dir:
        options["data_dir"] = str(Path(asked.data_dir).expanduser().resolve())
    values = splits.train.possible_values()
    return {
        "gluonvae": __version__,
        "model": model,
        "shape": splits.train.shape,
        "limits": [float(values.min()), float(values.max())],
        "asked": options,
    }


def _drawable(shape: Sequence[int]) -> bool:
    from .. import plots

    return plots.picture_shape(shape) is not None


def _draw(run: checkpoint.Run, vae: VAE, test: data.Dataset, history: History) -> None:
    from .. import plots

    if len(history):
        plots.plot_history(history, run.file("curves.png"))
    if not _drawable(test.shape):
        return
    inputs = to_device(model_batch(test, slice(10), vae), vae)
    images, reconstructions = vae.data_of(inputs), vae.generate_reconstructions(inputs, 9, "mean")
    limits, label = run.config["limits"], _labels(vae, 100)
    plots.plot_reconstructions(images, reconstructions, run.file("reconstructions.png"), test.shape, limits)
    plots.plot_images(vae.phantasize(100, "mean", label=label), run.file("samples.png"), test.shape, limits=limits)


def _labels(vae: VAE, n: int, label: Optional[int] = None) -> Optional[np.ndarray]:
    """Those of ``n`` images to be drawn: all of one class, or of each in turn; None in a model without labels."""
    if not vae.label_size:
        if label is not None:
            raise ValueError("--label is for a model that was trained with --conditional")
        return None
    return np.arange(n) % vae.label_size if label is None else np.full(n, label)


def sample(asked: argparse.Namespace) -> int:
    """Draw images from a run's model."""
    from .. import plots

    vae, config = checkpoint.load_run(Path(asked.folder), device(asked.device))
    seed(asked.seed)
    images = vae.phantasize(asked.n, asked.image, label=_labels(vae, asked.n, asked.label))
    path = _write(
        asked,
        "samples",
        images,
        lambda path: plots.plot_images(images, path, config["shape"], limits=config.get("limits")),
    )
    print(f"{asked.n} images are in {path}")
    return 0


def reconstruct(asked: argparse.Namespace) -> int:
    """Put images of a run's test set through its model."""
    from .. import plots

    vae, config = checkpoint.load_run(Path(asked.folder), device(asked.device))
    test = _test_images(asked, config)
    seed(asked.seed)
    inputs = to_device(model_batch(test, slice(None), vae), vae)
    originals, images = vae.data_of(inputs), vae.generate_reconstructions(inputs, asked.n, asked.image)
    path = _write(
        asked,
        "reconstructions",
        images,
        lambda path: plots.plot_reconstructions(originals, images, path, config["shape"], config.get("limits")),
    )
    print(f"{asked.n} reconstructions each of {len(test)} images are in {path}")
    return 0


def evaluate_run(asked: argparse.Namespace) -> int:
    """Estimate the log-probability of a run's test images."""
    vae, config = checkpoint.load_run(Path(asked.folder), device(asked.device))
    if vae.inference_net.deterministic or isinstance(vae, SemiSupervisedVAE):
        raise ValueError(
            f"a model of this kind has no importance weights, of which log-probabilities are estimated; its bound on "
            f"the test images is in {Path(asked.folder) / checkpoint.RESULT}"
        )
    test = _test_images(asked, config)
    estimate = log_marginal_likelihood(vae, test, asked.samples, seed=asked.seed, progress=True)
    print(
        f"log-likelihood {estimate.mean:.2f} nats per image (standard error {estimate.standard_error:.2f}; "
        f"{len(test)} test images, {asked.samples} samples each)"
    )
    return 0


def _test_images(asked: argparse.Namespace, config: dict[str, Any]) -> data.Dataset:
    """The run's test images, or as many of them as were asked for."""
    of_run = config["asked"]
    folder = asked.data_dir or of_run["data_dir"]
    test = data.load(of_run["data"], folder, of_run["binarization"], of_run["shape"]).test
    return test if asked.images is None else test.subset(slice(checks.positive_int("--images", asked.images)))


def _write(asked: argparse.Namespace, name: str, images: Any, draw: Callable[[Path], None]) -> Path:
    """Write images where they were asked for, as numbers or as a picture."""
    path = Path(asked.out or Path(asked.folder) / f"{name}-seed{asked.seed}.png")
    if path.suffix != ".npy":
        draw(path)
        return path
    with replacing(path) as part:
        np.save(part, images.asnumpy())
    return path


def info(asked: argparse.Namespace) -> int:
    """Print what this installation is and how MXNet was started."""
    for name, value in runtime.describe().items():
        print(f"{name:<20}{value}")
    return 0
