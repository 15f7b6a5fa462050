"""Values of which some are missing, and distributions that score the others."""

from __future__ import annotations

from typing import Callable, Optional

from ..backend.operators import namespace, stop_gradient, sum_last
from ..backend.types import Structure, Tensor
from .base import Distribution


def is_observed(value: Tensor) -> Tensor:
    """Return 1 where a value is a number, and 0 where it is missing, NaN; of the shape of ``value``."""
    fixed = stop_gradient(value)
    return namespace(value).broadcast_equal(fixed, fixed)


def zero_where_missing(value: Tensor, observed: Tensor) -> Tensor:
    """Return a value with 0 where it is not observed; there, no gradient flows to it.

    Parameters
    ----------
    value, observed : Tensor
        Of one shape.
    """
    # not a product, as 0 times NaN is NaN
    F = namespace(value)
    return F.where(observed, value, F.zeros_like(value))


class Observed(Distribution):
    """A distribution of independent components that scores those of a value that are observed.

    The log density is that of the observed components alone, as the density of the others integrates to 1. Draws,
    mean and mode have all components.

    Parameters
    ----------
    p : Distribution
        A distribution with ``component_log_prob``, finite also at 0.
    observed : callable
        Returns 1 for each component of a value that is observed and 0 for each that is not.
    """

    def __init__(self, p: Distribution, observed: Callable[[Tensor], Tensor] = is_observed) -> None:
        self.p = p
        self.observed = observed

    @property
    def mean(self) -> Tensor:
        return self.p.mean

    @property
    def mode(self) -> Tensor:
        return self.p.mode

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute the log density, or log mass, of the observed components.

        Parameters
        ----------
        value : Tensor
            ``(..., D)``, NaN where it is missing.

        Returns
        -------
        Tensor
            ``(...)``, in nats; 0 where all is missing.
        """
        F, observed = namespace(value), self.observed(value)
        log_prob = self.p.component_log_prob(zero_where_missing(value, observed))
        # with the axis of samples that log_prob may have
        counted = F.broadcast_add(F.zeros_like(stop_gradient(log_prob)), observed)
        return sum_last(zero_where_missing(log_prob, counted))

    def sample(self, noise: Optional[Structure] = None) -> Tensor:
        return self.p.sample(noise)

    def rsample(self, noise: Optional[Structure] = None) -> Tensor:
        return self.p.rsample(noise)
