"""Which gradient for discrete codes? Bound and log-likelihood of test images under the discrete model, in nats.

GLUONVAE_DATA=FOLDER python benchmarks/discrete.py                            every estimator, on full MNIST
python benchmarks/discrete.py --data digits --epochs 60 --codes binary        on the digits that come along
python benchmarks/discrete.py --estimators NVIL relaxed --picture d.png       draws what the best one makes

Codes are 200 binary variables, or 20 of 10 categories; networks 784-200-codes-200-784 (tanh), a prior whose
probabilities are learned, batch 100, Adam with a learning rate that falls by a cosine, the same seed. The temperature
of relaxed codes falls from 1 to 0.3; the weight of the KL divergence rises from 0 to 1 over the first third, but in
VIMCO, which has none. Each model is judged as what it is to become, one of discrete codes: relaxed
ones hand their parameters to the discrete model.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any, Callable

import machine
from mxnet import nd

import gluonvae as gv
from gluonvae.batches import to_device

CODES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "binary": ("bernoulli", "relaxed_bernoulli", {}),
    "categorical": ("categorical", "relaxed_one_hot", {"categories": 10}),
}
"""The discrete posterior, the relaxed one, and the options of both."""

ESTIMATORS: dict[str, tuple[dict[str, Any], Callable[[gv.VAE], Any]]] = {
    "relaxed": ({"straight_through": False}, gv.ELBO),
    "straight through": ({"straight_through": True}, gv.ELBO),
    "NVIL": ({}, gv.NVIL),
    "VIMCO, 5 samples": ({}, lambda vae: gv.VIMCO(vae, samples=5)),
}
"""Options of the relaxed posterior, or none for the discrete one, and the bound that is maximised."""

LEARNING_RATE = 2e-3
BATCH = 100
TEMPERATURES = 1.0, 0.3


def model(posterior: str, options: dict[str, Any]) -> gv.VAE:
    vae = gv.construct_vae(
        latent_type=posterior,
        latent_options=options,
        prior="codes",
        prior_options={"learned": True},
        generator_layer_sizes=[200],
        infer_layer_sizes=[200],
        latent_variable_size=200,
    )
    vae.initialize()
    return vae


def train(codes: str, estimator: str, splits: gv.data.Splits, epochs: int, seed: int) -> tuple[gv.VAE, float]:
    """The discrete model after its training, and how many seconds that took."""
    gv.seed(seed)
    discrete, relaxed, options = CODES[codes]
    relaxation, make = ESTIMATORS[estimator]
    vae = model(relaxed if relaxation else discrete, {**options, **relaxation})
    bound = make(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = epochs * -(-len(splits.train) // BATCH)
    schedules = {
        "beta": gv.schedules.linear(0.0, 1.0, steps // 3),
        "temperature": gv.schedules.exponential(*TEMPERATURES, steps),
    }
    started = time.perf_counter()
    gv.fit(
        bound,
        splits.train,
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=gv.schedules.cosine(LEARNING_RATE, 0.01 * LEARNING_RATE, steps),
        weights={name: schedule for name, schedule in schedules.items() if name in bound.weights},
        progress=False,
    )
    seconds = time.perf_counter() - started
    if not relaxation:
        return vae, seconds
    judged = model(discrete, options)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.params")
        vae.save_parameters(path)
        judged.load_parameters(path, ignore_extra=True)
    return judged, seconds


def draw(vae: gv.VAE, test: gv.data.Dataset, path: str) -> None:
    """Test images, each above two reconstructions; below them what the model makes up."""
    images = to_device(vae, test.batch(slice(20)))
    reconstructions = vae.generate_reconstructions(images, 2, "mean")
    rows = [images, reconstructions[0], reconstructions[1], *(vae.phantasize(20, "mean") for _ in range(4))]
    gv.plots.plot_images(nd.concat(*rows, dim=0), path, columns=20)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--epochs", type=int, default=6)
    asked.add_argument("--codes", nargs="+", choices=CODES, default=list(CODES))
    asked.add_argument("--estimators", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS))
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--samples", type=int, default=200, help="of the log-likelihood, for an image")
    asked.add_argument("--images", type=int, default=1000, help="test images that the log-likelihood is of")
    asked.add_argument("--picture", metavar="FILE", help="of the model of the highest log-likelihood")
    options = asked.parse_args()
    print(machine.describe())
    print(
        f"{options.data}, {options.epochs} epochs, seed {options.seed}, {options.samples} samples of {options.images}",
        flush=True,
    )
    splits = gv.data.load(options.data)
    some = splits.test.subset(slice(options.images))
    best = float("-inf")
    for codes in options.codes:
        for estimator in options.estimators:
            vae, seconds = train(codes, estimator, splits, options.epochs, options.seed)
            bound = gv.evaluate(gv.NVIL(vae), splits.test)
            likelihood = gv.log_marginal_likelihood(vae, some, samples=options.samples)
            print(
                f"| {codes} | {estimator} | {bound.bound:.2f} ± {bound.standard_error:.2f} | {bound.kl:.2f} | "
                f"{likelihood.mean:.2f} ± {likelihood.standard_error:.2f} | {seconds:.0f} |",
                flush=True,
            )
            if likelihood.mean > best:
                best = likelihood.mean
                if options.picture:
                    draw(vae, splits.test, options.picture)


if __name__ == "__main__":
    main()
