"""The marginal likelihood, by importance sampling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..batches import Batch, Data, dataset_for, shared_batches, to_device
from ..distributed.joining import alone, current
from ..models import VAE, SemiSupervisedVAE
from ..progress import progress_bar
from .coding import labelled
from .estimates import in_parts, in_predict_mode, standard_error
from .finite import check_finite
from .importance import LogWeight, batch_and_chunk, check_has_weights, generators, in_chunks
from .together import check_same_data, of_all_rows


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
    check_has_weights(vae, "there is no more to know than the bound, evaluate(VQELBO(vae), data)")
    found = dataset_for(vae, data)
    check_same_data(found)
    log_likelihood = _estimated(vae, found, samples, memory, seed, progress)
    return MarginalLikelihood(log_likelihood, float(log_likelihood.mean()), standard_error(log_likelihood))


@in_predict_mode
def log_prob(
    vae: VAE,
    data: Any,
    samples: int = 1000,
    *,
    label: Any = None,
    memory: float = 128.0,
    seed: int = 0,
    progress: bool = False,
) -> Any:
    """Estimate log p(x) of each data point: low values are unlike the data that the model was trained on.

    ``vae.log_prob(data)`` is this function. The estimate is that of :func:`log_marginal_likelihood`; of a
    :class:`gluonvae.ConditionalVAE` it is log p(x | y). Of a :class:`gluonvae.SemiSupervisedVAE` it is
    log 1/Y Σ_y p(x | y), each term estimated so: labels are not looked at. Of a model with a codebook it is
    log p(x, z) at the code vectors z of x, which log p(x) is not below.

    Parameters
    ----------
    vae : VAE
        The model.
    data, label
        See :func:`gluonvae.evaluation.coding.encode`. The result for an NDArray is an NDArray; no gradient is recorded.
    samples : int
        K, the latent states drawn for each data point.
    memory, seed, progress
        See :func:`log_marginal_likelihood`.

    Returns
    -------
    NDArray or numpy.ndarray
        ``(N,)``, in nats; NumPy arrays are float64.

    Raises
    ------
    ValueError, TypeError
        As :func:`gluonvae.fit` does.
    FloatingPointError
        As :func:`gluonvae.evaluate`.
    """
    with alone():  # each worker may ask for rows of its own
        return _log_prob_of_any(vae, data, samples, label, memory, seed, progress)


def _log_prob_of_any(vae: VAE, data: Any, samples: int, label: Any, memory: float, seed: int, progress: bool) -> Any:
    if isinstance(data, mx.nd.NDArray):
        vae.generator.check_data(data)
        rows = dataset_for(vae, labelled(vae, as_numpy(data), None if label is None else as_numpy(label)))
        return mx.nd.array(_log_prob(vae, rows, samples, memory, seed, progress), data.context, data.dtype)
    return _log_prob(vae, dataset_for(vae, labelled(vae, data, label)), samples, memory, seed, progress)


def _log_prob(vae: VAE, data: Data, samples: int, memory: float, seed: int, progress: bool) -> np.ndarray:
    if not vae.inference_net.deterministic:
        return _estimated(vae, data, samples, memory, seed, progress)
    parts = []
    for start, batch, noise in in_parts(vae, data.drawn_once(seed), vae.inference_net.noise, 1, 500, seed, None):
        log_likelihood, kl = map(as_numpy, vae.two_terms(batch.data, noise, *batch.inputs[1:]))
        parts.append(log_likelihood.astype(np.float64) - kl)
        check_finite(vae, batch.data, start, {"log-density": parts[-1]})
    return np.concatenate(parts)


def _estimated(vae: VAE, data: Data, samples: int, memory: float, seed: int, progress: bool) -> np.ndarray:
    """The estimate of log p(x) of each data point, ``(N,)``."""
    samples, progress = checks.positive_int("samples", samples), checks.boolean("progress", progress)
    log_weight = LogWeight(vae)
    batch_size, rows = batch_and_chunk(log_weight, samples, memory)
    data, classes = data.drawn_once(seed), vae.label_size if isinstance(vae, SemiSupervisedVAE) else 1
    group, count = current(), data.known_rows
    total = count and (count * samples * classes) // group.size

    def pieces(bar: Any) -> Iterator[tuple[int, np.ndarray]]:
        # as many rows of each batch as a worker alone would take at once
        for batch, of_batch in shared_batches(vae, data, batch_size * group.size, share=group.share):
            if batch is None:
                continue
            start, size = int(of_batch[0]) + group.share.part(len(of_batch)).start, len(batch.data)
            of_classes = []
            for label in _labels_of(vae, batch):
                noise = generators(seed, start, size)
                chunks = in_chunks(log_weight, batch.data, label, noise, samples, max(1, rows // size))
                of_classes.append(_log_sum_weights(chunks, bar))
            with np.errstate(invalid="ignore"):  # a NaN is told of below
                found = np.logaddexp.reduce(of_classes) - np.log(samples * classes)
            check_finite(vae, batch.data, start, {"log-likelihood": found})
            yield start, found[None]

    with progress_bar(total, "sample", progress and group.rank == 0) as bar:
        return of_all_rows(group, 1, pieces(bar))[0]


def _labels_of(vae: VAE, batch: Batch) -> Iterator[Optional[Tensor]]:
    """The label of a batch; where labels are latent variables each class in turn, for all data points."""
    if not isinstance(vae, SemiSupervisedVAE):
        yield batch.label
        return
    for number in range(vae.label_size):
        yield to_device(vae, vae.label_rows(np.full(len(batch.data), number), len(batch.data)))


def _log_sum_weights(chunks: Iterable[Tensor], bar: Any) -> np.ndarray:
    """The logarithm of the sum of the weights of each image, ``(B,)``, of their logarithms ``(chunk, B)``."""
    total = np.float64(-np.inf)
    for of_chunk in chunks:
        weights = as_numpy(of_chunk).astype(np.float64)
        top = weights.max(axis=0)
        with np.errstate(invalid="ignore"):  # an infinite weight, of which the caller tells
            total = np.logaddexp(total, top + np.log(np.exp(weights - top).sum(axis=0)))
        bar.update(weights.size)
    return np.asarray(total)


# declared by VAE, which cannot import what evaluates it
VAE.log_prob = log_prob
