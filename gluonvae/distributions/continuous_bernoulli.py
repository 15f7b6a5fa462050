"""Products of continuous Bernoullis: grey pixels between 0 and 1."""

from __future__ import annotations

from typing import Optional

from ..backend import log_probs
from ..backend.operators import clip, namespace, stop_gradient, sum_last
from ..backend.regions.availability import available
from ..backend.types import Tensor
from .base import Distribution
from .special import polynomial

_SERIES = (1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800, 1 / 479001600)
"""log(sinh(l / 2) / (l / 2)) is the sum of these times l**2, l**4, ...: to 5e-11 for |l| below 1."""
_SERIES_OF_SLOPE = tuple(2 * n * coefficient for n, coefficient in enumerate(_SERIES, start=1))
"""Its derivative is the sum of these times l, l**3, ..."""


class ContinuousBernoulli(Distribution):
    """Independent values in [0, 1] with a density proportional to exp(logit * value).

    Loaiza-Ganem and Cunningham 2019, equation 7, in terms of the logit l of their λ: the normaliser is
    l / (exp(l) - 1), and 1 at l = 0.

    Parameters
    ----------
    logits : Tensor
        ``(..., X)``.
    """

    noise_kind = "uniform"

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute the log density of values in [0, 1], to which no gradient flows.

        Parameters
        ----------
        value : Tensor
            ``(..., X)``.

        Returns
        -------
        Tensor
            ``(...)``, in nats.
        """
        if available() and log_probs.fit(self.logits, value):
            return log_probs.continuous_bernoulli(self.logits, value)
        F, (tilted, log_normaliser) = namespace(self.logits), self._log_density(value)
        # the normalisers are summed on their own, as they may have no axis of samples
        return F.broadcast_sub(sum_last(tilted), sum_last(log_normaliser))

    def component_log_prob(self, value: Tensor) -> Tensor:
        return namespace(self.logits).broadcast_sub(*self._log_density(value))

    def _log_density(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """Compute logit * (value - 1/2), and the logarithm of the normaliser that is subtracted."""
        F = namespace(self.logits)
        is_small, small, large = _ranges(self.logits)
        square = F.square(small)
        closed = 0.5 * large + F.log(-F.expm1(-large)) - F.log(large)
        # log(sinh(l / 2) / (l / 2)), the logarithm of the integral of exp(l (x - 1/2)) over [0, 1]
        log_normaliser = F.where(is_small, square * polynomial(square, _SERIES), closed)
        return F.broadcast_mul(self.logits, stop_gradient(value) - 0.5), log_normaliser

    @property
    def mean(self) -> Tensor:
        """λ / (2 λ - 1) + 1 / (2 artanh(1 - 2 λ)), or 1 / (1 - exp(-l)) - 1 / l, ``(..., X)``."""
        F = namespace(self.logits)
        is_small, small, large = _ranges(self.logits)
        series = small * polynomial(F.square(small), _SERIES_OF_SLOPE)
        closed = F.sign(self.logits) * (0.5 - 1 / large - F.exp(-large) / F.expm1(-large))
        return 0.5 + F.where(is_small, series, closed)

    @property
    def mode(self) -> Tensor:
        """The end of the interval with the higher density, 0 or 1, ``(..., X)``."""
        return self.logits > 0

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw values by the inverse of the distribution function.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        F, noise = namespace(self.logits), self._noise_for(self.logits, noise)
        positive = self.logits > 0
        # the slope of a density that falls: at least 1e-5, which cannot be told from a flat density
        slope = F.maximum(F.abs(self.logits), 1e-5)
        level = F.broadcast_add(positive, F.broadcast_mul(1 - 2 * positive, noise))
        # minus the largest float32 below 1
        inside = F.maximum(F.broadcast_mul(level, F.expm1(-slope)), 2.0**-24 - 1)
        falling = clip(F.broadcast_div(-F.log1p(inside), slope), 0, 1)
        return stop_gradient(F.broadcast_add(positive, F.broadcast_mul(1 - 2 * positive, falling)))


def _ranges(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return whether |l| < 1, l clipped to that range, where the series are accurate, and |l| clipped to the rest."""
    F = namespace(logits)
    magnitude = F.abs(logits)
    return magnitude < 1, clip(logits, -1, 1), F.maximum(magnitude, 1)
