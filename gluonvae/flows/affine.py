"""The affine coupling of RealNVP."""

from __future__ import annotations

from ..backend.types import Operators, Tensor
from .coupling import Coupling

LOG_SCALE_BOUND = 2.0
"""Largest absolute value of the log-scale of one coupling."""


class AffineCoupling(Coupling):
    """Affine coupling layer: one half of the vector is mapped by x exp(s) + t.

    s and t are functions of the other half and of the context; a tanh keeps abs(s) below 2.

    Dinh, Sohl-Dickstein and Bengio 2017, equations 4 to 8.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector, at least 2.
    hidden_sizes : Sequence[int], default (100,)
        Widths of the hidden layers of the network that computes s and t.
    act_type : str or callable, default "tanh"
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int, default 0
        C, the number of context features; 0 for an unconditional flow.
    flip : bool, default False
        Transform the first half instead of the second.

    Raises
    ------
    ValueError
        If ``latent_variable_size`` is below 2.
    """

    def move(self, F: Operators, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = _affine(F, parameters)
        return x * F.exp(log_scale) + shift, log_scale

    def move_back(self, F: Operators, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = _affine(F, parameters)
        return (y - shift) * F.exp(-log_scale), log_scale


def _affine(F: Operators, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Return s and t, ``(..., d)`` each."""
    scale, shift = F.split(parameters, num_outputs=2, axis=-1)
    return LOG_SCALE_BOUND * F.Activation(scale / LOG_SCALE_BOUND, act_type="tanh"), shift
