"""What a trained model is worth on data it has not seen."""

from __future__ import annotations

from typing import Any, NamedTuple, Union

import numpy as np

from . import checks
from .data import Dataset, as_images
from .noise import NoiseSource
from .objectives import Objective
from .runtime import mx
from .vae import VAE


class Estimate(NamedTuple):
    """Means over a data set, in nats per data point."""

    bound: float
    log_likelihood: float
    kl: float
    standard_error: float
    """Of ``bound``: how far the mean of another data set of this size would typically lie."""


def evaluate(bound: Objective, data: Union[Dataset, Any], batch_size: int = 500, seed: int = 0) -> Estimate:
    """The bound and its two terms on ``data``, with noise (and dynamic pixels) drawn from
    ``seed``: the same for the same parameters, and without a trace in what is drawn later.

    ``data`` is a :class:`gluonvae.data.Dataset` or an array ``(N, X)``. Raises as
    :func:`gluonvae.fit` does.
    """
    data = model_data("data", data, bound.vae)
    batch_size = checks.positive_int("batch_size", batch_size)
    source, rows = NoiseSource(seed), []
    for start in range(0, len(data), batch_size):
        batch = to_device(data.batch(slice(start, start + batch_size), source), bound.vae)
        noise = source.normal(
            bound.vae.inference_net.noise_shape(len(batch), bound.samples), batch.context, batch.dtype
        )
        terms = bound.terms(batch, noise)
        rows.append(np.stack([term.asnumpy() for term in terms[1:]]))
    values = np.concatenate(rows, axis=1).astype(np.float64)
    error = values[0].std(ddof=1) / np.sqrt(len(data)) if len(data) > 1 else float("nan")
    mean, log_likelihood, kl = (float(mean) for mean in values.mean(axis=1))
    return Estimate(mean, log_likelihood, kl, float(error))


def to_device(batch: np.ndarray, vae: VAE) -> Any:
    """A batch of data as an NDArray where the model is."""
    return mx.nd.array(batch, ctx=vae.context, dtype=vae.dtype)


def model_data(name: str, data: Union[Dataset, Any], vae: VAE) -> Dataset:
    """``data`` as a Dataset whose images, as they reach the model, the model can give.

    Raises ValueError or TypeError, with what was given and wanted, for another shape, empty data,
    NaN, values outside the likelihood's support, and labels in the place of images.
    """
    if not isinstance(data, Dataset):
        data = Dataset(as_images(name, data), binarization="none")
    wanted = vae.data_dims
    if data.pixels.shape[1] != wanted:
        raise ValueError(
            f"{name} must be images of {wanted} values each, got {len(data)} of "
            f"{data.pixels.shape[1]} (shape {data.shape})"
        )
    if data.binarization == "none":
        vae.generator.check_support(name, data.pixels)
    return data
