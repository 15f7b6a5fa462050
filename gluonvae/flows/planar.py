"""Planar flows."""

from __future__ import annotations

import math

from ..backend.operators import namespace, softplus, stop_gradient, sum_last
from ..backend.types import Operators, Tensor
from .parametric import TINY, ParametricFlow, dot

MIN_SLOPE = 1e-3
"""Lower bound of the slope of the map along w."""

NEWTON_STEPS = 16
"""Iterations of Newton's method: enough for float64 precision, even at a slope of MIN_SLOPE."""


class Planar(ParametricFlow):
    """Planar flow: z + û tanh(w'z + b), where û is u with its component along w constrained for invertibility.

    Unlike in the paper, the softplus of the constraint is shifted so that û = 0 where u = 0: the flow starts
    close to the identity. The inverse has no closed form and is found by Newton's method in one unknown.

    Rezende and Mohamed 2015, equation 10 and appendix A.1.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    context_size : int, default 0
        C, the number of context features that u, w and b are linear functions of; 0 for learned ones.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        sizes = {"direction": latent_variable_size, "normal": latent_variable_size, "offset": 1}
        super().__init__(latent_variable_size, context_size, sizes, small=("direction", "offset"))

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        direction, normal, offset, along = self._invertible(F, z, *context)
        return _ridge(F, z, direction, along, F.broadcast_add(dot(z, normal), offset), 1)

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        direction, normal, offset, along = self._invertible(F, z, *context)
        height = solve(along, F.broadcast_add(dot(z, normal), offset))
        return _ridge(F, z, direction, along, height, -1)

    def _invertible(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, ...]:
        """Return û, w, b, and w'û, which is above -1."""
        direction, normal, offset = self.parameters(z, *context)
        free = dot(direction, normal)
        along = softplus(free + math.log(math.expm1(1 - MIN_SLOPE))) - (1 - MIN_SLOPE)
        change = F.broadcast_div(along - free, F.maximum(dot(normal, normal), TINY))
        return F.broadcast_add(direction, F.broadcast_mul(normal, change)), normal, offset, along


def _ridge(
    F: Operators, z: Tensor, direction: Tensor, along: Tensor, height: Tensor, sign: int
) -> tuple[Tensor, Tensor]:
    """Return z ± û tanh(height) and the log-determinant of the flow where w'z + b is ``height``."""
    bend = F.Activation(height, act_type="tanh")
    log_det = sum_last(F.log(_slope(F, along, bend)))
    return F.broadcast_add(z, sign * F.broadcast_mul(direction, bend)), log_det


def _slope(F: Operators, along: Tensor, bend: Tensor) -> Tensor:
    """Return the derivative of h + along tanh(h), where ``bend`` is tanh(h)."""
    return F.broadcast_mul(along, 1 - F.square(bend)) + 1


def solve(along: Tensor, target: Tensor) -> Tensor:
    """Solve h + along tanh(h) = target for h by Newton's method.

    The function is odd and increasing, and above 0 it is concave or convex: all iterates from
    max(abs(target) - along, 0) are on one side of the solution. Only the last iteration is differentiated,
    which gives the gradient of the implicit function.

    Parameters
    ----------
    along : Tensor
        ``(..., 1)``, above -1.
    target : Tensor
        ``(..., 1)``, of the broadcast shape.

    Returns
    -------
    Tensor
        h, of the shape of ``target``.
    """
    F = namespace(target)
    fixed_along, fixed_target = stop_gradient(along), stop_gradient(target)
    height = F.sign(fixed_target) * F.relu(F.broadcast_sub(F.abs(fixed_target), fixed_along))
    for _ in range(NEWTON_STEPS):
        height = stop_gradient(_newton(F, height, fixed_along, fixed_target))
    return _newton(F, height, along, target)


def _newton(F: Operators, height: Tensor, along: Tensor, target: Tensor) -> Tensor:
    """Take one step of Newton's method for :func:`solve`."""
    bend = F.Activation(height, act_type="tanh")
    excess = F.broadcast_add(height, F.broadcast_mul(along, bend)) - target
    return height - excess / stop_gradient(_slope(F, along, bend))
