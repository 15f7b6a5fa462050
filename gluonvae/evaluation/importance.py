"""Importance weights of latent states drawn from q(z | x), in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Optional

import numpy as np

from ..backend.memory import filled
from ..backend.pieces import rows_that_fit
from ..backend.regions.availability import loops_compile
from ..backend.regions.random import Stream
from ..backend.structures import leaves, map_structure, split
from ..backend.types import Operators, Structure, Tensor
from ..models import VAE
from ..networks import GraphOver
from ..noise import NoiseSpec, fill
from ..objectives.elbo import check_importance_weights

DRAWS = 2**15
"""The most draws at once: more are no faster, and Ctrl-C waits for all of them."""


class LogWeight(GraphOver):
    """log p(x, z) - log q(z | x) of draws of a model's q(z | x), ``(k, B)``, as a graph of its own."""

    _of_losses = False

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae
        self.hybridize(static_alloc=True, static_shape=True)

    def draws_that_fit(self, memory: float) -> int:
        """Return how many draws together take about ``memory`` MB."""
        inputs = 1 + len(leaves(self.vae.inference_net.noise)) + (self.vae.label_size > 0)
        if self.is_one_program(inputs):
            return min(DRAWS, rows_that_fit(self.vae.inference_net.floats_per_sample, memory))
        return rows_that_fit(self.vae.floats_per_sample, memory)

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> Any:
        return self.weighted(data, inputs)[0]

    def weighted(self, data: Tensor, inputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the log weights of draws, and the draws, given data, noise and label."""
        noise, label = split(self.vae.inference_net.noise, inputs)
        z, log_q = self.vae.posterior(data, *label).rsample_and_log_prob(noise)
        log_ratio = self.vae.prior_distribution(data, *label).log_prob(z) - log_q
        return self.vae.likelihood(z, *label).log_prob(data) + log_ratio, z


class WeightedDraws(LogWeight):
    """log p(x, z) - log q(z | x) of draws, ``(k, B)``, and the draws, ``(k, B, D)``."""

    def draws_that_fit(self, memory: float) -> int:
        return rows_that_fit(self.vae.floats_per_sample, memory)  # what is made of the draws is as wide as the data

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> Any:
        log_weight, z = self.weighted(data, inputs)
        return log_weight, F.identity(z)


def check_has_weights(vae: VAE, instead: str) -> None:
    """Raise ValueError for a model without importance weights; ``instead`` is what to do with one whose latent states
    are not drawn."""
    if vae.inference_net.deterministic:
        raise ValueError(f"every sample of {type(vae.inference_net).__name__} is the same: {instead}")
    check_importance_weights(vae)


def batch_and_chunk(log_weight: LogWeight, samples: int, memory: float) -> tuple[int, int]:
    """Return how many data points with ``samples`` latent states each, and how many latent states of a batch
    together, take about ``memory`` MB."""
    rows = log_weight.draws_that_fit(memory)
    return max(1, min(rows // samples, rows_that_fit(log_weight.vae.floats_per_row, memory))), rows


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
) -> Iterator[Any]:
    """Yield what a graph computes of ``samples`` draws, a chunk of ``(chunk, B)`` at a time."""
    vae, labels = log_weight.vae, () if label is None else (label,)
    for start in range(0, samples, chunk):
        drawn = draw(vae, vae.inference_net.noise, noise, min(chunk, samples - start))
        yield log_weight(data, *leaves(drawn), *labels)


def draw(vae: VAE, spec: Structure, noise: Sequence[Any], count: int) -> Structure:
    """Draw noise of a spec, ``(count, B, size)``, of each data point from its own generator."""

    def drawn(leaf: NoiseSpec) -> Tensor:
        def write(values: np.ndarray) -> None:
            for row, rng in enumerate(noise):
                own = values[:, row]
                out = own if own.flags.c_contiguous and own.dtype == np.float32 else np.empty(own.shape, np.float32)
                fill(leaf.kind, rng, out)
                if out is not own:
                    own[...] = out

        return filled(write, (count, len(noise), leaf.size), vae.context, vae.dtype)

    return map_structure(drawn, spec)
