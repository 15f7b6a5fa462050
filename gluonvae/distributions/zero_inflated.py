"""Products of distributions of counts with more zeros than a Poisson or a negative binomial distribution has."""

from __future__ import annotations

from typing import Optional

from ..backend.operators import namespace, softplus, stop_gradient
from ..backend.types import Tensor
from .base import Distribution
from .counts import NegativeBinomial, Poisson


class ZeroInflated(Distribution):
    """Base class of the mixtures of a point mass at 0, of probability π, with a distribution of counts (Lambert 1992).

    Parameters
    ----------
    counts : Distribution
        Independent counts, ``(..., X)``.
    gate_logits : Tensor
        log π - log(1 - π), ``(..., X)``.
    """

    noise_kind = "uniform"

    def __init__(self, counts: Distribution, gate_logits: Tensor) -> None:
        self.counts = counts
        self.gate_logits = gate_logits

    @property
    def mean(self) -> Tensor:
        F = namespace(self.gate_logits)
        return F.broadcast_mul(F.sigmoid(-self.gate_logits), self.counts.mean)

    @property
    def mode(self) -> Tensor:
        """The most probable count, ``(..., X)``: 0, or the mode of the counts."""
        F, mode = namespace(self.gate_logits), self.counts.mode
        likelier = F.broadcast_greater(self.component_log_prob(mode), self.component_log_prob(F.zeros_like(mode)))
        return stop_gradient(F.broadcast_mul(likelier, mode))

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of each count; no gradient flows to the counts.

        Parameters
        ----------
        value : Tensor
            ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``, in nats.
        """
        F, value = namespace(self.gate_logits), stop_gradient(value)
        of_counts = self.counts.component_log_prob(value)
        is_zero = value == 0
        at_zero = F.broadcast_mul(is_zero, _log_of_mixture(of_counts, self.gate_logits))
        beyond = F.broadcast_mul(1 - is_zero, F.broadcast_sub(of_counts, softplus(self.gate_logits)))
        return F.broadcast_add(at_zero, beyond)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw counts by the inverse of the distribution function.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        F, noise = namespace(self.gate_logits), self._noise_for(self.gate_logits, noise)
        # (u - π) / (1 - π), written so that it is below 1; where u is below π it is negative, and the count is 0
        of_counts = 1 - F.broadcast_div(1 - noise, F.sigmoid(-self.gate_logits))
        return self.counts.sample(F.relu(of_counts))


class ZeroInflatedPoisson(ZeroInflated):
    """Independent counts that are 0 with probability π, and otherwise Poisson (Lambert 1992).

    Parameters
    ----------
    rate : Tensor
        The expected counts of the Poisson distribution, ``(..., X)``, positive.
    gate_logits : Tensor
        log π - log(1 - π), ``(..., X)``.
    """

    def __init__(self, rate: Tensor, gate_logits: Tensor) -> None:
        super().__init__(Poisson(rate), gate_logits)


class ZeroInflatedNegativeBinomial(ZeroInflated):
    """Independent counts that are 0 with probability π, and otherwise negative binomial (Lopez et al. 2018).

    Parameters
    ----------
    mean : Tensor
        μ of the negative binomial distribution, ``(..., X)``, positive.
    dispersion : Tensor
        Its inverse dispersion θ, ``(..., X)``, positive, see :class:`NegativeBinomial`.
    gate_logits : Tensor
        log π - log(1 - π), ``(..., X)``.
    """

    def __init__(self, mean: Tensor, dispersion: Tensor, gate_logits: Tensor) -> None:
        super().__init__(NegativeBinomial(mean, dispersion), gate_logits)


def _log_of_mixture(log_prob: Tensor, gate_logits: Tensor) -> Tensor:
    """Compute log(π + (1 - π) p), which is softplus(log p - gate) - softplus(-gate), without their cancelling."""
    F = namespace(gate_logits)
    difference = F.broadcast_sub(log_prob, gate_logits)
    # each softplus is relu(x) + log(1 + exp(-|x|)). Of the first terms what is left is log p where both are positive,
    # the gate where only the second is, and else 0. The signs are constants, for the gradient where a term is 0
    first, second = stop_gradient(difference > 0), stop_gradient(gate_logits < 0)
    left = F.broadcast_mul(first, log_prob)
    left = F.broadcast_add(left, F.broadcast_mul(F.broadcast_sub(second, first), gate_logits))
    small = F.log1p(F.exp(F.broadcast_mul(1 - 2 * first, difference)))
    return F.broadcast_sub(F.broadcast_add(left, small), F.log1p(F.exp((2 * second - 1) * gate_logits)))
