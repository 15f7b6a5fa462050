"""The marginal likelihood, by importance sampling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..batches import batches, dataset_for
from ..models import VAE
from ..progress import progress_bar
from .estimates import in_predict_mode, standard_error
from .finite import check_finite
from .importance import batch_and_chunk, generators, in_chunks, log_weight_of


class MarginalLikelihood(NamedTuple):
    """An estimate of log p(x), in nats."""

    log_likelihood: np.ndarray
    """Of each data point, ``(N,)``: a lower bound in expectation, tight as the samples grow."""
    mean: float
    standard_error: float
    """Standard error of ``mean``."""


@in_predict_mode
def log_marginal_likelihood(
    vae: VAE,
    data: Any,
    samples: int = 5000,
    *,
    memory: float = 128.0,
    seed: int = 0,
    progress: bool = False,
) -> MarginalLikelihood:
    """Estimate log p(x) by importance sampling from q(z | x): log 1/K Σ_i p(x, z_i) / q(z_i | x).

    Burda, Grosse and Salakhutdinov 2016, section 5; K = 5000 there.

    Parameters
    ----------
    vae : VAE
        The model; it stays as it is, imperative or hybridised.
    data : Dataset or array, or batches
        See :func:`gluonvae.evaluate`; dynamic pixels are drawn once.
    samples : int
        K.
    memory : float
        About what one batch of images times samples may take, in MB. The result is the same, to rounding,
        whatever it is: each data point has noise of its own.
    seed : int
        Seed of noise and dynamic pixels.
    progress : bool
        Show a progress bar.

    Returns
    -------
    MarginalLikelihood

    Raises
    ------
    ValueError, TypeError
        As :func:`gluonvae.fit` does, and for a model without importance weights.
    FloatingPointError
        As :func:`gluonvae.evaluate`.
    """
    samples, progress = checks.positive_int("samples", samples), checks.boolean("progress", progress)
    batch_size, rows = batch_and_chunk(vae, samples, memory)
    log_weight = log_weight_of(vae, "there is no more to know than the bound, evaluate(VQELBO(vae), data)")
    data = dataset_for(vae, data).drawn_once(seed)
    parts: list[np.ndarray] = []
    count = data.known_rows
    with progress_bar(count and count * samples, "sample", progress) as bar:
        for batch, label in batches(vae, data, batch_size):
            start = sum(map(len, parts))
            noise = generators(seed, start, len(batch))
            chunks = in_chunks(log_weight, batch, label, noise, samples, max(1, rows // len(batch)))
            parts.append(_log_sum_weights((weights for weights, _ in chunks), bar) - np.log(samples))
            check_finite(vae, batch, start, {"log-likelihood": parts[-1]})
    log_likelihood = np.concatenate(parts)
    return MarginalLikelihood(log_likelihood, float(log_likelihood.mean()), standard_error(log_likelihood))


def _log_sum_weights(chunks: Iterable[np.ndarray], bar: Any) -> np.ndarray:
    """The logarithm of the sum of the weights of each image, ``(B,)``, of their logarithms ``(chunk, B)``."""
    total = np.float64(-np.inf)
    for weights in chunks:
        top = weights.max(axis=0)
        with np.errstate(invalid="ignore"):  # an infinite weight, of which the caller tells
            total = np.logaddexp(total, top + np.log(np.exp(weights - top).sum(axis=0)))
        bar.update(weights.size)
    return np.asarray(total)
