"""A posterior by inverse autoregressive flows."""

from __future__ import annotations

from ..flows import InverseAutoregressive
from .base import POSTERIORS
from .flow import ConditionedFlowInferenceNetwork


@POSTERIORS.register("iaf")
class IAFInferenceNetwork(ConditionedFlowInferenceNetwork):
    """A posterior by inverse autoregressive flows (Kingma et al. 2016), each in the opposite order of the one
    before, see :class:`gluonvae.flows.InverseAutoregressive`. Scoring a latent state that is not its own
    draw takes D times as long as drawing one: so do the gradients "stl" and "dreg", and a VampPrior.

    Takes what :class:`ConditionedFlowInferenceNetwork` takes.
    """

    def step(self, number: int) -> InverseAutoregressive:
        return InverseAutoregressive(
            self.latent_variable_size, self.hidden_sizes, self.act_type, self.context_size, backwards=number % 2 == 1
        )
