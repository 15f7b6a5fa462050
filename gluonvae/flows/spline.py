"""The coupling of neural spline flows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .. import checks
from ..backend.operators import clip, cumsum, softplus, stop_gradient
from ..backend.types import Operators, Tensor
from ..networks import Activation
from .coupling import Coupling
from .parametric import TINY

MIN_SIZE = MIN_SLOPE = 1e-3
"""Lower bounds of the width and height of a bin, as fractions of the interval, and of the slopes at its ends."""


class Bins(NamedTuple):
    """Bins of a spline: all of them, ``(N, d, K)`` each, or the one of each value, ``(N, d)`` each."""

    left: Tensor
    width: Tensor
    bottom: Tensor
    height: Tensor
    slope_left: Tensor
    slope_right: Tensor


class SplineCoupling(Coupling):
    """Neural spline coupling layer: one half of the vector is mapped by monotone rational-quadratic splines.

    Each value has a spline on [-B, B] of its own, continued by the identity. Bins and slopes are functions of
    the other half and of the context.

    Durkan, Bekasov, Murray and Papamakarios 2019, equations 4 to 8.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector, at least 2.
    hidden_sizes : Sequence[int], default (100,)
        Widths of the hidden layers of the network that computes the splines.
    act_type : str or callable, default "tanh"
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int, default 0
        C, the number of context features; 0 for an unconditional flow.
    flip : bool, default False
        Transform the first half instead of the second.
    bins : int, default 8
        K, the number of bins of a spline, from 2 to 999.
    limit : float, default 5.0
        B, the end of the interval.

    Raises
    ------
    ValueError
        If ``latent_variable_size`` is below 2, ``bins`` is out of range or ``limit`` is not positive.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int] = (100,),
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
        bins: int = 8,
        limit: float = 5.0,
    ) -> None:
        bins = checks.positive_int("bins", bins)
        if bins < 2:
            raise ValueError("one bin from corner to corner is the identity: bins must be 2 or more, got 1")
        if bins * MIN_SIZE >= 1:
            raise ValueError(f"bins must be fewer than {1 / MIN_SIZE:g}, the least size of each, got {bins}")
        if not 0 < limit < math.inf:
            raise ValueError(f"limit must be a positive number, got {limit}")
        super().__init__(latent_variable_size, hidden_sizes, act_type, context_size, flip, 3 * bins - 1)
        self.bins, self.limit = bins, float(limit)

    def move(self, F: Operators, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return self._evaluate(F, x, self._all_bins(F, parameters))

    def move_back(self, F: Operators, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        bins = self._all_bins(F, parameters)
        fixed_y, fixed_bins = stop_gradient(y), Bins(*(stop_gradient(of_all) for of_all in bins))
        x = self._newton(F, self._solve(F, fixed_y, fixed_bins), fixed_y, fixed_bins)
        # differentiating one more step gives the gradient of the implicit function
        x = self._newton(F, stop_gradient(x), y, bins)
        return x, self._evaluate(F, x, bins)[1]

    def _newton(self, F: Operators, x: Tensor, y: Tensor, bins: Bins) -> Tensor:
        """Take one step of Newton's method towards the x that the spline maps to y."""
        value, log_slope = self._evaluate(F, x, bins)
        return x - (value - y) * stop_gradient(F.exp(-log_slope))

    def _all_bins(self, F: Operators, parameters: Tensor) -> Bins:
        """Return the bins of all splines, ``(N, d, K)``, from the output of the network."""
        # (N, d, 3K - 1), with all leading axes in N
        parameters = F.reshape(parameters, shape=(-1, self.moving, 3 * self.bins - 1))
        widths, heights, slopes = (
            F.slice_axis(parameters, axis=2, begin=begin, end=end)
            for begin, end in ((0, self.bins), (self.bins, 2 * self.bins), (2 * self.bins, None))
        )
        slopes = softplus(slopes + math.log(math.expm1(1 - MIN_SLOPE))) + MIN_SLOPE
        one = F.ones_like(F.slice_axis(widths, axis=2, begin=0, end=1))
        return Bins(
            *self._edges(F, widths),
            *self._edges(F, heights),
            F.concat(one, slopes, dim=2),
            F.concat(slopes, one, dim=2),
        )

    def _edges(self, F: Operators, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lower edge and the size of each bin; the sizes add up to 2B."""
        sizes = (F.softmax(logits, axis=-1) * (1 - self.bins * MIN_SIZE) + MIN_SIZE) * (2 * self.limit)
        return cumsum(sizes, axis=2) - sizes - self.limit, sizes

    def _evaluate(self, F: Operators, x: Tensor, bins: Bins) -> tuple[Tensor, Tensor]:
        """Return the spline at x and the logarithm of its slope, each of the shape of x.

        Beyond the limits x is clipped for the spline and the excess added: value and slope at the ends do not
        depend on the parameters.
        """
        at, inside, beyond = self._locate(F, x, bins, bins.left)
        share = (inside - at.left) / at.width
        steep = at.height / at.width
        product = share * (1 - share)
        # sums of positive terms, which do not cancel
        denominator = steep * (1 - 2 * product) + (at.slope_left + at.slope_right) * product
        numerator = steep * F.square(share) + at.slope_left * product
        slope = at.slope_right * F.square(share) + 2 * steep * product + at.slope_left * F.square(1 - share)
        log_slope = F.log(slope) + 2 * F.log(steep / denominator)
        value = at.bottom + at.height * numerator / denominator + beyond
        return F.reshape_like(value, x), F.reshape_like(log_slope, x)

    def _solve(self, F: Operators, y: Tensor, bins: Bins) -> Tensor:
        """Return the x that the spline maps to y, to half of its digits, as the root of a quadratic."""
        at, inside, beyond = self._locate(F, y, bins, bins.bottom)
        steep, above = at.height / at.width, inside - at.bottom
        bent = above * (at.slope_left + at.slope_right - 2 * steep)
        squared, linear = at.height * (steep - at.slope_left) + bent, at.height * at.slope_left - bent
        root = F.sqrt(F.relu(F.square(linear) + 4 * squared * steep * above))
        share = clip(2 * steep * above / F.maximum(linear + root, TINY), 0, 1)
        return F.reshape_like(at.left + share * at.width + beyond, y)

    def _locate(self, F: Operators, values: Tensor, bins: Bins, edges: Tensor) -> tuple[Bins, Tensor, Tensor]:
        """Return the bin of each value, the value clipped to the limits, and what clipping took off, ``(N, d)`` each.

        ``edges`` are the lower edges of the bins, ``(N, d, K)``.
        """
        flat = F.reshape(values, shape=(-1, self.moving))
        inside = clip(flat, -self.limit, self.limit)
        place = F.sum(F.broadcast_greater_equal(F.expand_dims(inside, axis=2), edges), axis=2) - 1
        return Bins(*(F.pick(of_all, place, axis=2) for of_all in bins)), inside, flat - inside
