"""The standard normal prior."""

from __future__ import annotations

from ..backend.types import Tensor
from ..distributions import StandardNormal
from .base import PRIORS, Prior


@PRIORS.register("standard")
class StandardNormalPrior(Prior):
    """p(z) = N(0, 1) in every component, without a parameter.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    """

    distribution_type = StandardNormal

    def distribution(self, like: Tensor) -> StandardNormal:
        return StandardNormal()
