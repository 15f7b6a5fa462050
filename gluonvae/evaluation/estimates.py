"""Bounds and other estimates on data that a model has not seen."""

from __future__ import annotations

import functools
from typing import Any, Callable, NamedTuple, TypeVar, cast

import numpy as np

from ..backend.operators import as_numpy
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..batches import Data, batches, dataset_for
from ..data import Stream, hide_labels
from ..models import VAE, SemiSupervisedVAE
from ..noise import NoiseSource
from ..objectives import Objective
from ..objectives.elbo import check_kl_not_replaced
from ..objectives.layered_kl import kl_of_layers, layers_of
from .finite import check_finite, check_parameters

Function = TypeVar("Function", bound=Callable[..., Any])


def in_predict_mode(function: Function) -> Function:
    """Wrap a function to run in prediction mode and unrecorded, also where its caller trains or records.

    Batch norm, dropout and codebooks then do what they do in a trained model, and nothing in it is changed.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with mx.autograd.pause():
            return function(*args, **kwargs)

    return cast(Function, run)


class Estimate(NamedTuple):
    """Means over a data set, in nats per data point."""

    bound: float
    log_likelihood: float
    kl: float
    standard_error: float
    """Standard error of ``bound``."""


def as_unlabelled(vae: VAE, data: Data) -> Data:
    """Return data of which the bound of any model is one on log p(x): a :class:`SemiSupervisedVAE` sees no labels.

    With its labels, its bound is on log p(x, y), which is lower by log Y where the labels tell nothing of the data.
    """
    return hide_labels(data) if isinstance(vae, SemiSupervisedVAE) else data


@in_predict_mode
def evaluate(bound: Objective, data: Any, batch_size: int = 500, seed: int = 0) -> Estimate:
    """Estimate the bound and its two terms.

    Of a :class:`gluonvae.SemiSupervisedVAE` it is the bound on log p(x, y) of data points whose label is known, and
    on log p(x) of the others: :func:`gluonvae.data.hide_labels` makes it that of log p(x) for all.

    Parameters
    ----------
    bound : Objective
        The bound, over its model.
    data : Dataset or array, or batches
        Data points ``(N, X)`` in any form that :func:`gluonvae.batches.dataset_for` takes, with labels for a model that
        takes them.
    batch_size : int
    seed : int
        Seed of noise and dynamic pixels: the result is the same for the same parameters, and leaves no trace in
        what is drawn later.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError, TypeError
        As :func:`gluonvae.fit` does.
    FloatingPointError
        Where a term of a data point is not finite, with its row.
    """
    vae, rows, source = bound.vae, [], NoiseSource(seed)
    for number, (data_batch, label) in enumerate(batches(vae, dataset_for(vae, data), batch_size, source)):
        computed = bound.terms(data_batch, bound.draw_noise(len(data_batch), source), label, validated=True)
        rows.append(np.stack([as_numpy(term) for term in computed[1:]]))
        of_bound, log_likelihood, kl = rows[-1]
        terms = {"log-likelihood": log_likelihood, "KL": kl, "bound": of_bound}
        check_finite(vae, data_batch, number * batch_size, terms)
    values = np.concatenate(rows, axis=1).astype(np.float64)
    bound_mean, log_likelihood_mean, kl_mean = (float(mean) for mean in values.mean(axis=1))
    return Estimate(bound_mean, log_likelihood_mean, kl_mean, standard_error(values[0]))


@in_predict_mode
def kl_by_layer(vae: VAE, data: Any, batch_size: int = 500, seed: int = 0) -> np.ndarray:
    """Estimate the KL divergence of each layer of latent variables.

    It is the mean over the data of E_q[log q(z_l | its layer before, x) - log p(z_l | z_{l+1})], from one latent
    state a data point. One may be negative, where posterior and prior are not drawn in the same order.

    Parameters
    ----------
    vae : VAE
        A model with layers.
    data, batch_size, seed
        See :func:`evaluate`.

    Returns
    -------
    numpy.ndarray
        ``(L,)``, z_1's first, in nats. Their sum is the KL of ``evaluate(ELBO(vae), data)``.

    Raises
    ------
    ValueError
        For a model without layers or with another KL, a :class:`SemiSupervisedVAE`.
    FloatingPointError
        As :func:`evaluate`.
    """
    if layers_of(vae) == 1:
        raise ValueError(
            "the KL by layer is of a model with layers of latent variables: a HierarchicalPrior, with a "
            f"HierarchicalInferenceNetwork or a LadderInferenceNetwork, not {type(vae.prior).__name__} and "
            f"{type(vae.inference_net).__name__}"
        )
    check_kl_not_replaced(vae, "kl_by_layer")
    rows, source, spec = [], NoiseSource(seed), vae.inference_net.noise
    for number, batch in enumerate(batches(vae, dataset_for(vae, data), batch_size, source)):
        noise = vae.draw_noise(spec, len(batch.data), source=source)
        _, of_layers = kl_of_layers(vae.posterior(*batch.inputs), vae.prior_distribution(*batch.inputs), noise)
        rows.append(np.stack([as_numpy(kl) for kl in of_layers]))
        check_finite(vae, batch.data, number * batch_size, {"KL of a layer": rows[-1]})
    return np.concatenate(rows, axis=1).mean(axis=1, dtype=np.float64)


def named_kl_by_layer(vae: VAE, data: Data) -> dict[str, float]:
    """Return :func:`kl_by_layer` as "kl_1", "kl_2", ...; nothing for a model that has none."""
    values = kl_by_layer(vae, data) if layers_of(vae) > 1 and not vae.kl_is_replaced else ()
    return {f"kl_{layer}": float(value) for layer, value in enumerate(values, 1)}


def accuracy(vae: SemiSupervisedVAE, data: Any, batch_size: int = 500, seed: int = 0) -> float:
    """Return the share of labelled images whose most probable class is their label.

    Parameters
    ----------
    vae : SemiSupervisedVAE
    data, batch_size, seed
        See :func:`evaluate`.

    Raises
    ------
    TypeError
        For a model without a classifier.
    ValueError
        For data without a label.
    FloatingPointError
        Where a parameter of the model is not finite.
    """
    if not isinstance(vae, SemiSupervisedVAE):
        raise TypeError(f"accuracy is of a SemiSupervisedVAE's classes, got {type(vae).__name__}")
    right, known = _classified(vae, data, batch_size, seed)
    if not known:
        raise ValueError("no image in data has a label: all are -1")
    return right / known


@in_predict_mode
def _classified(vae: SemiSupervisedVAE, data: Any, batch_size: int = 500, seed: int = 0) -> tuple[int, int]:
    """How many labelled images are classified as their label, and how many there are."""
    check_parameters(vae)
    right = known = 0
    for batch, label in batches(vae, dataset_for(vae, data).drawn_once(seed), batch_size):
        # (B, Y), zeros where it is missing
        rows = as_numpy(cast(Tensor, label))
        has_label = rows.any(axis=1)
        found = as_numpy(vae.classify(batch)).argmax(axis=1) == rows.argmax(axis=1)
        right, known = right + int(found[has_label].sum()), known + int(has_label.sum())
    return right, known


def named_accuracy(vae: VAE, data: Data) -> dict[str, float]:
    """Return :func:`accuracy` as "accuracy"; nothing for a model without a classifier, or data without a label."""
    if not isinstance(vae, SemiSupervisedVAE) or not _has_labels(data):
        return {}
    right, known = _classified(vae, data)
    return {"accuracy": right / known} if known else {}


def _has_labels(data: Data) -> bool:
    return data.has_labels if isinstance(data, Stream) else data.labels is not None and data.labels.ndim == 1


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of the mean of ``values``; NaN for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
