"""What does it matter how a codebook is trained? Bound, reconstruction and perplexity of test images.

GLUONVAE_DATA=FOLDER python benchmarks/vector_quantization.py                       every way, on full MNIST
python benchmarks/vector_quantization.py --data digits --epochs 60                  on the digits that come along
GLUONVAE_DATA=FOLDER python benchmarks/vector_quantization.py --codes 64 --picture vq.png   draws what the last makes

Each way is given the same training: 784-200-200 and back (ReLU), 16 codes an image of 8 numbers each, a prior
whose probabilities are learned, commitment 0.25, batch 200, Adam with a learning rate that falls by a cosine, the
same seed. Nats per test image; the log-likelihood is that of the reconstruction.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import machine
import numpy as np
from matplotlib.figure import Figure

import gluonvae as gv
from gluonvae.batches import to_device

WAYS: dict[str, tuple[str, dict[str, float]]] = {
    "by gradient": ("gradient", {}),
    "moving averages": ("averages", {"revive_below": 0}),
    "moving averages, dead codes revived": ("averages", {}),
}
LEARNING_RATE = 1e-3
BATCH = 200


def train(way: str, codes: int, splits: gv.data.Splits, epochs: int, seed: int) -> tuple[gv.VQELBO, float]:
    """The bound over the model after its training, and how many seconds that took."""
    gv.seed(seed)
    codebook, options = WAYS[way]
    vae = gv.construct_vae(
        latent_type="vector_quantized",
        latent_options={"codes": codes, "code_size": 8, "codebook": codebook},
        prior="codebook",
        generator_layer_sizes=[200, 200],
        infer_layer_sizes=[200, 200],
        generator_act_type="relu",
        infer_act_type="relu",
        latent_variable_size=16 * 8,
    )
    vae.initialize()
    bound = gv.VQELBO(vae, **options)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = epochs * -(-len(splits.train) // BATCH)
    rate = gv.schedules.cosine(LEARNING_RATE, 0.01 * LEARNING_RATE, steps)
    started = time.perf_counter()
    gv.fit(bound, splits.train, epochs=epochs, batch_size=BATCH, learning_rate=rate, progress=False)
    return bound, time.perf_counter() - started


def draw(vae: gv.VAE, test: gv.data.Dataset, path: str) -> None:
    """Images above their reconstructions, and images that the model makes up."""
    images = to_device(vae, test.batch(slice(16)))
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots(2, 1, height_ratios=(2, 3))
    _tile(axes[0], [images, vae.generate_reconstructions(images, 1, "mean")[0]], "test images and reconstructions")
    _tile(axes[1], [vae.phantasize(16, "mean") for _ in range(3)], "samples: codes drawn independently")
    figure.savefig(path, dpi=100)


def _tile(axis: Any, rows: list[Any], title: str) -> None:
    """Each of ``rows`` a row of square images."""
    tiles = [row.asnumpy().reshape(-1, 28, 28).swapaxes(0, 1).reshape(28, -1) for row in rows]
    axis.imshow(np.concatenate(tiles), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.axis("off")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--epochs", type=int, default=10)
    asked.add_argument("--codes", type=int, nargs="+", default=[64, 512])
    asked.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--picture", metavar="FILE", help="of the last model")
    options = asked.parse_args()
    print(machine.describe())
    print(f"{options.data}, {options.epochs} epochs, seed {options.seed}")
    splits = gv.data.load(options.data)
    for codes in options.codes:
        for way in options.ways:
            bound, seconds = train(way, codes, splits, options.epochs, options.seed)
            result, use = gv.evaluate(bound, splits.test), gv.perplexity(bound.vae, splits.test)
            print(
                f"| {codes} | {way} | {result.bound:.2f} ± {result.standard_error:.2f} | {result.log_likelihood:.2f} | "
                f"{result.kl:.2f} | {use.overall:.1f} | {use.used} | {bound.revived} | {seconds:.0f} |",
                flush=True,
            )
    if options.picture:
        draw(bound.vae, splits.test, options.picture)


if __name__ == "__main__":
    main()
