"""What pictures of a model are made of: some data points, their latent states, and what is drawn of these."""

from __future__ import annotations

from typing import Any, Callable, Optional, TypeVar

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import Tensor
from ..batches import Batch, batches, dataset_for
from ..data import Dataset, Stream
from ..evaluation.coding import completed_label
from ..evaluation.estimates import in_parts, in_predict_mode
from ..models import VAE
from ..noise import seeded

BATCH = 500
"""Data points that are encoded at once."""
DRAWS = 16
"""Latent states of which the mean stands for that of a posterior whose mean has no closed form."""

Result = TypeVar("Result")


def as_dataset(vae: VAE, data: Any) -> Dataset:
    """Return data as a Dataset that fits the model."""
    found = dataset_for(vae, data)
    if isinstance(found, Stream):
        raise TypeError("a picture shows some of the data points: give these, as an array or a Dataset, not a stream")
    return found


def some_rows(count: int, most: int, seed: int) -> np.ndarray:
    """Return the numbers of all of ``count`` rows, or of ``most`` of them picked at random, in their order."""
    checks.positive_int("n", most)
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


@in_predict_mode
def latent_draws(vae: VAE, data: Dataset, draws: int, seed: int) -> np.ndarray:
    """Draw latent states from q(z | x) of each data point, ``(draws, N, D)``."""
    parts = in_parts(vae, data, vae.inference_net.noise, draws, BATCH, seed, None)
    drawn = [as_numpy(vae.posterior(*_inputs(vae, batch)).rsample(noise)) for _, batch, noise in parts]
    return np.concatenate([part.reshape(draws, -1, part.shape[-1]) for part in drawn], axis=1)


@in_predict_mode
def latent_means(vae: VAE, data: Dataset, seed: int) -> np.ndarray:
    """Compute the mean of q(z | x) of each data point, ``(N, D)``; of draws, where it has no closed form."""
    try:
        found = [vae.posterior(*_inputs(vae, batch)).mean for batch in batches(vae, data.drawn_once(seed), BATCH)]
    except NotImplementedError:
        return latent_draws(vae, data, DRAWS, seed).mean(axis=0)
    return np.concatenate([as_numpy(mean) for mean in found])


@in_predict_mode
def label_rows(vae: VAE, data: Dataset) -> Optional[np.ndarray]:
    """Return the label of each data point, ``(N, Y)``; None in a model without labels."""
    if not vae.label_size:
        return None
    return np.concatenate([as_numpy(_inputs(vae, batch)[1]) for batch in batches(vae, data, BATCH)])


def _inputs(vae: VAE, batch: Batch) -> tuple[Tensor, ...]:
    """Data and labels as the posterior takes them; a label that is missing is the most probable one."""
    return batch._replace(label=completed_label(vae, batch)).inputs


@in_predict_mode
def predicted(
    vae: VAE, data: Dataset, draws: int, seed: int, of: Callable[[np.ndarray], Result], image: str = "sample"
) -> list[Result]:
    """Draw data points ``(N, X)`` anew, each from p(x | z) with z from q(z | x), and return a function of them.

    Parameters
    ----------
    vae : VAE
    data : Dataset
    draws : int
        How many times all data points are drawn.
    seed : int
    of : callable
        The function, of which a result is returned for each draw.
    image : {"sample", "mean"}
        See :meth:`gluonvae.VAE.generate_reconstructions`. The latent states are the same for both.
    """
    with seeded(seed):
        return [
            of(
                np.concatenate(
                    [
                        as_numpy(vae.generate_reconstructions(batch.data, 1, image, label=batch.label)[0])
                        for batch in batches(vae, data, BATCH)
                    ]
                )
            )
            for _ in range(draws)
        ]
