"""Householder flows."""

from __future__ import annotations

from ..backend.types import Operators, Tensor
from .parametric import TINY, ParametricFlow, dot


class Householder(ParametricFlow):
    """Householder flow: reflection of z in the hyperplane orthogonal to a vector v. The log-determinant is 0.

    Every orthogonal map is a product of at most D reflections. A chain of them turns a Gaussian with diagonal
    covariance into one with full covariance.

    Tomczak and Welling 2016, equation 9.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    context_size : int, default 0
        C, the number of context features that v is a linear function of; 0 for a learned v.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        super().__init__(latent_variable_size, context_size, {"normal": latent_variable_size})

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        (normal,) = self.parameters(z, *context)
        depth = F.broadcast_div(2 * dot(z, normal), F.maximum(dot(normal, normal), TINY))
        return F.broadcast_sub(z, F.broadcast_mul(depth, normal)), F.sum(F.zeros_like(z), axis=-1)

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return self(z, *context)
