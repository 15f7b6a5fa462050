"""The coupling of neural spline flows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import checks
from ..backend.operators import Tensor, softplus, stop_gradient
from ..networks import Activation
from .base import TINY
from .coupling import Coupling

MIN_SIZE = MIN_SLOPE = 1e-3
"""Least width and height of a bin, as a share of all, and least slope at its ends."""


class Bins(NamedTuple):
    """Bins of a spline: all of them, ``(N, d, K)``, or the one that each value lies in, ``(N, d)``."""

    left: Tensor
    width: Tensor
    bottom: Tensor
    height: Tensor
    slope_left: Tensor
    slope_right: Tensor


class SplineCoupling(Coupling):
    """A monotone rational-quadratic spline on [-B, B], the identity outside, for each value of the half that
    moves; its bins and its slopes between them are functions of the other half and the context.

    Durkan, Bekasov, Murray and Papamakarios 2019, equations 4 to 8.

    Parameters
    ----------
    latent_variable_size, hidden_sizes, act_type, context_size, flip : see :class:`Coupling`.
    bins : K.
    limit : B.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int],
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
        bins: int = 8,
        limit: float = 5.0,
    ) -> None:
        self.bins = checks.positive_int("bins", bins)
        if self.bins < 2:
            raise ValueError("one bin from corner to corner is the identity: bins must be 2 or more, got 1")
        if self.bins * MIN_SIZE >= 1:
            raise ValueError(f"bins must be fewer than {1 / MIN_SIZE:g}, the least size of each, got {bins}")
        if not 0 < limit < math.inf:
            raise ValueError(f"limit must be a positive number, got {limit}")
        self.limit = float(limit)
        super().__init__(latent_variable_size, hidden_sizes, 3 * self.bins - 1, act_type, context_size, flip)

    def move(self, F: Any, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        return self._evaluate(F, x, self._all_bins(F, parameters))

    def move_back(self, F: Any, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        bins = self._all_bins(F, parameters)
        fixed_y, fixed_bins = stop_gradient(y), Bins(*(stop_gradient(of_all) for of_all in bins))
        x = self._newton(F, self._solve(F, fixed_y, fixed_bins), fixed_y, fixed_bins)
        # a last step of Newton's has the gradient of the implicit function
        x = self._newton(F, stop_gradient(x), y, bins)
        return x, self._evaluate(F, x, bins)[1]

    def _newton(self, F: Any, x: Tensor, y: Tensor, bins: Bins) -> Tensor:
        value, log_slope = self._evaluate(F, x, bins)
        return x - (value - y) * stop_gradient(F.exp(-log_slope))

    def _all_bins(self, F: Any, parameters: Tensor) -> Bins:
        # (N, d, 3K - 1), the N of all leading axes
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

    def _edges(self, F: Any, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Where each bin begins, and its size: all sizes together are 2B."""
        sizes = (F.softmax(logits, axis=-1) * (1 - self.bins * MIN_SIZE) + MIN_SIZE) * (2 * self.limit)
        return F.cumsum(sizes, axis=2) - sizes - self.limit, sizes

    def _evaluate(self, F: Any, x: Tensor, bins: Bins) -> tuple[Tensor, Tensor]:
        """The spline and the logarithm of its slope. Beyond the limits it goes on by as much as x, from
        an end at which value and slope depend on no parameter."""
        flat = F.reshape(x, shape=(-1, self.moving))
        inside = F.clip(flat, -self.limit, self.limit)
        at = _bins_of(F, inside, bins, bins.left)
        share = (inside - at.left) / at.width
        steep = at.height / at.width
        product = share * (1 - share)
        # sums of positive terms
        denominator = steep * (1 - 2 * product) + (at.slope_left + at.slope_right) * product
        numerator = steep * F.square(share) + at.slope_left * product
        slope = at.slope_right * F.square(share) + 2 * steep * product + at.slope_left * F.square(1 - share)
        log_slope = F.log(slope) + 2 * F.log(steep / denominator)
        value = at.bottom + at.height * numerator / denominator + (flat - inside)
        return F.reshape_like(value, x), F.reshape_like(log_slope, x)

    def _solve(self, F: Any, y: Tensor, bins: Bins) -> Tensor:
        """The x at which the spline is y, to half its digits: the root of a quadratic in the share of the bin."""
        flat = F.reshape(y, shape=(-1, self.moving))
        inside = F.clip(flat, -self.limit, self.limit)
        at = _bins_of(F, inside, bins, bins.bottom)
        steep, above = at.height / at.width, inside - at.bottom
        bent = above * (at.slope_left + at.slope_right - 2 * steep)
        squared, linear = at.height * (steep - at.slope_left) + bent, at.height * at.slope_left - bent
        root = F.sqrt(F.relu(F.square(linear) + 4 * squared * steep * above))
        share = F.clip(2 * steep * above / F.maximum(linear + root, TINY), 0, 1)
        return F.reshape_like(at.left + share * at.width + (flat - inside), y)


def _bins_of(F: Any, values: Tensor, bins: Bins, edges: Tensor) -> Bins:
    """The bin of each of ``values``, ``(N, d)``, between ``edges``, ``(N, d, K)``."""
    place = F.sum(F.broadcast_greater_equal(F.expand_dims(values, axis=2), edges), axis=2) - 1
    return Bins(*(F.pick(of_all, place, axis=2) for of_all in bins))
