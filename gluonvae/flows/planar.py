"""Planar flows."""

from __future__ import annotations

import math
from typing import Any

from ..backend.operators import Tensor, namespace, softplus, stop_gradient, sum_last
from .base import TINY, ParametricFlow, dot

MIN_SLOPE = 1e-3
"""Least slope of the map along w."""

NEWTON_STEPS = 16
"""Enough to the last digit of a float64, at a slope of MIN_SLOPE too."""


class Planar(ParametricFlow):
    """z + û tanh(w'z + b), where û is u with the part along w that keeps the map invertible.

    Rezende and Mohamed 2015, equation 10 and appendix A.1, but for a softplus that is shifted so that
    û = 0 where u = 0: there the flow is the identity, near which it starts. The inverse has no
    closed form; w'z solves an equation in one unknown.

    Parameters
    ----------
    latent_variable_size, context_size : see :class:`Flow`.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        sizes = {"direction": latent_variable_size, "normal": latent_variable_size, "offset": 1}
        super().__init__(latent_variable_size, context_size, sizes, small=("direction", "offset"))

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        direction, normal, offset, along = self._invertible(F, z, *context)
        return _ridge(F, z, direction, along, F.broadcast_add(dot(z, normal), offset), 1)

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        direction, normal, offset, along = self._invertible(F, z, *context)
        height = solve(along, F.broadcast_add(dot(z, normal), offset))
        return _ridge(F, z, direction, along, height, -1)

    def _invertible(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, ...]:
        """û, w, b, and w'û, which is above -1."""
        direction, normal, offset = self.parameters(z, *context)
        free = dot(direction, normal)
        along = softplus(free + math.log(math.expm1(1 - MIN_SLOPE))) - (1 - MIN_SLOPE)
        change = F.broadcast_div(along - free, F.maximum(dot(normal, normal), TINY))
        return F.broadcast_add(direction, F.broadcast_mul(normal, change)), normal, offset, along


def _ridge(F: Any, z: Tensor, direction: Tensor, along: Tensor, height: Tensor, sign: int) -> tuple[Tensor, Tensor]:
    """z moved by ± û tanh(height), and the log-determinant of the flow where its height is that."""
    bend = F.Activation(height, act_type="tanh")
    log_det = sum_last(F.log(_slope(F, along, bend)))
    return F.broadcast_add(z, sign * F.broadcast_mul(direction, bend)), log_det


def _slope(F: Any, along: Tensor, bend: Tensor) -> Tensor:
    return F.broadcast_mul(along, 1 - F.square(bend)) + 1


def solve(along: Tensor, target: Tensor) -> Tensor:
    """The height h at which h + along tanh(h) is ``target``, for ``along`` > -1.

    The function is odd, rises, and above 0 is concave or convex: Newton's steps from |target| - along,
    if that is above 0, or else from 0, all stay on one side of the solution. They carry no
    gradient, but for a last one, whose gradient is that of the implicit function.
    """
    F = namespace(target)
    fixed_along, fixed_target = stop_gradient(along), stop_gradient(target)
    height = F.sign(fixed_target) * F.relu(F.broadcast_sub(F.abs(fixed_target), fixed_along))
    for _ in range(NEWTON_STEPS):
        height = stop_gradient(_newton(F, height, fixed_along, fixed_target))
    return _newton(F, height, along, target)


def _newton(F: Any, height: Tensor, along: Tensor, target: Tensor) -> Tensor:
    bend = F.Activation(height, act_type="tanh")
    excess = F.broadcast_add(height, F.broadcast_mul(along, bend)) - target
    return height - excess / stop_gradient(_slope(F, along, bend))
