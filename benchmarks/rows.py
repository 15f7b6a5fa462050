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
    convolutional: bool = False
    """Whether the bodies are gluonvae's of convolutions, with ReLU, in the place of layers of these widths: 32 and 64
    channels, 3×3 with stride 2, then the heads; a layer to 32 maps, and transposed convolutions, 4×4 with stride 2, to
    32 and 16 channels, then one channel of these."""

    @property
    def encoder_weights(self) -> int:
        """Numbers in the matrices of the inference network."""
        if self.convolutional:
            return 9 * 32 + 9 * 32 * 64 + 2 * 64 * 7 * 7 * self.latent
        return PIXELS * self.shared + 2 * (self.shared * self.head + self.head * self.latent)

    @property
    def generator_weights(self) -> int:
        """Numbers in the matrices of the generator."""
        if self.convolutional:
            return self.latent * 32 * 7 * 7 + 16 * 32 * 32 + 16 * 32 * 16 + 16
        widths = (self.latent, *self.generator, PIXELS)
        return sum(before * after for before, after in zip(widths, widths[1:]))

    @property
    def training_gflop(self) -> float:
        """Of the matrix products of a training step: the gradients of weights and of inputs take as many as the forward
        pass, but the data have no gradient."""
        first, products = PIXELS * self.shared, self.encoder_weights
        if self.convolutional:  # of which the first half as often as there are pixels
            first, products = 14 * 14 * 9 * 32, products + (14 * 14 - 1) * 9 * 32 + (7 * 7 - 1) * 9 * 32 * 64
        return 2e-9 * self.batch * (3 * products - first) + 3 * self.generator_gflop

    @property
    def generator_gflop(self) -> float:
        """Of the generator's matrix products in a forward pass."""
        products = self.generator_weights
        if self.convolutional:
            products += (7 * 7 - 1) * 16 * 32 * 32 + (14 * 14 - 1) * 16 * 32 * 16 + (28 * 28 - 1) * 16
        return 2e-9 * self.batch * self.samples * products


TUTORIAL = Row(500, 200, 100, (200, 500))
IWAE_PAPER = Row(200, 200, 50, (200, 200))
CONVOLUTIONS = Row(0, 0, 50, (), convolutional=True)

ROWS = {
    "tutorial, batch 128": TUTORIAL._replace(batch=128),
    "IWAE paper, batch 100": IWAE_PAPER._replace(batch=100),
    "IWAE paper, batch 20": IWAE_PAPER._replace(batch=20),
    "IWAE paper, batch 100, 50 samples": IWAE_PAPER._replace(batch=100, samples=50),
    "tutorial, batch 512": TUTORIAL._replace(batch=512),
    "convolutions, batch 100": CONVOLUTIONS._replace(batch=100),
}
"""Of the training-step table."""
