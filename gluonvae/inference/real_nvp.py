"""A posterior by affine couplings."""

from __future__ import annotations

from ..flows import AffineCoupling
from .base import POSTERIORS
from .flow import ConditionedFlowInferenceNetwork


@POSTERIORS.register("realNVP")
class RealNVPInferenceNetwork(ConditionedFlowInferenceNetwork):
    """A posterior by affine couplings (Dinh, Sohl-Dickstein and Bengio 2017) that move one half and then
    the other, see :class:`gluonvae.flows.AffineCoupling`. It needs 2 latent variables or more.

    Takes what :class:`ConditionedFlowInferenceNetwork` takes.
    """

    def step(self, number: int) -> AffineCoupling:
        return AffineCoupling(
            self.latent_variable_size, self.hidden_sizes, self.act_type, self.context_size, flip=number % 2 == 1
        )
