"""The marginal likelihood, by importance sampling."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.structures import leaves, map_structure, split
from ..backend.types import Operators, Tensor
from ..batches import batches, dataset_for, to_device
from ..models import VAE
from ..networks import GraphOver
from ..noise import NoiseSpec, fill
from ..objectives.elbo import check_importance_weights
from ..progress import progress_bar
from .estimates import in_predict_mode, standard_error
from .finite import check_finite

ARRAYS_A_ROW = 8
"""How many arrays as long as the model's longest a graph holds at once for each latent state, generously."""


class MarginalLikelihood(NamedTuple):
    """An estimate of log p(x), in nats."""

    log_likelihood: np.ndarray
    """Of each data point, ``(N,)``: a lower bound in expectation, tight as the samples grow."""
    mean: float
    standard_error: float
    """Standard error of ``mean``."""


class LogWeight(GraphOver):
    """The log importance weights log p(x, z) - log q(z | x) of a model, ``(k, B)``, as a graph of their own."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Operators, data: Tensor, *inputs: Tensor) -> Tensor:
        noise, label = split(self.vae.inference_net.noise, inputs)
        z, log_q = self.vae.posterior(data, *label).rsample_and_log_prob(noise)
        log_ratio = self.vae.prior_distribution(data, *label).log_prob(z) - log_q
        return self.vae.likelihood(z, *label).log_prob(data) + log_ratio


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
    if not memory > 0:
        raise ValueError(f"memory must be positive, got {memory}")
    if vae.inference_net.deterministic:
        raise ValueError(
            f"every sample of {type(vae.inference_net).__name__} is the same: there is no more to know than the bound, "
            "evaluate(VQELBO(vae), data)"
        )
    check_importance_weights(vae)
    data = dataset_for(vae, data).drawn_once(seed)
    log_weight = LogWeight(vae)
    log_weight.hybridize(static_alloc=True, static_shape=True)
    rows = max(1, int(memory * 2**20 / (4 * ARRAYS_A_ROW * vae.floats_per_sample)))
    parts: list[np.ndarray] = []
    count = data.known_rows
    with progress_bar(count and count * samples, "sample", progress) as bar:
        for batch, label in batches(vae, data, max(1, rows // samples)):
            start = sum(map(len, parts))
            noise = [np.random.default_rng((seed, start + row)) for row in range(len(batch))]
            chunk = max(1, rows // len(batch))
            parts.append(_log_mean_weight(log_weight, batch, label, noise, samples, chunk, bar))
            check_finite(vae, batch, start, {"log-likelihood": parts[-1]})
    log_likelihood = np.concatenate(parts)
    return MarginalLikelihood(log_likelihood, float(log_likelihood.mean()), standard_error(log_likelihood))


def _log_mean_weight(
    log_weight: LogWeight,
    data: Tensor,
    label: Optional[Tensor],
    noise: list[np.random.Generator],
    samples: int,
    chunk: int,
    bar: Any,
) -> np.ndarray:
    """The logarithm of the mean weight of each image, ``chunk`` samples at a time."""
    total, labels = np.full(len(data), -np.inf), () if label is None else (label,)
    for start in range(0, samples, chunk):
        drawn = _draw(log_weight.vae, noise, min(chunk, samples - start))
        weights = as_numpy(log_weight(data, *drawn, *labels)).astype(np.float64)
        top = weights.max(axis=0)
        with np.errstate(invalid="ignore"):  # an infinite weight, of which the caller tells
            total = np.logaddexp(total, top + np.log(np.exp(weights - top).sum(axis=0)))
        bar.update(weights.size)
    return total - np.log(samples)


def _draw(vae: VAE, noise: list[np.random.Generator], count: int) -> list[Tensor]:
    """The posterior's noise for ``count`` samples, of each data point from its own generator."""

    def drawn(spec: NoiseSpec) -> Tensor:
        values = np.empty((len(noise), count, spec.size), np.float32)
        for rng, out in zip(noise, values):
            fill(spec.kind, rng, out)
        return to_device(vae, values.swapaxes(0, 1))

    return leaves(map_structure(drawn, vae.inference_net.noise))
