"""The affine coupling of RealNVP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend.operators import Tensor
from ..networks import Activation
from .coupling import Coupling

LOG_SCALE_BOUND = 2.0
"""No step scales by more than exp of this, nor by less than exp of its negative."""


class AffineCoupling(Coupling):
    """x exp(s) + t for the half that moves, with s and t functions of the other half and the context; |s|
    stays below 2, by a tanh.

    Dinh, Sohl-Dickstein and Bengio 2017, equations 4 to 8.

    Parameters
    ----------
    latent_variable_size, hidden_sizes, act_type, context_size, flip : see :class:`Coupling`.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int],
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
    ) -> None:
        super().__init__(latent_variable_size, hidden_sizes, 2, act_type, context_size, flip)

    def move(self, F: Any, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = _affine(F, parameters)
        return x * F.exp(log_scale) + shift, log_scale

    def move_back(self, F: Any, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        log_scale, shift = _affine(F, parameters)
        return (y - shift) * F.exp(-log_scale), log_scale


def _affine(F: Any, parameters: Tensor) -> tuple[Tensor, Tensor]:
    scale, shift = F.split(parameters, num_outputs=2, axis=-1)
    return LOG_SCALE_BOUND * F.Activation(scale / LOG_SCALE_BOUND, act_type="tanh"), shift
