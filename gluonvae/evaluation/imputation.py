"""What missing values may be, given those that are observed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from ..batches import Batch, batches, dataset_for, to_device
from ..data import Dataset
from ..models import VAE
from ..models.vae import IMAGE_ARRAYS
from .estimates import in_predict_mode
from .finite import check_finite
from .importance import WeightedDraws, batch_and_chunk, check_has_weights, draw, generators, in_chunks


@in_predict_mode
def impute(
    vae: VAE,
    data: Union[Dataset, ArrayLike],
    samples: int = 1000,
    draws: Optional[int] = None,
    *,
    memory: float = 128.0,
    seed: int = 0,
) -> np.ndarray:
    """Impute missing values: estimate their expected values given the observed ones, or draw them.

    Of K latent states from q(z | x_o), weighted by w_i ∝ p(x_o, z_i) / q(z_i | x_o), whose sum is 1, the expected
    value is estimated as Σ_i w_i E[x_m | z_i] (Mattei and Frellsen 2019, equations 11 and 12). A draw is one from
    p(x_m | z), with z one of the K latent states, picked with the probabilities w_i. Both are exact as K grows.
    ``vae.impute(data)`` is this function.

    Parameters
    ----------
    vae : VAE
        A model whose generator is made with ``missing=True``; it stays as it is.
    data : Dataset or array
        ``(N, X)``, NaN where a value is missing, with labels for a model that takes them.
    samples : int
        K.
    draws : int, optional
        How many imputations to draw of each data point; left out, expected values are returned.
    memory : float
        About what one batch may take, in MB. The result is the same, to rounding, whatever it is.
    seed : int
        Seed of the noise.

    Returns
    -------
    numpy.ndarray
        The data, ``(N, X)``, with missing values imputed, or ``(draws, N, X)``; float32.

    Raises
    ------
    ValueError, TypeError
        As :func:`gluonvae.fit` does, and for a model without importance weights, or that takes no missing values.
    FloatingPointError
        As :func:`gluonvae.evaluate`.
    """
    samples = checks.positive_int("samples", samples)
    draws = None if draws is None else checks.positive_int("draws", draws)
    if not vae.generator.missing:
        raise ValueError(
            f"impute is of a model that takes missing values, and this {type(vae).__name__} does not: make its "
            "generator with missing=True"
        )
    check_has_weights(vae, "take generate_reconstructions(data, 1, image='mean')")
    log_weight = WeightedDraws(vae)
    batch_size, rows = batch_and_chunk(log_weight, samples, memory)
    parts: list[np.ndarray] = []
    start = 0
    for batch in batches(vae, dataset_for(vae, data).drawn_once(seed), batch_size):
        noise, chunk = generators(seed, start, len(batch.data)), max(1, rows // len(batch.data))
        latent = _weighted(log_weight, batch, noise, samples, chunk)
        check_finite(vae, batch.data, start, {"sum of the importance weights": latent.weights.sum(axis=0)})
        few = max(1, chunk // IMAGE_ARRAYS)
        if draws is None:
            values = _mean(vae, batch, latent, few)
        else:
            values = _draws(vae, batch, _resampled(latent, noise, draws), noise, few)
        observed = as_numpy(vae.generator.observed(batch.data)) > 0
        parts.append(np.where(observed, as_numpy(batch.data), values).astype(np.float32))
        start += len(batch.data)
    return np.concatenate(parts, axis=-2)


class Weighted(NamedTuple):
    """Latent states of a batch that stand for q(z | x_o), weighted to stand for p(z | x_o)."""

    z: np.ndarray
    """``(K, B, D)``."""
    weights: np.ndarray
    """``(K, B)``, of sum 1 over K; float64."""


def _weighted(log_weight: WeightedDraws, batch: Batch, noise: Sequence[Any], samples: int, chunk: int) -> Weighted:
    z, log_weights = [], []
    for of_chunk, drawn in in_chunks(log_weight, *batch, noise, samples, chunk):
        log_weights.append(as_numpy(of_chunk).astype(np.float64))
        z.append(as_numpy(drawn))
    with np.errstate(invalid="ignore"):  # an infinite weight, of which the caller tells
        of_all = np.concatenate(log_weights)
        weights = np.exp(of_all - of_all.max(axis=0))
        weights /= weights.sum(axis=0)
    return Weighted(np.concatenate(z), weights)


def _mean(vae: VAE, batch: Batch, latent: Weighted, chunk: int) -> np.ndarray:
    """The weighted mean of E[x | z], ``(B, X)``."""
    total = np.zeros(batch.data.shape)
    for start in range(0, len(latent.z), chunk):
        part = slice(start, start + chunk)
        mean = vae.likelihood(to_device(vae, latent.z[part]), *batch.inputs[1:]).mean
        total += np.einsum("kb,kbx->bx", latent.weights[part], as_numpy(mean))
    return total


def _resampled(latent: Weighted, noise: Sequence[Any], draws: int) -> np.ndarray:
    """Latent states drawn with the weights as probabilities, ``(draws, B, D)``."""
    cumulative = np.cumsum(latent.weights, axis=0)
    cumulative /= cumulative[-1]
    # (B, draws)
    picked = [np.searchsorted(column, rng.random(draws), side="right") for column, rng in zip(cumulative.T, noise)]
    return latent.z[np.transpose(picked), np.arange(len(picked))]


def _draws(vae: VAE, batch: Batch, z: np.ndarray, noise: Sequence[Any], chunk: int) -> np.ndarray:
    """Draws from p(x | z), ``(draws, B, X)``, of latent states ``(draws, B, D)``."""
    parts = []
    for start in range(0, len(z), chunk):
        of_chunk = z[start : start + chunk]
        p = vae.likelihood(to_device(vae, of_chunk), *batch.inputs[1:])
        parts.append(as_numpy(p.sample(draw(vae, vae.generator.noise, noise, len(of_chunk)))))
    return np.concatenate(parts)


# declared by VAE, which cannot import what evaluates it
VAE.impute = impute
