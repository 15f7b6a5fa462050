"""Is a posterior that can be more than diagonal worth it? Log-likelihood of test images, in nats.

GLUONVAE_DATA=FOLDER python benchmarks/posteriors.py                      every posterior, on full MNIST
GLUONVAE_DATA=FOLDER python benchmarks/posteriors.py gaussian planar      these
python benchmarks/posteriors.py --data digits --epochs 120                on the digits that come along

Each is given the same training: the network of the IWAE paper (784-200-200-50, tanh, all hidden layers shared
by the heads), the evidence lower bound with one sample, batch 100, Adam with a learning rate that falls by a cosine,
the same seed. The weight β of the KL divergence rises from 0 to 1 in the first third, as is usual where flows are
trained (Rezende and Mohamed 2015, equation 20): without that, a posterior whose KL is sampled gives up latent
variables in the first epochs. Differences are from the first one named, image by image, with their standard error.
"""

from __future__ import annotations

import argparse
import time
from typing import Optional

import machine
import numpy as np

import gluonvae as gv
from gluonvae.cli.main import parser

DEFAULTS = parser().parse_args(["train"])
NAMES = ("gaussian", "full_covariance", "low_rank", "householder", "planar", "radial", "iaf", "real_nvp", "spline")
LEARNING_RATE = 1e-3
"""At the start. From 2e-3, the command's default, an inverse autoregressive flow broke down while β was small."""


def train(posterior: str, splits: gv.data.Splits, epochs: int, seed: int, kl: Optional[str]) -> tuple[gv.VAE, float]:
    """The model after its training, and how many seconds that took."""
    gv.seed(seed)
    vae = gv.construct_vae(
        latent_type=posterior,
        latent_options={"shared_layers": None},
        generator_layer_sizes=[200, 200],
        infer_layer_sizes=[200, 200],
        latent_variable_size=50,
    )
    vae.initialize()
    bound = gv.ELBO(vae, kl=kl)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = epochs * -(-len(splits.train) // DEFAULTS.batch_size)
    rate = gv.schedules.cosine(LEARNING_RATE, 0.01 * LEARNING_RATE, steps)
    beta = gv.schedules.linear(0.0, 1.0, steps // 3)
    started = time.perf_counter()
    gv.fit(
        bound,
        splits.train,
        epochs=epochs,
        batch_size=DEFAULTS.batch_size,
        learning_rate=rate,
        beta=beta,
        progress=False,
    )
    return vae, time.perf_counter() - started


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("posteriors", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--epochs", type=int, default=60)
    asked.add_argument("--kl", choices=("closed", "sampled"), help="default: closed where there is such a form")
    asked.add_argument("--seed", type=int, default=DEFAULTS.seed)
    asked.add_argument("--samples", type=int, default=200, help="of the log-likelihood, for an image")
    asked.add_argument("--images", type=int, default=2000, help="test images that the log-likelihood is of")
    options = asked.parse_args()
    print(machine.describe())
    print(
        f"{options.data}, {options.epochs} epochs, seed {options.seed}, {options.samples} samples of {options.images}"
    )
    splits = gv.data.load(options.data)
    some = splits.test.subset(slice(options.images))
    first = None
    for posterior in options.posteriors or NAMES:
        vae, seconds = train(posterior, splits, options.epochs, options.seed, options.kl)
        bound = gv.evaluate(gv.ELBO(vae), splits.test)
        likelihood = gv.log_marginal_likelihood(vae, some, samples=options.samples)
        values = likelihood.log_likelihood
        first = values if first is None else first
        difference = values - first
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        print(
            f"| {posterior} | {bound.bound:.2f} | {bound.kl:.2f} | {likelihood.mean:.2f} | "
            f"{difference.mean():+.2f} ± {error:.2f} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
