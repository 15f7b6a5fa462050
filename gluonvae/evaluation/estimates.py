"""Bounds and other estimates on data that a model has not seen."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple, Optional, TypeVar, cast

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.pieces import blocks, rows_that_fit
from ..backend.runtime import mx
from ..backend.types import Structure, Tensor
from ..batches import Batch, Data, batches, dataset_for, shared_batches
from ..data import Stream, hide_labels
from ..distributed.joining import ALONE, current
from ..distributed.sharing import WHOLE, Share, Within, rows_of
from ..models import VAE, SemiSupervisedVAE
from ..noise import NoiseSource, PartOfNoise, total_size
from ..objectives import Objective
from ..objectives.elbo import check_kl_not_replaced
from ..objectives.layered_kl import kl_of_layers, layers_of
from .finite import check_finite, check_parameters
from .together import check_same_data, of_all_rows

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


READ_AT_ONCE = 2**22
"""How many values of data, and of noise, are read and drawn at once: 16 MB of float32."""


def in_parts(
    vae: VAE,
    data: Data,
    spec: Structure,
    samples: int,
    batch_size: int,
    seed: int,
    rows: Optional[int],
    share: Share = WHOLE,
) -> Iterator[tuple[int, Batch, Structure]]:
    """Yield all data points with noise, in parts that fit into memory.

    Parameters
    ----------
    vae : VAE
    data : Dataset or Stream
        As :func:`gluonvae.batches.dataset_for` returns it.
    batch_size, seed, rows
        See :func:`gluonvae.evaluate`.
    spec : NoiseSpec or named tuple of NoiseSpec
    samples : int
        k.
    share : Share
        Of which the parts are. The noise of a data point does not depend on it.

    Yields
    ------
    start : int
        Where the part begins in the data.
    batch : Batch
    noise : Structure
        ``(B, size)`` or ``(k, B, size)`` each: the same for a data point, whatever the parts.
    """
    read = max(1, READ_AT_ONCE // max(vae.data_dims, samples * total_size(spec)))
    at_once = max(1, min(rows_that_fit(vae.floats_per_row), rows_that_fit(vae.floats_per_sample) // samples))
    at_once = at_once if rows is None else min(at_once, checks.positive_int("rows", rows))
    source, start = NoiseSource(seed), 0
    batch_size = min(checks.positive_int("batch_size", batch_size), read)
    for batch, of_batch in shared_batches(vae, data, batch_size, source, share):
        own = share.part(len(of_batch))
        of_own = source if share == WHOLE or batch is None else PartOfNoise(source, Within(len(of_batch), own))
        noise = vae.draw_noise(spec, len(of_batch), samples, of_own)
        if batch is not None:
            for (part,) in blocks((len(batch.data),), at_once):
                label = None if batch.label is None else batch.label[part]
                yield start + own.start + part.start, Batch(batch.data[part], label), rows_of(noise, part)
        start += len(of_batch)


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
def evaluate(
    bound: Objective, data: Any, batch_size: int = 500, seed: int = 0, *, rows: Optional[int] = None
) -> Estimate:
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
        How many data points are read at once, and get their noise; fewer where they would take much memory.
    seed : int
        Seed of noise and dynamic pixels: the result is the same for the same parameters, and leaves no trace in
        what is drawn later.
    rows : int, optional
        The most data points that are computed at once, and never more than fit into memory. The result is the same, to
        rounding, whatever it is; :func:`gluonvae.fit` takes the size of its batches.

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
    vae, group, data = bound.vae, current(), dataset_for(bound.vae, data)
    check_same_data(data)
    share = group.share if bound.of_single_rows else WHOLE

    def pieces() -> Iterator[tuple[int, np.ndarray]]:
        parts = in_parts(vae, data, bound.noise, bound.samples, batch_size, seed, rows, share)
        for start, (data_batch, label), noise in parts:
            computed = bound.terms(data_batch, noise, label, validated=True)
            terms = np.stack([as_numpy(term) for term in computed[1:]])
            of_bound, log_likelihood, kl = terms
            check_finite(vae, data_batch, start, {"log-likelihood": log_likelihood, "KL": kl, "bound": of_bound})
            yield start, terms

    values = of_all_rows(group if share.size > 1 else ALONE, 3, pieces())
    bound_mean, log_likelihood_mean, kl_mean = (float(mean) for mean in values.mean(axis=1))
    return Estimate(bound_mean, log_likelihood_mean, kl_mean, standard_error(values[0]))


@in_predict_mode
def kl_by_layer(vae: VAE, data: Any, batch_size: int = 500, seed: int = 0, *, rows: Optional[int] = None) -> np.ndarray:
    """Estimate the KL divergence of each layer of latent variables.

    It is the mean over the data of E_q[log q(z_l | its layer before, x) - log p(z_l | z_{l+1})], from one latent
    state a data point. One may be negative, where posterior and prior are not drawn in the same order.

    Parameters
    ----------
    vae : VAE
        A model with layers.
    data, batch_size, seed, rows
        See :func:`gluonvae.evaluate`.

    Returns
    -------
    numpy.ndarray
        ``(L,)``, z_1's first, in nats. Their sum is the KL of ``evaluate(ELBO(vae), data)``.

    Raises
    ------
    ValueError
        For a model without layers or with another KL, a :class:`SemiSupervisedVAE`.
    FloatingPointError
        As :func:`gluonvae.evaluate`.
    """
    if layers_of(vae) == 1:
        raise ValueError(
            "the KL by layer is of a model with layers of latent variables: a HierarchicalPrior, with a "
            f"HierarchicalInferenceNetwork or a LadderInferenceNetwork, not {type(vae.prior).__name__} and "
            f"{type(vae.inference_net).__name__}"
        )
    check_kl_not_replaced(vae, "kl_by_layer")
    group, data = current(), dataset_for(vae, data)
    check_same_data(data)

    def pieces() -> Iterator[tuple[int, np.ndarray]]:
        parts = in_parts(vae, data, vae.inference_net.noise, 1, batch_size, seed, rows, group.share)
        for start, batch, noise in parts:
            _, of_layers = kl_of_layers(vae.posterior(*batch.inputs), vae.prior_distribution(*batch.inputs), noise)
            values = np.stack([as_numpy(kl) for kl in of_layers])
            check_finite(vae, batch.data, start, {"KL of a layer": values})
            yield start, values

    return of_all_rows(group, layers_of(vae), pieces()).mean(axis=1)


def named_kl_by_layer(vae: VAE, data: Data, rows: Optional[int] = None) -> dict[str, float]:
    """Return :func:`kl_by_layer` as "kl_1", "kl_2", ...; nothing for a model that has none."""
    values = kl_by_layer(vae, data, rows=rows) if layers_of(vae) > 1 and not vae.kl_is_replaced else ()
    return {f"kl_{layer}": float(value) for layer, value in enumerate(values, 1)}


def accuracy(vae: SemiSupervisedVAE, data: Any, batch_size: int = 500, seed: int = 0) -> float:
    """Return the share of labelled images whose most probable class is their label.

    Parameters
    ----------
    vae : SemiSupervisedVAE
    data, batch_size, seed
        See :func:`gluonvae.evaluate`.

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
    batch_size = min(checks.positive_int("batch_size", batch_size), rows_that_fit(vae.floats_per_row))
    for batch, label in batches(vae, dataset_for(vae, data).drawn_once(seed), batch_size):
        # (B, Y), zeros where it is missing
        rows = as_numpy(cast(Tensor, label))
        has_label = rows.any(axis=1)
        found = as_numpy(vae.classify(batch)).argmax(axis=1) == rows.argmax(axis=1)
        right, known = right + int(found[has_label].sum()), known + int(has_label.sum())
    return right, known


def named_accuracy(vae: VAE, data: Data, rows: Optional[int] = None) -> dict[str, float]:
    """Return :func:`accuracy` as "accuracy"; nothing for a model without a classifier, or data without a label."""
    if not isinstance(vae, SemiSupervisedVAE) or not _has_labels(data):
        return {}
    right, known = _classified(vae, data, rows or 500)
    return {"accuracy": right / known} if known else {}


def _has_labels(data: Data) -> bool:
    return data.has_labels if isinstance(data, Stream) else data.labels is not None and data.labels.ndim == 1


def standard_error(values: np.ndarray) -> float:
    """Return the standard error of the mean of ``values``; NaN for a single one."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
