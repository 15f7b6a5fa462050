"""The rows of the tables: what every contestant computes. Standard library only, as the peers'
interpreters need not have gluonvae."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PIXELS = 784
LEARNING_RATE = 1e-3


class Row(NamedTuple):
    shared: int
    """Width of the first hidden layer of the inference network."""
    head: int
    """Width of the hidden layer that the heads of mean and std each have."""
    latent: int
    generator: Sequence[int]
    batch: int = 1
    samples: int = 1

    @property
    def encoder_weights(self) -> int:
        """Numbers in the matrices of the inference network."""
        return PIXELS * self.shared + 2 * (self.shared * self.head + self.head * self.latent)

    @property
    def generator_weights(self) -> int:
        """Numbers in the matrices of the generator."""
        widths = (self.latent, *self.generator, PIXELS)
        return sum(before * after for before, after in zip(widths, widths[1:]))

    @property
    def forward_gflop(self) -> float:
        """Of the matrix products of one forward pass; a training step takes three times as many."""
        return 2e-9 * self.batch * self.encoder_weights + self.generator_gflop

    @property
    def generator_gflop(self) -> float:
        """The generator's share of them."""
        return 2e-9 * self.batch * self.samples * self.generator_weights


TUTORIAL = Row(500, 200, 100, (200, 500))
IWAE_PAPER = Row(200, 200, 50, (200, 200))

ROWS = {
    "tutorial, batch 128": TUTORIAL._replace(batch=128),
    "IWAE paper, batch 100": IWAE_PAPER._replace(batch=100),
    "IWAE paper, batch 20": IWAE_PAPER._replace(batch=20),
    "IWAE paper, batch 100, 50 samples": IWAE_PAPER._replace(batch=100, samples=50),
    "tutorial, batch 512": TUTORIAL._replace(batch=512),
}
"""Of the training-step table."""
