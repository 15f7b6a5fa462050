"""A prior over layers of latent variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import checks
from ..backend.operators import Tensor, namespace
from ..backend.runtime import mx
from ..distributions import Layered, StandardNormal
from ..distributions.layered import Conditional
from ..flows import near_zero
from ..inference.layered import NormalNetwork, latent_sizes_of
from ..networks import Activation, widest_layer
from .base import PRIORS, Prior


@PRIORS.register("hierarchical")
class HierarchicalPrior(Prior):
    """p(z_L) p(z_{L-1} | z_L) ... p(z_1 | z_2) of a latent state ``[z_1, ..., z_L]``: a standard normal, then
    diagonal Gaussians, each with a network of its own. The generator sees z_1 alone (Burda, Grosse and
    Salakhutdinov 2016, section 2). With "exp" every layer starts near a standard normal whatever is above it: of
    random networks, z_1 would have noise of z_2 that the generator learns to overlook, and z_1 with it.

    Parameters
    ----------
    latent_sizes : D_1, ..., D_L, at least two of them; z_1 is nearest to the data.
    data_dims : see :class:`Prior`.
    layer_sizes : widths of the hidden layers between z_{l+1} and z_l.
    act_type : of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    std : of the names that there are in :class:`gluonvae.GaussianInferenceNetwork`.
    """

    distribution_type = Layered
    bears_bfloat16 = False

    def __init__(
        self,
        latent_sizes: Sequence[int],
        data_dims: int = 0,
        layer_sizes: Sequence[int] = (100, 100),
        act_type: Activation = "tanh",
        std: str = "exp",
    ) -> None:
        self.latent_sizes = latent_sizes_of(latent_sizes)
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        super().__init__(sum(self.latent_sizes), data_dims)
        with self.name_scope():
            self.lower = mx.gluon.nn.HybridSequential(prefix="lower_")
            with self.lower.name_scope():
                for size, above in zip(self.latent_sizes[-2::-1], self.latent_sizes[:0:-1]):
                    network = NormalNetwork(size, sizes, act_type, above, std)
                    for head in (network.mean_head, network.std_head):
                        near_zero(head)
                    self.lower.add(network)

    @property
    def generating_size(self) -> int:
        return self.latent_sizes[0]

    def generating(self, latent_state: Tensor) -> Tensor:
        """z_1, ``(..., D_1)``."""
        return namespace(latent_state).slice_axis(latent_state, axis=-1, begin=0, end=self.generating_size)

    @property
    def width(self) -> int:
        return max(super().width, widest_layer(self.lower))

    def conditionals(self) -> list[Conditional]:
        """p(z_{L-1} | z_L), ..., p(z_1 | z_2), in that order: each a function of the layer above."""
        return [network.given for network in self.lower]

    def distribution(self, like: Tensor, inference_net: Any) -> Layered:
        return Layered(self.latent_sizes, StandardNormal(), self.conditionals(), downwards=True)
