"""Householder flows."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from .base import TINY, ParametricFlow, dot


class Householder(ParametricFlow):
    """The reflection of z in the plane orthogonal to a vector v. Its log-determinant is 0.

    Tomczak and Welling 2016, equation 9. Several make any orthogonal map, and so turn a diagonal
    Gaussian into one with a full covariance.

    Parameters
    ----------
    latent_variable_size, context_size : see :class:`Flow`.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        super().__init__(latent_variable_size, context_size, {"normal": latent_variable_size})

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        (normal,) = self.parameters(z, *context)
        depth = F.broadcast_div(2 * dot(z, normal), F.maximum(dot(normal, normal), TINY))
        return F.broadcast_sub(z, F.broadcast_mul(depth, normal)), F.sum(F.zeros_like(z), axis=-1)

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = self(z, *context)
        return z, log_det
