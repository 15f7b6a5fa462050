"""Importance weights of latent states drawn from q(z | x), in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

import numpy as np

from ..backend.operators import as_numpy
from ..backend.pieces import rows_that_fit
from ..backend.regions.availability import loops_compile
from ..backend.regions.random import Stream
from ..backend.structures import leaves, map_structure, split
from ..backend.types import Operators, Structure, Tensor
from ..batches import to_device
from ..models import VAE
from ..networks import GraphOver
from ..noise import NoiseSpec, fill
from ..objectives.elbo import check_importance_weights


class LogWeight(GraphOver):
    """Draws of a model's q(z | x), ``(k, B, D)``, and before them their log importance weights
    log p(x, z) - log q(z | x), ``(k, B)``, as a graph of their own."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        noise, label = split(self.vae.inference_net.noise, inputs)
        z, log_q = self.vae.posterior(data, *label).rsample_and_log_prob(noise)
        log_ratio = self.vae.prior_distribution(data, *label).log_prob(z) - log_q
        return self.vae.likelihood(z, *label).log_prob(data) + log_ratio, F.identity(z)


def log_weight_of(vae: VAE, instead: str) -> LogWeight:
    """Return the log weights of a model, hybridised.

    Parameters
    ----------
    vae : VAE
    instead : str
        What to do with a model whose latent states are not drawn, for the message.

    Raises
    ------
    ValueError
        For a model without importance weights.
    """
    if vae.inference_net.deterministic:
        raise ValueError(f"every sample of {type(vae.inference_net).__name__} is the same: {instead}")
    check_importance_weights(vae)
    log_weight = LogWeight(vae)
    log_weight.hybridize(static_alloc=True, static_shape=True)
    return log_weight


def batch_and_chunk(vae: VAE, samples: int, memory: float) -> tuple[int, int]:
    """Return how many data points with ``samples`` latent states each, and how many latent states of a batch
    together, take about ``memory`` MB."""
    rows = rows_that_fit(vae.floats_per_sample, memory)
    return max(1, min(rows // samples, rows_that_fit(vae.floats_per_row, memory))), rows


def generators(seed: int, first: int, count: int) -> list[Any]:
    """Return a generator of noise for each data point of a batch, which begins at ``first``: the same in any batch."""
    make: Callable[[Sequence[int]], Any] = Stream if loops_compile() else np.random.default_rng
    return [make((seed, first + row)) for row in range(count)]


def in_chunks(
    log_weight: LogWeight,
    data: Tensor,
    label: Optional[Tensor],
    noise: Sequence[Any],
    samples: int,
    chunk: int,
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Yield the log weights, ``(chunk, B)``, float64, and the latent states of ``samples`` draws, a chunk at a time."""
    vae, labels = log_weight.vae, () if label is None else (label,)
    for start in range(0, samples, chunk):
        drawn = draw(vae, vae.inference_net.noise, noise, min(chunk, samples - start))
        weights, z = log_weight(data, *leaves(drawn), *labels)
        yield as_numpy(weights).astype(np.float64), z


def draw(vae: VAE, spec: Structure, noise: Sequence[Any], count: int) -> Structure:
    """Draw noise of a spec, ``(count, B, size)``, of each data point from its own generator."""

    def drawn(leaf: NoiseSpec) -> Tensor:
        values = np.empty((len(noise), count, leaf.size), np.float32)
        for rng, out in zip(noise, values):
            fill(leaf.kind, rng, out)
        return to_device(vae, values.swapaxes(0, 1))

    return map_structure(drawn, spec)
