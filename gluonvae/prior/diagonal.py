"""A diagonal Gaussian prior."""

from __future__ import annotations

from ..backend.types import Tensor
from ..distributions import Normal
from ..distributions.scales import exp_std
from .base import PRIORS, Prior


@PRIORS.register("diagonal")
class DiagonalGaussianPrior(Prior):
    """p(z) = N(mean, std**2), with a learned mean and standard deviation for each component, which start at 0 and 1.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    """

    distribution_type = Normal

    def __init__(self, latent_variable_size: int = 0) -> None:
        super().__init__(latent_variable_size)
        self._learn("mean", ("latent_variable_size",), "zeros")
        self._learn("log_std", ("latent_variable_size",), "zeros")

    def distribution(self, like: Tensor) -> Normal:
        return Normal(self._learned("mean", like), exp_std(self._learned("log_std", like)))
