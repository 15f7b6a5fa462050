"""How good does the tutorial's model get? The bound on test images, in nats per image.

python benchmarks/accuracy.py digits         the README's run, with three seeds
python benchmarks/accuracy.py mnist          twenty epochs of full MNIST (GLUONVAE_DATA names its folder)
python benchmarks/accuracy.py initializer    Xavier, the default here, against Gluon's default
python benchmarks/accuracy.py precision      matrix products in float32 against bfloat16, both on float32 in the end
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Optional

import machine

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import parser

DEFAULTS = parser().parse_args(["train"])


def train(data: str, epochs: int, seed: int, initializer: Optional[Any] = None, precision: str = "float32") -> str:
    """Train as the command does by default, and tell the bounds and the time."""
    gv.seed(seed)
    splits = gv.data.load(data)
    vae = gv.construct_vae()
    vae.initialize(initializer)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    steps = epochs * -(-len(splits.train) // DEFAULTS.batch_size)
    rate = gv.schedules.cosine(DEFAULTS.learning_rate, 0.01 * DEFAULTS.learning_rate, steps)
    bound.mixed_precision(precision)
    started = time.perf_counter()
    gv.fit(bound, splits.train, splits.valid, epochs=epochs, batch_size=DEFAULTS.batch_size, learning_rate=rate)
    seconds = time.perf_counter() - started
    bound.mixed_precision("float32")
    valid, test = gv.evaluate(bound, splits.valid), gv.evaluate(bound, splits.test)
    return (
        f"{data}, {epochs} epochs, batch {DEFAULTS.batch_size}, learning rate {DEFAULTS.learning_rate}, seed {seed}, "
        f"{type(initializer).__name__ if initializer else 'default'} initialiser, {precision} products: "
        f"test {test.bound:.2f} (standard error {test.standard_error:.2f}), validation {valid.bound:.2f}, "
        f"{seconds:.0f} s"
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("question", choices=("digits", "mnist", "initializer", "precision"))
    question = asked.parse_args().question
    print(machine.describe())
    if question in ("mnist", "precision"):
        print(train("mnist", 20, DEFAULTS.seed))
    if question == "precision":
        print(train("mnist", 20, DEFAULTS.seed, precision="bfloat16"))
    if question == "mnist":
        return
    for seed in (DEFAULTS.seed, DEFAULTS.seed + 1, DEFAULTS.seed + 2):
        print(train("digits", DEFAULTS.epochs, seed))
        if question == "initializer":
            print(train("digits", DEFAULTS.epochs, seed, mx.init.Uniform()))
        if question == "precision":
            print(train("digits", DEFAULTS.epochs, seed, precision="bfloat16"))


if __name__ == "__main__":
    main()
