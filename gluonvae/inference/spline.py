"""A posterior by neural spline couplings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ..flows import SplineCoupling
from ..networks import Activation, Layers
from .base import POSTERIORS
from .flow import ConditionedFlowInferenceNetwork


@POSTERIORS.register("spline")
class SplineInferenceNetwork(ConditionedFlowInferenceNetwork):
    """A posterior by rational-quadratic spline couplings (Durkan et al. 2019) that move one half and then
    the other, see :class:`gluonvae.flows.SplineCoupling`. It needs 2 latent variables or more.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, shared_layers, std, data_transform : see
        :class:`GaussianInferenceNetwork`.
    flow_length, context_size, hidden_sizes : see :class:`ConditionedFlowInferenceNetwork`.
    bins : of each spline.
    """

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        shared_layers: Optional[int] = 1,
        std: str = "softplus",
        data_transform: Optional[str] = None,
        flow_length: int = 4,
        context_size: int = 50,
        hidden_sizes: Sequence[int] = (100,),
        bins: int = 8,
    ) -> None:
        self.bins = bins
        super().__init__(
            latent_variable_size=latent_variable_size,
            layer_sizes=layer_sizes,
            act_type=act_type,
            data_dims=data_dims,
            shared_layers=shared_layers,
            std=std,
            data_transform=data_transform,
            flow_length=flow_length,
            context_size=context_size,
            hidden_sizes=hidden_sizes,
        )

    def step(self, number: int) -> SplineCoupling:
        return SplineCoupling(
            self.latent_variable_size,
            self.hidden_sizes,
            self.act_type,
            self.context_size,
            flip=number % 2 == 1,
            bins=self.bins,
        )
