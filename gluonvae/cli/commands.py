"""The commands that use a run, and ``gluonvae info``. Their docstrings are what ``--help`` shows."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from .. import checks
from ..backend import installation, runtime
from ..batches import load_batch
from ..evaluation import log_marginal_likelihood
from ..models import VAE
from ..noise import seed
from ..training.config import Config
from ..training.run import RESULT, load_run
from . import outputs
from .evaluation_data import evaluation_data
from .labels import labels_to_draw
from .pictures import heading
from .results import bits_in_words, checked_result, in_words, remark

RECONSTRUCTED = 10
"""How many images are put through a model unless another number is asked for."""


def sample(asked: argparse.Namespace) -> int:
    """Draw latent states from the prior and turn each into an image, a row or a cell like those of the data."""
    from .. import plots

    vae, config = load(asked)
    n = checks.positive_int("-n", asked.n)
    labels = labels_to_draw(vae, n, config, label=asked.label)
    drawn = vae.phantasize(n, outputs.image(asked, config), label=labels)
    form: Any = {"shape": config["shape"], "limits": config["limits"]}
    plot = partial(plots.plot_images, drawn, **form, **heading(vae, config, n, asked.seed, asked.label))
    keys = {} if labels is None or labels.ndim > 1 else {"label": labels}
    path = outputs.write(asked, "samples", drawn, config, plot, keys)
    remark(asked, f"{n} {config['things']} are in {path}")
    return 0


def reconstruct(asked: argparse.Namespace) -> int:
    """Draw, for some images of the run's test set or of other data, latent states that explain them,
    and turn each back into an image."""
    from .. import plots

    vae, config = load(asked)
    test = evaluation_data(asked, config, unless_asked=RECONSTRUCTED)
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
    vae, config = load(asked)
    if not vae.has_importance_weights:
        raise ValueError(
            "a model of this kind has no importance weights, of which log-probabilities are estimated; its bound on "
            f"the test images is in {asked.folder / RESULT}"
        )
    test = evaluation_data(asked, config)
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
    rows = installation.describe()
    if asked.threads is not None:
        rows["threads"] = f"{asked.threads} (--threads)"
    for name, value in rows.items():
        print(f"{name:<20}{value}")
    return 0


def load(asked: argparse.Namespace) -> tuple[VAE, Config]:
    """Return the run's model, on the device that was asked for, and its configuration; noise starts from the seed."""
    vae, config = load_run(asked.folder, runtime.device(asked.device))
    seed(asked.seed)
    return vae, config
