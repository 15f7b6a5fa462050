"""The standard normal prior."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..distributions import StandardNormal
from .base import PRIORS, Prior


@PRIORS.register("standard")
class StandardNormalPrior(Prior):
    """p(z) = N(0, 1) in every component, without a parameter."""

    distribution_type = StandardNormal

    def distribution(self, like: Tensor, inference_net: Any) -> StandardNormal:
        return StandardNormal()
