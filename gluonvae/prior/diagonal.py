"""A diagonal Gaussian prior."""

from __future__ import annotations

from typing import Any

from ..distributions import Normal
from ..inference.inference import STD_TRANSFORMS
from ..ops import Tensor
from .prior import PRIORS, Prior


@PRIORS.register("diagonal")
class DiagonalGaussianPrior(Prior):
    """p(z) = N(mean, std**2), with a learned mean and standard deviation for each component, which start
    at 0 and 1. Takes the arguments of :class:`Prior`."""

    distribution_type = Normal

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0) -> None:
        super().__init__(latent_variable_size, data_dims)
        with self.name_scope():
            for name in ("mean", "log_std"):
                shape = (self.latent_variable_size,)
                setattr(self, name, self.params.get(name, shape=shape, init="zeros", allow_deferred_init=True))

    def distribution(self, like: Tensor, inference_net: Any) -> Normal:
        mean, log_std = (self._learned(of, like, (self.latent_variable_size,)) for of in (self.mean, self.log_std))
        return Normal(mean, STD_TRANSFORMS["exp"](log_std))
