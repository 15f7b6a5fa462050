"""What does a body give, and what does it cost? The bound on test images, in nats, and the seconds of an epoch.

    python benchmarks/bodies.py                            every body, on the digits that come along
    python benchmarks/bodies.py conv residual --epochs 20  these
    python benchmarks/bodies.py --coloured                 digits padded to 32×32, each in colours of its own
    python benchmarks/bodies.py conv --picture FILE        a picture: a row of images, their reconstructions, samples

Each is given the same training: 20 latent variables, the evidence lower bound, batch 50, Adam with a learning rate
that falls by a cosine, the same seed. The likelihood is a product of Bernoullis, of coloured digits a Gaussian of
standard deviation 0.1.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, Optional

import machine
import numpy as np

import gluonvae as gv
from gluonvae.batches import to_device

RELU = {"infer_act_type": "relu", "generator_act_type": "relu"}
BODIES: dict[str, dict[str, Any]] = {
    "mlp": {},
    "gated_mlp": {"infer_body": "gated_mlp", "generator_body": "gated_mlp"},
    "conv": {"infer_body": "conv", "generator_body": "conv", **RELU},
    "conv, resize": {
        "infer_body": "conv",
        "generator_body": "conv",
        "generator_body_options": {"upsampling": "resize"},
        **RELU,
    },
    "conv, batch norm": {
        "infer_body": "conv",
        "generator_body": "conv",
        "infer_body_options": {"batch_norm": True},
        "generator_body_options": {"batch_norm": True},
        **RELU,
    },
    "residual": {"infer_body": "residual", "generator_body": "residual", **RELU},
    "cifar_resnet": {"infer_body": "cifar_resnet", "generator_body": "conv", **RELU},
}


def coloured(digits: gv.data.Dataset, seed: int) -> gv.data.Dataset:
    """Grey digits in the middle of 32×32 pixels, in one bright colour on a dark one, both drawn from ``seed``."""
    grey = np.pad(digits.pixels.reshape(-1, 28, 28), [(0, 0), (2, 2), (2, 2)])[..., None] / 255
    rng = np.random.default_rng(seed)
    ink, paper = (rng.uniform(low, low + 0.5, (len(grey), 1, 1, 3)) for low in (0.5, 0.0))
    return gv.data.Dataset(np.rint(255 * (grey * ink + (1 - grey) * paper)).astype(np.uint8), binarization="grey")


def load(asked: argparse.Namespace) -> gv.data.Splits:
    splits = gv.data.load(asked.data, binarization="grey" if asked.coloured else "dynamic")
    if not asked.coloured:
        return splits
    return gv.data.Splits(*(coloured(part, number) for number, part in enumerate(splits)))


def train(body: str, splits: gv.data.Splits, asked: argparse.Namespace) -> tuple[gv.Objective, float]:
    """The bound of the model after its training, and how many seconds an epoch took."""
    gv.seed(asked.seed)
    shape = splits.train.shape
    of_colours = {"likelihood": "gaussian", "likelihood_options": {"std": 0.1}} if asked.coloured else {}
    vae = gv.construct_vae(
        latent_variable_size=20, data_dims=int(np.prod(shape)), data_shape=shape, **BODIES[body], **of_colours
    )
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = asked.epochs * -(-len(splits.train) // 50)
    rate = gv.schedules.cosine(asked.learning_rate, 0.01 * asked.learning_rate, steps)
    history = gv.fit(bound, splits.train, epochs=asked.epochs, batch_size=50, learning_rate=rate, progress=False)
    return bound, float(np.median(history["seconds"]))


def draw(vae: gv.VAE, test: gv.data.Dataset, path: str) -> None:
    """Ten test images, below each its reconstruction, and thirty images that the model makes up."""
    images = to_device(vae, test.batch(slice(10)))
    reconstructions = vae.generate_reconstructions(images, 1, "mean")[0]
    rows = gv.backend.runtime.mx.nd.concat(images, reconstructions, vae.phantasize(30, "mean"), dim=0)
    gv.plots.plot_images(rows, path, test.shape, limits=(0, 1))


def main(arguments: Optional[Sequence[str]] = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("bodies", nargs="*", metavar="NAME", help=f"of {'; '.join(BODIES)} (default: all)")
    options.add_argument("--data", default="digits")
    options.add_argument("--coloured", action="store_true")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--learning-rate", type=float, default=4e-3)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--picture", metavar="FILE")
    asked = options.parse_args(arguments)
    print(machine.describe())
    splits = load(asked)
    print(f"{len(splits.train)} images {splits.train.shape} of {asked.data}, {asked.epochs} epochs, seed {asked.seed}")
    print(f"{'body':<20}{'test bound':>12}{'std. error':>12}{'KL':>8}{'s an epoch':>12}{'parameters':>12}")
    for body in asked.bodies or BODIES:
        bound, seconds = train(body, splits, asked)
        estimate = gv.evaluate(bound, splits.test)
        count = sum(int(np.prod(p.shape)) for p in bound.collect_params().values() if p.grad_req != "null")
        print(
            f"{body:<20}{estimate.bound:>12.2f}{estimate.standard_error:>12.2f}{estimate.kl:>8.2f}"
            f"{seconds:>12.1f}{count:>12,}",
            flush=True,
        )
        if asked.picture:
            draw(bound.vae, splits.test, asked.picture)


if __name__ == "__main__":
    main()
