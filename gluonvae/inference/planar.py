"""A posterior by planar flows."""

from __future__ import annotations

from ..flows import Planar
from .base import POSTERIORS
from .flow import FlowInferenceNetwork


@POSTERIORS.register("planar")
class PlanarInferenceNetwork(FlowInferenceNetwork):
    """A posterior by planar flows (Rezende and Mohamed 2015), see :class:`gluonvae.flows.Planar`.

    Takes what :class:`FlowInferenceNetwork` takes.
    """

    def step(self, number: int) -> Planar:
        return Planar(self.latent_variable_size, self.context_size)
