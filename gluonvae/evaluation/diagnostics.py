"""What a model's latent code does."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.pieces import rows_that_fit
from ..batches import batches, dataset_for
from ..distributions import Quantized, has_kl_by_variable, kl_by_variable
from ..models import VAE
from ..noise import NoiseSource
from ..objectives.elbo import check_kl_not_replaced, check_known_kl
from .estimates import in_parts, in_predict_mode
from .finite import check_finite, check_parameters


class Perplexity(NamedTuple):
    """Exponential of the entropy of the usage of codes: from 1, for a single one, to K, for all alike."""

    overall: float
    """Of the codes at all positions together."""
    by_position: np.ndarray
    """Of the codes at each position, ``(V,)``."""
    used: int
    """How many codes are used at all."""


@in_predict_mode
def perplexity(vae: VAE, data: Any, batch_size: int = 500, seed: int = 0) -> Perplexity:
    """Compute how many of the codes of a vector-quantised model are used (van den Oord et al. 2017).

    Parameters
    ----------
    vae : VAE
        A model with a codebook.
    data, batch_size, seed
        See :func:`gluonvae.evaluate`.

    Returns
    -------
    Perplexity

    Raises
    ------
    TypeError
        For a model that has no codebook.
    FloatingPointError
        Where a parameter of the model is not finite.
    """
    net = vae.inference_net
    if net.distribution_type is not Quantized:
        raise TypeError(f"perplexity is of a codebook's codes, and {type(net).__name__} has none")
    check_parameters(vae)
    size = net.family.codebook.codes
    counts = np.zeros((1, size))
    batch_size = min(checks.positive_int("batch_size", batch_size), rows_that_fit(vae.floats_per_row))
    for batch in batches(vae, dataset_for(vae, data), batch_size, NoiseSource(seed)):
        q: Any = vae.posterior(*batch.inputs)
        # (V, K)
        counts = counts + np.stack([np.bincount(column, minlength=size) for column in q.codes.asnumpy().astype(int).T])
    by_code = np.sum(counts, axis=0)
    return Perplexity(float(_exp_entropy(by_code)), _exp_entropy(counts), int((by_code > 0).sum()))


@in_predict_mode
def kl_by_dimension(vae: VAE, data: Any, batch_size: int = 500, seed: int = 0) -> np.ndarray:
    """Compute the KL divergence of each latent variable, KL(q(z_d | x) || p(z_d)), on average over the data.

    A variable that the model does not use has 0.

    Parameters
    ----------
    vae : VAE
        A model in which the latent variables are independent, in the posterior and in the prior.
    data, batch_size, seed
        See :func:`gluonvae.evaluate`.

    Returns
    -------
    numpy.ndarray
        ``(D,)``, in nats. Their sum is the KL of ``evaluate(ELBO(vae), data)``.

    Raises
    ------
    ValueError
        For a model whose KL divergence has no closed form for each variable.
    FloatingPointError
        As :func:`gluonvae.evaluate`.
    """
    check_kl_not_replaced(vae, "kl_by_dimension")
    check_known_kl(
        vae,
        has_kl_by_variable,
        "has no closed form for each latent variable: evaluate(ELBO(vae), data).kl is that of all",
    )
    total, rows = np.zeros(vae.latent_variable_size), 0
    data = dataset_for(vae, data)
    for start, batch, _ in in_parts(vae, data, vae.inference_net.noise, 1, batch_size, seed, None):
        # (B, D)
        kl = as_numpy(kl_by_variable(vae.posterior(*batch.inputs), vae.prior_distribution(*batch.inputs)))
        check_finite(vae, batch.data, start, {"KL": kl.sum(axis=1)})
        total, rows = total + kl.sum(axis=0, dtype=np.float64), rows + len(kl)
    return total / rows


def _exp_entropy(counts: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    p = counts / counts.sum(axis=-1, keepdims=True)
    return np.exp(-(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1))
