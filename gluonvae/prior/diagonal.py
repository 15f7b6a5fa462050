"""A diagonal Gaussian prior."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..distributions import Normal
from ..inference.base import STD_TRANSFORMS
from .base import PRIORS, Prior


@PRIORS.register("diagonal")
class DiagonalGaussianPrior(Prior):
    """p(z) = N(mean, std**2), with a learned mean and standard deviation for each component, which start
    at 0 and 1. Takes the arguments of :class:`Prior`."""

    distribution_type = Normal

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0) -> None:
        super().__init__(latent_variable_size, data_dims)
        self._learn("mean", ("latent_variable_size",), "zeros")
        self._learn("log_std", ("latent_variable_size",), "zeros")

    def distribution(self, like: Tensor, inference_net: Any) -> Normal:
        return Normal(self._learned("mean", like), STD_TRANSFORMS["exp"](self._learned("log_std", like)))
