"""A posterior by radial flows."""

from __future__ import annotations

from ..flows import Radial
from .base import POSTERIORS
from .flow import FlowInferenceNetwork


@POSTERIORS.register("radial")
class RadialInferenceNetwork(FlowInferenceNetwork):
    """A posterior by radial flows (Rezende and Mohamed 2015), see :class:`gluonvae.flows.Radial`.

    Takes what :class:`FlowInferenceNetwork` takes.
    """

    def step(self, number: int) -> Radial:
        return Radial(self.latent_variable_size, self.context_size)
