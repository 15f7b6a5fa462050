"""The rows of the training-step table: what every contestant trains. Standard library only, as the
peers' interpreters need not have gluonvae."""

from __future__ import annotations

from typing import NamedTuple

PIXELS = 784
LEARNING_RATE = 1e-3


class Row(NamedTuple):
    shared: int
    """Width of the first hidden layer of the inference network."""
    head: int
    """Width of the hidden layer that the heads of mean and std each have."""
    latent: int
    generator: tuple[int, ...]
    batch: int
    samples: int


TUTORIAL = (500, 200, 100, (200, 500))
IWAE_PAPER = (200, 200, 50, (200, 200))

ROWS = {
    "tutorial, batch 128": Row(*TUTORIAL, 128, 1),
    "IWAE paper, batch 100": Row(*IWAE_PAPER, 100, 1),
    "IWAE paper, batch 20": Row(*IWAE_PAPER, 20, 1),
    "IWAE paper, batch 100, 50 samples": Row(*IWAE_PAPER, 100, 50),
    "tutorial, batch 512": Row(*TUTORIAL, 512, 1),
}


def forward_gflop(row: Row) -> float:
    """Of the matrix products of one forward pass; a training step takes three times as many."""
    encoder = PIXELS * row.shared + 2 * (row.shared * row.head + row.head * row.latent)
    widths = (row.latent, *row.generator, PIXELS)
    generator = sum(before * after for before, after in zip(widths, widths[1:]))
    return 2e-9 * row.batch * (encoder + row.samples * generator)
