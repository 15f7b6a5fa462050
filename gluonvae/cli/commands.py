"""The commands that use a run, and ``gluonvae info``. Their docstrings are what ``--help`` shows."""

from __future__ import annotations

import argparse
import logging
from functools import partial
from pathlib import Path
from typing import Any, Optional

import numpy as np

from .. import checks, data
from ..backend import installation, runtime
from ..batches import load_batch
from ..data.inspection import unscaled
from ..data.own import OPTIONS, granted
from ..evaluation import log_marginal_likelihood
from ..models import VAE
from ..noise import seed
from ..training.config import Config, difference
from ..training.run import RESULT, load_run
from ..training.schema import NOT_ASKED
from . import outputs
from .labels import labels_to_draw
from .results import bits_in_words, checked_result, in_words, remark
from .sources import whole_name

_log = logging.getLogger(__name__)

RECONSTRUCTED = 10
"""How many images are put through a model unless another number is asked for."""


def sample(asked: argparse.Namespace) -> int:
    """Draw latent states from the prior and turn each into an image, a row or a cell like those of the data."""
    from .. import plots

    vae, config = _load(asked)
    n = checks.positive_int("-n", asked.n)
    labels = labels_to_draw(vae, n, config, label=asked.label)
    drawn = vae.phantasize(n, outputs.image(asked, config), label=labels)
    plot = partial(plots.plot_images, drawn, shape=config["shape"], limits=config["limits"])
    keys = {} if labels is None or labels.ndim > 1 else {"label": labels}
    path = outputs.write(asked, "samples", drawn, config, plot, keys)
    remark(asked, f"{n} {config['things']} are in {path}")
    return 0


def reconstruct(asked: argparse.Namespace) -> int:
    """Draw, for some images of the run's test set or of other data, latent states that explain them,
    and turn each back into an image."""
    from .. import plots

    vae, config = _load(asked)
    test = _test_images(asked, config, unless_asked=RECONSTRUCTED)
    originals, label = load_batch(vae, test, slice(None))
    drawn = vae.generate_reconstructions(originals, asked.n, outputs.image(asked, config), label=label)
    plot = partial(plots.plot_reconstructions, originals, drawn, shape=config["shape"], limits=config["limits"])
    rows = range(len(test))
    keys = {"draw": np.repeat(range(asked.n), len(test)), "row": np.tile(rows, asked.n)}
    path = outputs.write(asked, "reconstructions", drawn, config, plot, keys)
    remark(asked, f"{asked.n} reconstructions each of {len(test)} {test.things} are in {path}")
    return 0


def evaluate(asked: argparse.Namespace) -> int:
    """Estimate the log-probability of the run's test data by importance sampling, in nats per image,
    row or cell. It lies above the bound that training prints, and rises towards the truth with K."""
    vae, config = _load(asked)
    if not vae.has_importance_weights:
        raise ValueError(
            "a model of this kind has no importance weights, of which log-probabilities are estimated; its bound on "
            f"the test images is in {asked.folder / RESULT}"
        )
    test = _test_images(asked, config)
    estimate = log_marginal_likelihood(vae, test, asked.samples, seed=asked.seed, progress=not asked.quiet)
    checked_result("log-likelihood", estimate.mean)
    print(
        f"log-likelihood {estimate.mean:.2f} nats per {test.things[:-1]} (standard error "
        f"{in_words(estimate.standard_error)}; {bits_in_words(vae, estimate.mean)}{len(test)} test {test.things}, "
        f"{asked.samples} samples each)"
    )
    return 0


def info(asked: argparse.Namespace) -> int:
    """Tell versions, devices, features, and the threads and engine that were chosen for MXNet."""
    for name, value in installation.describe().items():
        print(f"{name:<20}{value}")
    return 0


def _load(asked: argparse.Namespace) -> tuple[VAE, Config]:
    """The run's model, on the device that was asked for, and its configuration; noise starts from the seed."""
    vae, config = load_run(asked.folder, runtime.device(asked.device))
    seed(asked.seed)
    return vae, config


def _test_images(asked: argparse.Namespace, config: Config, unless_asked: Optional[int] = None) -> data.Dataset:
    """The run's test images, or as many of them as were asked for, or unless there are fewer ``unless_asked``."""
    source = config["data"]
    if source["name"] is None and not asked.data:
        raise data.DataError("the run was trained from Python: name test images with --data")
    moved = {"name": asked.data and whole_name(asked.data), "folder": asked.data_dir}
    arguments = {**source, **{key: value for key, value in moved.items() if value}}
    if asked.data:
        arguments = _of_other_data(arguments, config)
    try:
        test = data.load(**arguments).test
    except data.DataError as error:
        raise data.DataError(f"{error}; --data or --data-dir names where the run's data lie now") from error
    _check_columns(config, test)
    _compare(asked, config, test)
    white = test.full_intensity
    dark = white and unscaled(test.summary.high, white)
    if dark and asked.data:
        _log.warning("%s: %s", asked.data, dark)
    if asked.images is None:
        return test.subset(slice(unless_asked))
    if checks.positive_int("--images", asked.images) > len(test):
        raise ValueError(f"--images {asked.images} is more than there are: the test set has {len(test)} {test.things}")
    return test.subset(slice(asked.images))


def _check_columns(config: Config, test: data.Dataset) -> None:
    """Refuse a table whose columns are not those that the model was trained on, in their order."""
    wanted, given = config["columns"], test.columns
    if wanted is None or given is None or list(wanted) == list(given):
        return
    missing = [name for name in wanted if name not in given]
    others = [name for name in given if name not in wanted]
    said = [f"lacks {', '.join(missing[:3])}"] if missing else []
    said += [f"has {', '.join(others[:3])}, which were not"] if others else []
    of_table = " and ".join(said) or "has another order"
    raise data.DataError(f"the columns are not those that the model was trained on: the table {of_table}")


def _of_other_data(arguments: dict[str, Any], config: Config) -> dict[str, Any]:
    """The arguments of data.load for other data than the run's: what was asked of these, where it has an effect."""
    name = arguments["name"]
    if name in data.NAMES:
        return {**NOT_ASKED, **{key: arguments[key] for key in ("name", "folder", "binarization")}}
    without = OPTIONS.keys() - granted(Path(name))
    # other images are measured as the run's were
    return {**arguments, **{key: NOT_ASKED[key] for key in without}, "white": config["white"]}


def _compare(asked: argparse.Namespace, config: Config, test: data.Dataset) -> None:
    """Refuse test images that are not the run's; those that are asked for by name give a warning."""
    changed = difference(config, "test", test)
    place = asked.data or config["data"]["name"]
    if config["parts"] is None:
        _log.warning("the run does not tell what its data were: whether %s still is the same is not known", place)
    elif changed and asked.data:
        held_out = "" if test.split_seed is None else ", a part of it that is drawn at random"
        _log.warning(
            "%s is not the data of the run: %s; its test set%s is used, of which some may have been trained on",
            *(place, changed, held_out),
        )
    elif changed:
        raise data.DataError(
            f"{place} has changed since the training: {changed}; restore it, or give --data to use other images"
        )
