"""Is a posterior that can be more than diagonal worth it? Log-likelihood of test images, in nats.

GLUONVAE_DATA=FOLDER python benchmarks/posteriors.py                      every posterior, on full MNIST
GLUONVAE_DATA=FOLDER python benchmarks/posteriors.py gaussian planar      these
python benchmarks/posteriors.py --data digits --epochs 120                on the digits that come along

Each is given the same training: the network of the IWAE paper (784-200-200-50, tanh, all hidden layers shared
by the heads), the evidence lower bound with one sample and free bits, batch 100, Adam with a learning rate that
falls by a cosine, the same seed. The first FREE_BITS nats of the KL divergence cost nothing, as Kingma et al. 2016
train flows: without that, a posterior whose KL is sampled gives up latent variables in the first epochs. Differences
are from the first one named, image by image, with their standard error.
"""

from __future__ import annotations

import argparse
import time
from typing import Optional

import machine
import numpy as np

import gluonvae as gv
from gluonvae.cli import parser
from gluonvae.inference import POSTERIORS

DEFAULTS = parser().parse_args(["train"])
FREE_BITS = 15.0
"""Below what all KL divergences are in the end: what is maximised then is the bound itself."""


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
    bound = gv.FreeBitsELBO(vae, free_bits=FREE_BITS, groups=1, kl=kl)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = epochs * -(-len(splits.train) // DEFAULTS.batch_size)
    rate = gv.schedules.cosine(DEFAULTS.learning_rate, 0.01 * DEFAULTS.learning_rate, steps)
    started = time.perf_counter()
    gv.fit(bound, splits.train, epochs=epochs, batch_size=DEFAULTS.batch_size, learning_rate=rate, progress=False)
    return vae, time.perf_counter() - started


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("posteriors", nargs="*", metavar="NAME", help=f"of {', '.join(POSTERIORS)} (default: all)")
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
    for posterior in options.posteriors or POSTERIORS:
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
