"""A posterior over layers of latent variables, from the data upwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..backend.operators import Tensor
from ..distributions import Layered, Normal
from ..networks import widest_layer
from .base import POSTERIORS
from .layered import LayeredInferenceNetwork


@POSTERIORS.register("hierarchical")
class HierarchicalInferenceNetwork(LayeredInferenceNetwork):
    """q(z_1 | x) q(z_2 | z_1) ... q(z_L | z_{L-1}), each a diagonal Gaussian with a network of its own; its
    parameters are the ``(mean, std)`` of z_1, ``(B, D_1)`` each.

    Burda, Grosse and Salakhutdinov 2016, equation 1, whose model of two layers has ``latent_sizes=[100, 50],
    layer_sizes=[200, 200], between_layer_sizes=[100, 100], std="exp"``, tanh throughout and a
    :class:`gluonvae.HierarchicalPrior`. Takes what :class:`LayeredInferenceNetwork` takes.
    """

    def units_below(self, number: int, between: Sequence[int]) -> int:
        return self.latent_sizes[number]

    @property
    def width(self) -> int:
        return max(super().width, widest_layer(self.upper))

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        return self.lowest(self.shared(data))

    def distribution(self, mean: Tensor, std: Tensor) -> Layered:
        return Layered(self.latent_sizes, Normal(mean, std), [network.given for network in self.upper], downwards=False)
