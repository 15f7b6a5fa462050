"""What does a second layer of latent variables bring? Bound, KL by layer, log-likelihood of test images, in nats.

GLUONVAE_DATA=FOLDER python benchmarks/hierarchies.py                     every model, on full MNIST
GLUONVAE_DATA=FOLDER python benchmarks/hierarchies.py ladder              this one
python benchmarks/hierarchies.py --data digits --epochs 120               on the digits that come along
... --picture FILE.png                                                    what the layers of the last one do

Networks of the IWAE paper, 784-200-200-50 with one layer, 784-200-200-100 and 100-100-100-50 with two, but of leaky
rectifiers, as in the ladder's paper: with tanh the ladder learns slowly. It has the same prior and generator. All are
given the same training: batch 100, Adam with a learning rate that falls from LEARNING_RATE by a cosine, the same seed;
first the evidence lower bound with one sample, whose first FREE_BITS nats of the KL divergence cost nothing, as many
in each layer, then IWAE.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import machine
import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import parser

DEFAULTS = parser().parse_args(["train"])
FREE_BITS = 15.0
LEARNING_RATE = 1e-3
SHARED: dict[str, Any] = {
    "generator_layer_sizes": [200, 200],
    "infer_layer_sizes": [200, 200],
    "generator_act_type": "leakyrelu",
    "infer_act_type": "leakyrelu",
}
LAYERED: dict[str, Any] = {
    "prior": "hierarchical",
    "latent_variable_size": [100, 50],
    "prior_options": {"act_type": "leakyrelu"},
}
MODELS: dict[str, dict[str, Any]] = {
    "one layer": {"latent_variable_size": 50, "latent_options": {"shared_layers": None}},
    "bottom-up": {"latent_type": "hierarchical", **LAYERED},
    "ladder": {"latent_type": "ladder", **LAYERED},
}


def train(model: str, samples: int, splits: gv.data.Splits, epochs: int, seed: int) -> tuple[gv.VAE, float]:
    """The model after its training, by IWAE where there are several samples, and how many seconds that took."""
    gv.seed(seed)
    vae = gv.construct_vae(**SHARED, **MODELS[model])
    vae.initialize()
    steps = epochs * -(-len(splits.train) // DEFAULTS.batch_size)
    layers = 1 if model == "one layer" else 2
    free_bits = {"free_bits": FREE_BITS / layers, "groups": layers}
    bound = gv.FreeBitsELBO(vae, **free_bits) if samples == 1 else gv.IWAE(vae, samples)
    bound.hybridize(static_alloc=True, static_shape=True)
    rate = gv.schedules.cosine(LEARNING_RATE, 0.01 * LEARNING_RATE, steps)
    started = time.perf_counter()
    gv.fit(bound, splits.train, epochs=epochs, batch_size=DEFAULTS.batch_size, learning_rate=rate, progress=False)
    return vae, time.perf_counter() - started


def draw(vae: gv.VAE, test: gv.data.Dataset, path: str, seed: int) -> None:
    """A picture: each row of the left half has one z_2, and a z_1 drawn anew for each image; the right half has test
    images, what their z_1 makes of them, and z_1 drawn anew of their z_2."""
    from matplotlib.figure import Figure

    rng, rows, columns = np.random.default_rng(seed), 8, 8
    lowest, top = vae.prior.latent_sizes
    noise = rng.standard_normal((columns, rows, lowest + top))
    noise[..., lowest:] = noise[0, :, lowest:]
    originals = test.batch(slice(rows))
    z = vae.inference_net.posterior(mx.nd.array(originals)).rsample().asnumpy()
    # a standard normal's noise is what it draws
    kept = noise.copy()
    kept[..., lowest:] = z[:, lowest:]
    prior = vae.prior_distribution(vae.generator.logits_head.bias.data())

    def images(states: Any) -> np.ndarray:
        return vae.likelihood(states).mean.asnumpy()

    drawn, redrawn = (images(prior.sample(mx.nd.array(values))) for values in (noise, kept))
    halves = [drawn, np.stack([originals, images(mx.nd.array(z)), *redrawn[:-2]])]
    figure = Figure(figsize=(8, 4.3), layout="constrained")
    for axis, half, title in zip(
        figure.subplots(1, 2), halves, ("a row: one z₂, z₁ drawn anew", "image, from its z₁, from its z₂")
    ):
        side = half.reshape(columns, rows, 28, 28).transpose(1, 2, 0, 3).reshape(rows * 28, columns * 28)
        axis.imshow(side, cmap="gray", interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    figure.savefig(path, dpi=90)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)} (default: all)")
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--epochs", type=int, default=60)
    asked.add_argument("--iwae", type=int, default=5, metavar="K", help="samples of IWAE; 1 for none")
    asked.add_argument("--seed", type=int, default=DEFAULTS.seed)
    asked.add_argument("--samples", type=int, default=200, help="of the log-likelihood, for an image")
    asked.add_argument("--images", type=int, default=2000, help="test images that the log-likelihood is of")
    asked.add_argument("--picture", metavar="FILE")
    options = asked.parse_args()
    print(machine.describe())
    print(
        f"{options.data}, {options.epochs} epochs, seed {options.seed}, {options.samples} samples of {options.images}"
    )
    splits = gv.data.load(options.data)
    some = splits.test.subset(slice(options.images))
    for samples in sorted({1, options.iwae}):
        for model in options.models or MODELS:
            vae, seconds = train(model, samples, splits, options.epochs, options.seed)
            bound = gv.evaluate(gv.ELBO(vae), splits.test)
            layers = [bound.kl] if model == "one layer" else gv.kl_by_layer(vae, splits.test)
            likelihood = gv.log_marginal_likelihood(vae, some, samples=options.samples)
            print(
                f"| {model}, {'ELBO' if samples == 1 else f'IWAE {samples}'} | {bound.bound:.2f} | "
                f"{' + '.join(f'{kl:.2f}' for kl in layers)} | {likelihood.mean:.2f} | {seconds:.0f} |",
                flush=True,
            )
    if options.picture:
        draw(vae, splits.test, options.picture, options.seed)


if __name__ == "__main__":
    main()
