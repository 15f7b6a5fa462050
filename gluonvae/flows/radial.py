"""Radial flows."""

from __future__ import annotations

from ..backend.operators import softplus
from ..backend.types import Operators, Tensor
from .parametric import TINY, ParametricFlow, dot

MIN_RADIUS = 1e-3
"""Lower bound of α and m."""


class Radial(ParametricFlow):
    """Radial flow: changes the distance r of z from a centre z0 to r (r + m) / (r + α).

    This is the flow of the paper with β = m - α. α and m are positive, by a softplus, and the flow is the
    identity where they are equal. Both start near D, about the squared distance of a standard normal z from
    its mean: with smaller initial values the first steps of an optimizer would stretch all D variables too
    much. The inverse is the root of a quadratic.

    Rezende and Mohamed 2015, equation 14 and appendix A.2.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    context_size : int, default 0
        C, the number of context features that z0 and the arguments of the softplus are linear functions of; 0
        for learned ones.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        sizes = {"centre": latent_variable_size, "alpha": 1, "beta": 1}
        super().__init__(latent_variable_size, context_size, sizes, small=("alpha", "beta"))

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        centre, away, distance, alpha, m = self._polar(F, z, *context)
        scale, log_det = self._scale(F, distance, alpha, m)
        return F.broadcast_add(centre, F.broadcast_mul(away, scale)), log_det

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        centre, away, distance, alpha, m = self._polar(F, z, *context)
        scale, log_det = self._scale(F, _root(F, distance, alpha, m), alpha, m)
        return F.broadcast_add(centre, F.broadcast_div(away, scale)), log_det

    def _polar(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, ...]:
        """Return z0, z - z0 and its length, ``(..., 1)``, α and m."""
        centre, *raw = self.parameters(z, *context)
        away = F.broadcast_sub(z, centre)
        distance = F.sqrt(F.maximum(dot(away, away), TINY))
        return centre, away, distance, *(softplus(size + self.latent_variable_size) + MIN_RADIUS for size in raw)

    def _scale(self, F: Operators, r: Tensor, alpha: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
        """Return the factor (r + m) / (r + α), ``(..., 1)``, and the log-determinant, ``(...)``."""
        denominator = F.broadcast_add(r, alpha)
        scale = F.broadcast_add(r, m) / denominator
        # d(r scale)/dr as a sum of positive terms, which does not cancel
        numerator = F.broadcast_add(F.square(r), F.broadcast_mul(alpha, m)) + 2 * F.broadcast_mul(r, alpha)
        slope = numerator / F.square(denominator)
        log_det = (self.latent_variable_size - 1) * F.log(scale) + F.log(slope)
        return scale, F.squeeze(log_det, axis=-1)


def _root(F: Operators, moved: Tensor, alpha: Tensor, m: Tensor) -> Tensor:
    """Solve r (r + m) = moved (r + alpha) for r >= 0, by the form of the root that does not cancel."""
    linear = F.broadcast_sub(m, moved)
    product = F.broadcast_mul(moved, alpha)
    larger = F.abs(linear) + F.sqrt(F.square(linear) + 4 * product)
    return F.where(linear > 0, 2 * product / larger, 0.5 * larger)
