"""Operators that are compiled regions, in the place of several of MXNet's.

They are used where :mod:`gluonvae.backend.regions.availability` says so. Elsewhere the callers use MXNet's operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .operators import is_symbol, namespace, stop_gradient
from .regions import bernoulli, normal, standard_normal
from .regions import dense as _dense
from .types import Tensor


class Layer(NamedTuple):
    """A dense layer of :func:`dense`."""

    weight: Tensor
    """``(units, in_units)``."""
    bias: Tensor
    """``(units,)``."""
    units: int
    activation: str
    """One of :data:`gluonvae.backend.regions.dense.ACTIVATIONS`."""


def dense(x: Tensor, layers: Sequence[Layer]) -> Tensor:
    """Apply dense layers one after another.

    Parameters
    ----------
    x : Tensor
        ``(..., in_units)``, float32.
    layers : Sequence[Layer]
        At least one.

    Returns
    -------
    Tensor
        ``(..., units)``, of the last layer.
    """
    tensors = [tensor for layer in layers for tensor in layer[:2]]
    units, activations = ",".join(str(layer.units) for layer in layers), ",".join(layer.activation for layer in layers)
    outputs = namespace(x).Custom(x, *tensors, op_type=_dense.NAME, units=units, activations=activations)
    return outputs[0] if len(layers) > 1 else outputs


def bernoulli_log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """Compute the log mass of a product of Bernoulli distributions.

    Parameters
    ----------
    logits : Tensor
        ``(..., B, X)``.
    value : Tensor
        Zeros and ones, ``(B, X)``. No gradient flows to them.

    Returns
    -------
    Tensor
        log p(value | logits), ``(..., B)``, in nats.

    Raises
    ------
    ValueError
        If the shape of ``value`` does not fit.
    """
    if not is_symbol(logits):
        wanted = logits.shape[max(0, logits.ndim - value.ndim) :]
        if value.shape != wanted:
            raise ValueError(f"value must have shape {wanted}, got {value.shape}")
    return namespace(logits).Custom(logits, stop_gradient(value), op_type=bernoulli.NAME)


def normal_sample(mean: Tensor, std: Tensor, noise: Tensor, second: str) -> tuple[Tensor, Tensor]:
    """Draw from diagonal Gaussians.

    Parameters
    ----------
    mean, std : Tensor
        ``(B, D)``, both.
    noise : Tensor
        ``(B, D)`` or ``(k, B, D)``.
    second : {"kl", "log_prob"}
        What is computed beside the draw.

    Returns
    -------
    draw : Tensor
        ``mean + std * noise``.
    second : Tensor
        KL(N(mean, std**2) || N(0, 1)), ``(B,)``, or the log density of the draw, ``(B,)`` or ``(k, B)``, in nats.
    """
    draw, of_draw = namespace(mean).Custom(mean, std, noise, op_type=normal.NAME, second=second)
    return draw, of_draw


def standard_normal_log_prob(value: Tensor) -> Tensor:
    """Compute the log density of standard normal variables.

    Parameters
    ----------
    value : Tensor
        ``(..., D)``.

    Returns
    -------
    Tensor
        ``(...)``, in nats.
    """
    return namespace(value).Custom(value, op_type=standard_normal.NAME)
