"""Radial flows."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor, softplus
from .base import TINY, ParametricFlow, dot

MIN_RADIUS = 1e-3
"""Least of the two lengths that a flow is made of."""


class Radial(ParametricFlow):
    """z moved towards a centre z0 or away from it: its distance r becomes r (r + m) / (r + α).

    Rezende and Mohamed 2015, equation 14 and appendix A.2, with β = m - α, and α and m, its
    softplus, positive; equal lengths α and m make the identity. The inverse is the root of a quadratic.
    Both lengths start near D, about the square of the distance of latent states from their mean: all D
    variables are stretched at once, and from short lengths an optimizer's steps stretch them too much.

    Parameters
    ----------
    latent_variable_size, context_size : see :class:`Flow`.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        sizes = {"centre": latent_variable_size, "alpha": 1, "beta": 1}
        super().__init__(latent_variable_size, context_size, sizes, small=("alpha", "beta"))

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        centre, alpha, m = self._lengths(z, *context)
        away = F.broadcast_sub(z, centre)
        r = _length(F, away)
        scale, log_det = self._scale(F, r, alpha, m)
        return F.broadcast_add(centre, F.broadcast_mul(away, scale)), log_det

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        centre, alpha, m = self._lengths(z, *context)
        away = F.broadcast_sub(z, centre)
        r = _root(F, _length(F, away), alpha, m)
        scale, log_det = self._scale(F, r, alpha, m)
        return F.broadcast_add(centre, F.broadcast_div(away, scale)), log_det

    def _lengths(self, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        centre, alpha, beta = self.parameters(z, *context)
        size = self.latent_variable_size
        return centre, softplus(alpha + size) + MIN_RADIUS, softplus(beta + size) + MIN_RADIUS

    def _scale(self, F: Any, r: Tensor, alpha: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
        """What the distance r is multiplied by, ``(..., 1)``, and the log-determinant, ``(...)``."""
        denominator = F.broadcast_add(r, alpha)
        scale = F.broadcast_add(r, m) / denominator
        # d(r scale)/dr, of positive terms alone
        slope = (F.broadcast_add(F.square(r), F.broadcast_mul(alpha, m)) + 2 * F.broadcast_mul(r, alpha)) / F.square(
            denominator
        )
        log_det = (self.latent_variable_size - 1) * F.log(scale) + F.log(slope)
        return scale, F.squeeze(log_det, axis=-1)


def _length(F: Any, x: Tensor) -> Tensor:
    return F.sqrt(F.maximum(dot(x, x), TINY))


def _root(F: Any, moved: Tensor, alpha: Tensor, m: Tensor) -> Tensor:
    """The r >= 0 with r (r + m) = moved (r + alpha), by whichever form of it subtracts nothing."""
    linear = F.broadcast_sub(m, moved)
    product = F.broadcast_mul(moved, alpha)
    larger = F.abs(linear) + F.sqrt(F.square(linear) + 4 * product)
    return F.where(linear > 0, 2 * product / larger, 0.5 * larger)
