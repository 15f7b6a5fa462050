"""What a trained model is worth on data it has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Optional, Union

import numpy as np
from tqdm import tqdm

from .. import checks
from ..backend.memory import filled
from ..backend.operators import as_numpy
from ..data import Dataset, as_images
from ..models.semi_supervised import SemiSupervisedVAE
from ..models.vae import VAE, LogWeight
from ..noise import NoiseSource
from ..objectives import Objective
from ..objectives.elbo import check_kl_not_replaced
from ..objectives.layered import kl_of_layers, layers_of


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
    rows = []
    for inputs, noise in _batches(data, bound.vae, batch_size, seed, bound.noise_shape):
        terms = bound.checked_terms(inputs, noise)
        rows.append(np.stack([as_numpy(term) for term in terms[1:]]))
    values = np.concatenate(rows, axis=1).astype(np.float64)
    bound_mean, log_likelihood, kl = (float(mean) for mean in values.mean(axis=1))
    return Estimate(bound_mean, log_likelihood, kl, standard_error(values[0]))


def kl_by_layer(vae: VAE, data: Union[Dataset, Any], batch_size: int = 500, seed: int = 0) -> np.ndarray:
    """The KL divergence of each layer of latent variables in nats, ``(L,)``, z_1's first: the means over ``data`` of
    E_q[log q(z_l | its layer before, x) - log p(z_l | z_{l+1})], from one latent state a data point. Their sum is what
    ``evaluate(ELBO(vae), data)`` gives as the KL. One may be negative, where posterior and prior are not drawn in the
    same order.

    Takes what :func:`evaluate` takes. Raises ValueError for a model without layers or with another KL, a
    :class:`SemiSupervisedVAE`, and else as that does.
    """
    if layers_of(vae) == 1:
        raise ValueError(
            "the KL by layer is of a model with layers of latent variables: a HierarchicalPrior, with a "
            f"HierarchicalInferenceNetwork or a LadderInferenceNetwork, not {type(vae.prior).__name__} and "
            f"{type(vae.inference_net).__name__}"
        )
    check_kl_not_replaced(vae, "kl_by_layer")
    data, rows = model_data("data", data, vae), []
    for inputs, noise in _batches(data, vae, batch_size, seed, vae.inference_net.noise_shape):
        _, of_layers = kl_of_layers(vae, inputs, noise)
        rows.append(np.stack([as_numpy(kl) for kl in of_layers]))
    return np.concatenate(rows, axis=1).mean(axis=1, dtype=np.float64)


def named_kl(vae: VAE, data: Dataset) -> dict[str, float]:
    """:func:`kl_by_layer` as "kl_1", "kl_2", ...; nothing for a model that has none."""
    values = kl_by_layer(vae, data) if layers_of(vae) > 1 and not vae.kl_is_replaced else ()
    return {f"kl_{layer}": float(value) for layer, value in enumerate(values, 1)}


def _batches(
    data: Dataset, vae: VAE, batch_size: int, seed: int, noise_shape: Callable[[int], tuple[int, ...]]
) -> Iterator[tuple[Any, Any]]:
    """What the model takes of ``data``, batch after batch, and noise for it, both drawn from ``seed``."""
    batch_size = checks.positive_int("batch_size", batch_size)
    source = NoiseSource(seed)
    for start in range(0, len(data), batch_size):
        inputs = to_device(model_batch(data, slice(start, start + batch_size), vae, source), vae)
        yield inputs, source.normal(noise_shape(len(inputs)), inputs.context, inputs.dtype)


class MarginalLikelihood(NamedTuple):
    """An estimate of log p(x), in nats."""

    log_likelihood: np.ndarray
    """Of each data point, ``(N,)``: a lower bound in expectation, tight as the samples grow."""
    mean: float
    standard_error: float
    """Of ``mean``: how far that of another data set of this size would typically lie."""


def log_marginal_likelihood(
    vae: VAE,
    data: Union[Dataset, Any],
    samples: int = 5000,
    *,
    memory: float = 128.0,
    seed: int = 0,
    progress: bool = False,
) -> MarginalLikelihood:
    """log p(x) by importance sampling from q(z | x): log 1/K Σ_i p(x, z_i) / q(z_i | x).

    Burda, Grosse and Salakhutdinov 2016, section 5; K = 5000 there.

    Parameters
    ----------
    data : a :class:`gluonvae.data.Dataset` (dynamic pixels are drawn once), or an array ``(N, X)``.
    samples : K.
    memory : about what one batch of images times samples may take, in MB. The number is the same,
        to rounding, whatever it is: each data point has noise of its own.
    seed : of noise and dynamic pixels.
    progress : show a progress bar.

    Raises as :func:`gluonvae.fit` does.
    """
    samples = checks.positive_int("samples", samples)
    if not memory > 0:
        raise ValueError(f"memory must be positive, got {memory}")
    if vae.inference_net.deterministic:
        raise ValueError(
            f"every sample of {type(vae.inference_net).__name__} is the same: there is no more to know than the bound, "
            "evaluate(VQELBO(vae), data)"
        )
    data = model_data("data", data, vae).drawn_once(seed)
    log_weight = LogWeight(vae)
    log_weight.hybridize(static_alloc=True, static_shape=True)
    rows = max(1, int(memory * 2**20 / (4 * ARRAYS_A_ROW * vae.width)))
    images = max(1, rows // samples)
    parts = []
    with tqdm(total=len(data) * samples, unit="sample", unit_scale=True, disable=not progress) as bar:
        for start in range(0, len(data), images):
            batch = to_device(model_batch(data, slice(start, start + images), vae), vae)
            noise = [np.random.default_rng((seed, start + row)) for row in range(len(batch))]
            parts.append(_log_mean_weight(log_weight, batch, noise, samples, max(1, rows // len(batch)), bar))
    log_likelihood = np.concatenate(parts)
    return MarginalLikelihood(log_likelihood, float(log_likelihood.mean()), standard_error(log_likelihood))


ARRAYS_A_ROW = 8
"""Arrays as wide as the model that a graph holds at once for each row of a batch, generously."""


def _log_mean_weight(
    log_weight: LogWeight, batch: Any, noise: list[np.random.Generator], samples: int, chunk: int, bar: tqdm
) -> np.ndarray:
    """The logarithm of the mean weight of each image, ``chunk`` samples at a time."""
    total, vae = np.full(len(batch), -np.inf), log_weight.vae
    for start in range(0, samples, chunk):
        count = min(chunk, samples - start)
        shape = (count, *vae.inference_net.noise_shape(1)[1:])
        drawn = np.stack([rng.standard_normal(shape, dtype=np.float32) for rng in noise], axis=1)
        log_likelihood, log_ratio = log_weight(batch, to_device(drawn, vae))
        weights = as_numpy(log_likelihood + log_ratio).astype(np.float64)
        top = weights.max(axis=0)
        total = np.logaddexp(total, top + np.log(np.exp(weights - top).sum(axis=0)))
        bar.update(weights.size)
    return total - np.log(samples)


def accuracy(vae: SemiSupervisedVAE, data: Dataset, batch_size: int = 500, seed: int = 0) -> float:
    """The share of labelled images whose most probable class is their label. Dynamic pixels are drawn from ``seed``.

    Raises TypeError for a model without a classifier, and ValueError for data without a label.
    """
    if not isinstance(vae, SemiSupervisedVAE):
        raise TypeError(f"accuracy is of a SemiSupervisedVAE's classes, got {type(vae).__name__}")
    labels = model_data("data", data, vae).labels
    assert labels is not None  # model_data saw to it
    if not np.any(labels >= 0):
        raise ValueError("no image in data has a label: all are -1")
    data, labels, right = data.subset(labels >= 0).drawn_once(seed), labels[labels >= 0], 0
    for start in range(0, len(data), batch_size):
        rows = slice(start, start + batch_size)
        probabilities = as_numpy(vae.classify(to_device(data.batch(rows), vae)))
        right += np.count_nonzero(probabilities.argmax(axis=1) == labels[rows])
    return right / len(data)


def standard_error(values: np.ndarray) -> float:
    """Of the mean of ``values``; NaN for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def model_batch(
    data: Dataset, rows: Union[slice, np.ndarray], vae: VAE, source: Optional[NoiseSource] = None
) -> np.ndarray:
    """The images at ``rows`` as a model takes them, float32 ``(B, X)``; with their labels, one-hot, behind them
    for a model that takes labels."""
    images = data.batch(rows, source)
    if not vae.label_size or data.labels is None:
        return images
    return np.concatenate([images, vae.one_hot(len(images), data.labels[rows])], axis=1)


def to_device(batch: np.ndarray, vae: VAE) -> Any:
    """A batch of data as an NDArray where the model is, in its dtype."""
    return filled(lambda values: np.copyto(values, batch), batch.shape, vae.context, vae.dtype)


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
    vae.generator.check_support(name, data.possible_values())
    if vae.label_size:
        if data.labels is None:
            raise ValueError(f"{name} has no labels, and {type(vae).__name__} takes them: Dataset(images, labels=...)")
        vae.one_hot(len(data), data.labels)
    return data
