"""A Gaussian posterior whose covariance is turned by Householder flows."""

from __future__ import annotations

from ..backend.operators import Tensor
from ..distributions import Normal, Rotated
from ..flows import Householder
from .base import POSTERIORS
from .flow import FlowInferenceNetwork


@POSTERIORS.register("householder")
class HouseholderInferenceNetwork(FlowInferenceNetwork):
    """A Gaussian posterior with a full covariance, by reflections of a diagonal one (Tomczak and Welling
    2016), see :class:`gluonvae.flows.Householder`. Its KL to a standard normal has a closed form.

    Takes what :class:`FlowInferenceNetwork` takes.
    """

    distribution_type = Rotated

    def step(self, number: int) -> Householder:
        return Householder(self.latent_variable_size, self.context_size)

    def distribution(self, mean: Tensor, std: Tensor, context: Tensor) -> Rotated:
        return Rotated(Normal(mean, std), self.flow, context)
