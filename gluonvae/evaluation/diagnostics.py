"""What a model's latent code does."""

from __future__ import annotations

from typing import Any, NamedTuple, Union

import numpy as np

from .. import checks
from ..data import Dataset
from ..distributions import Quantized
from ..models.vae import VAE
from ..noise import NoiseSource
from .estimates import model_batch, model_data, to_device


class Perplexity(NamedTuple):
    """The exponential of the entropy of how often each code is used: from 1, for a single one, to K, for all alike."""

    overall: float
    """Of the codes at all positions together."""
    by_position: np.ndarray
    """Of the codes at each position, ``(V,)``."""
    used: int
    """How many codes are used at all."""


def perplexity(vae: VAE, data: Union[Dataset, Any], batch_size: int = 500, seed: int = 0) -> Perplexity:
    """How many of the codes of a vector-quantised model ``data`` uses (van den Oord, Vinyals and Kavukcuoglu 2017).

    ``data`` is a :class:`gluonvae.data.Dataset`, whose dynamic pixels are drawn from ``seed``, or an array
    ``(N, X)``. Raises TypeError for a model that has no codebook, and as :func:`gluonvae.fit` does.
    """
    net: Any = vae.inference_net
    if net.distribution_type is not Quantized:
        raise TypeError(f"perplexity is of a codebook's codes, and {type(net).__name__} has none")
    data = model_data("data", data, vae)
    batch_size = checks.positive_int("batch_size", batch_size)
    source, counts = NoiseSource(seed), np.zeros((1, net.codebook.codes))
    for start in range(0, len(data), batch_size):
        batch = to_device(model_batch(data, slice(start, start + batch_size), vae, source), vae)
        codes = net.posterior(batch).codes.asnumpy().astype(int)
        # (V, K)
        counts = counts + np.stack([np.bincount(column, minlength=net.codebook.codes) for column in codes.T])
    by_code = np.sum(counts, axis=0)
    return Perplexity(float(_exp_entropy(by_code)), _exp_entropy(counts), int((by_code > 0).sum()))


def _exp_entropy(counts: Any) -> Any:
    """Over the last axis."""
    p = counts / counts.sum(axis=-1, keepdims=True)
    return np.exp(-(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1))
