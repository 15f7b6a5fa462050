"""Latent states of data, and data of latent states: of NDArrays at once, of any other data in batches."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.pieces import blocks, in_pieces, rows_that_fit
from ..backend.processes import one_thread_at_a_time
from ..backend.runtime import mx
from ..backend.structures import map_structure
from ..backend.types import Structure, Tensor
from ..batches import Batch, Data, as_data, dataset_for, to_device
from ..data import Dataset, Stream, hide_labels
from ..models import VAE, Encoder, SemiSupervisedVAE
from ..models.coding import MEAN_SAMPLES, latent_labels
from ..models.vae import IMAGE_ARRAYS, image_of
from ..noise import NoiseSource, NoiseSpec
from .estimates import in_parts, in_predict_mode
from .finite import check_finite

NO_NOISE = NoiseSpec("none", 1)


def encode(
    vae: VAE,
    data: Any,
    samples: Optional[int] = None,
    *,
    label: Optional[Any] = None,
    noise: Optional[Structure] = None,
    mean_samples: int = MEAN_SAMPLES,
    batch_size: int = 500,
    seed: int = 0,
) -> Any:
    """Map data to latent states: to the means of q(z | x), or to draws from it.

    ``vae.encode(data)`` is this function. Latent states are as the posterior has them and :func:`decode` takes them:
    of layers of latent variables all, [z_1, ..., z_L]; of discrete codes the means are probabilities; of relaxed ones
    they are logits or logarithms; of a codebook the code vectors. Where a :class:`gluonvae.SemiSupervisedVAE` has no
    label, means and draws are those of q(z | x) over all classes.

    The mean has a closed form of Gaussian posteriors, also reflected ones, of discrete codes, binary relaxed ones and
    codebooks, ``vae.posterior_has_mean``. Else, through flows and layers of latent variables and of relaxed one-hot
    codes, it is estimated, as the mean of ``mean_samples`` draws.

    Parameters
    ----------
    vae : VAE
        The model.
    data : NDArray, or Dataset, array, table or batches
        An NDArray ``(B, X)`` in the dtype of the model is encoded at once, gradients are recorded where the caller
        does so, and the result is an NDArray. Any other form that :func:`gluonvae.batches.dataset_for` takes is encoded
        in batches, and the result is a NumPy array.
    samples : int, optional
        How many latent states to draw for each data point; left out, means are returned.
    label : optional
        The labels, in a model that takes them, see :class:`gluonvae.ConditionalVAE`, where ``data`` does not have them.
    noise : NDArray or named tuple of NDArray, optional
        With an NDArray, the noise of the draws, ``(samples, B, size)`` each, see ``vae.posterior_noise``.
    mean_samples : int
        Of how many draws a mean without a closed form is estimated.
    batch_size : int
        How many data points are read at once; fewer where they would take much memory.
    seed : int
        Seed of the noise and of dynamic pixels.

    Returns
    -------
    NDArray or numpy.ndarray
        ``(N, D)``, or draws ``(samples, N, D)``; NumPy arrays are float32.

    Raises
    ------
    ValueError, TypeError
        As :func:`gluonvae.fit` does, for data of another shape and the like.
    FloatingPointError
        Where a latent state of a data set is not finite, with the row of the data.
    """
    samples = None if samples is None else checks.positive_int("samples", samples)
    mean_samples = checks.positive_int("mean_samples", mean_samples)
    if isinstance(data, mx.nd.NDArray):
        return _encoded(vae, data, samples, label, noise, mean_samples, seed)
    if noise is not None:
        raise ValueError("noise is for data as an NDArray: other data get theirs from the seed")
    data = labelled(vae, data, label)
    return _encoded_in_batches(vae, dataset_for(vae, data).drawn_once(seed), samples, mean_samples, batch_size, seed)


@one_thread_at_a_time(lambda vae: vae)
def _encoded(
    vae: VAE,
    data: Tensor,
    samples: Optional[int],
    label: Optional[Any],
    noise: Optional[Structure],
    mean_samples: int,
    seed: int,
) -> Tensor:
    if samples is None and vae.posterior_has_mean:
        if noise is not None:
            raise ValueError("noise is of draws: the mean has a closed form; give samples, or leave noise out")
        vae.generator.check_data(data)
        return vae.posterior_mean(data, *vae.encode_label(label, len(data)))
    vae.generator.check_data(data)
    count, spec = samples or mean_samples, vae.posterior_noise
    if noise is None:
        noise = NoiseSource(seed).draw(spec, (count, len(data)), vae.context, vae.dtype)
    data, noise, labels = vae.validated(data, noise, label, spec)
    if samples is None:
        return vae.posterior_mean(data, *labels, noise=noise)
    return vae.posterior_sample(data, noise, *labels)


def labelled(vae: VAE, data: Any, label: Optional[Any]) -> Data:
    """Return data with the labels that were passed; for a semi-supervised model without any, they are missing."""
    if label is not None:
        if isinstance(data, (Dataset, Stream)):
            raise ValueError("label is for arrays: a Dataset and batches have labels of their own")
        return Dataset(data, binarization="none", labels=label, name="data")
    data = as_data("data", data)
    has_none = not data.has_labels if isinstance(data, Stream) else data.labels is None
    return hide_labels(data) if isinstance(vae, SemiSupervisedVAE) and has_none else data


def completed_label(vae: VAE, batch: Batch) -> Optional[Tensor]:
    """Return the labels of a batch, ``(B, Y)``; those that a semi-supervised model misses are the most probable."""
    if not isinstance(vae, SemiSupervisedVAE) or batch.label is None:
        return batch.label
    known, probable = as_numpy(batch.label), as_numpy(vae.classify(batch.data))
    classes = np.where(known.any(axis=1), known.argmax(axis=1), probable.argmax(axis=1))
    return to_device(vae, vae.label_rows(classes, len(classes)))


@in_predict_mode
def _encoded_in_batches(
    vae: VAE, data: Data, samples: Optional[int], mean_samples: int, batch_size: int, seed: int
) -> np.ndarray:
    encoder, parts = Encoder(vae, draws=samples is not None), []
    encoder.hybridize(static_alloc=True)
    drawn = samples or (mean_samples if encoder.takes_noise else 1)
    spec = encoder.noise if encoder.takes_noise else NO_NOISE
    for start, (batch, label), noise in in_parts(vae, data, spec, drawn, batch_size, seed, None):
        if drawn == 1:  # noise of one draw has no axis for it
            noise = _with_axis(noise)
        parts.append(as_numpy(encoder.computed(batch, noise, label)))
        check_finite(vae, batch, start, {"latent state": np.moveaxis(parts[-1], -1, 0)})
    return np.concatenate(parts, axis=-2).astype(np.float32, copy=False)


def _with_axis(noise: Structure) -> Structure:
    return map_structure(lambda leaf: leaf.expand_dims(axis=0), noise)


def decode(
    vae: VAE, latent_state: Any, image: str = "mean", *, label: Optional[Any] = None, batch_size: int = 500
) -> Any:
    """Map latent states to data: to the mean of p(x | z), its mode, or a draw from it.

    ``vae.decode(latent_state)`` is this function.

    Parameters
    ----------
    vae : VAE
        The model.
    latent_state : NDArray or array
        ``(B, D)`` or ``(k, B, D)``, as :func:`encode` returns them. Of an NDArray the result is an NDArray, and
        gradients are recorded where the caller does so; another array is decoded in batches to a NumPy array.
    image : {"mean", "mode", "sample"}
        What of p(x | z).
    label : optional
        The labels of B, in a model that takes them. A :class:`gluonvae.SemiSupervisedVAE` needs them as well.
    batch_size : int
        How many of B are computed at once; fewer where they would take much memory.

    Returns
    -------
    NDArray or numpy.ndarray
        ``(B, X)`` or ``(k, B, X)``; NumPy arrays are float32.

    Raises
    ------
    ValueError, TypeError
        For another shape, or a label that is missing or not taken.
    """
    if isinstance(latent_state, mx.nd.NDArray):
        labels = latent_labels(vae, latent_state, label)
        return _decoded(vae, latent_state, image, labels, batch_size)
    values = as_numpy(latent_state)
    checks.numeric("latent_state", values.dtype)
    values = values.astype(np.float32, copy=False)
    if values.ndim not in (2, 3) or values.shape[-1] != vae.latent_variable_size or not values.size:
        raise ValueError(f"latent_state must have shape (B, {vae.latent_variable_size}), got {values.shape}")
    checks.finite("latent_state", values)
    tensor = to_device(vae, values)
    decoded = _decoded_in_batches(vae, tensor, image, latent_labels(vae, tensor, label), batch_size)
    return as_numpy(decoded).astype(np.float32, copy=False)


@in_predict_mode
def _decoded_in_batches(
    vae: VAE, latent_state: Tensor, image: str, labels: tuple[Tensor, ...], batch_size: int
) -> Tensor:
    return _decoded(vae, latent_state, image, labels, batch_size)


@one_thread_at_a_time(lambda vae: vae)
def _decoded(vae: VAE, latent_state: Tensor, image: str, labels: tuple[Tensor, ...], batch_size: int) -> Tensor:
    leading = latent_state.shape[:-1]
    fit = rows_that_fit(IMAGE_ARRAYS * vae.generator.floats_per_sample)
    rows = min(fit, checks.positive_int("batch_size", batch_size))
    return in_pieces(
        lambda part: image_of(vae.likelihood(latent_state[part], *(of[part[-1]] for of in labels)), image),
        leading,
        blocks(leading, rows),
    )


# declared by VAE, which cannot import what reads data
VAE.encode = encode
VAE.decode = decode
