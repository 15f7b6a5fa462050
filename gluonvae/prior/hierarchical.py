"""A prior over layers of latent variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import checks
from ..backend.operators import namespace
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..distributions import Layered, StandardNormal
from ..distributions.layered import Conditional
from ..flows import near_zero
from ..networks import Activation, max_units
from ..networks.normal import NormalNetwork, latent_sizes_of
from .base import PRIORS, Prior


@PRIORS.register("hierarchical")
class HierarchicalPrior(Prior):
    """p(z_L) p(z_{L-1} | z_L) ... p(z_1 | z_2) of a latent state ``[z_1, ..., z_L]``.

    A standard normal, then diagonal Gaussians, each with a network of its own. The generator maps z_1 alone
    (Burda, Grosse and Salakhutdinov 2016, section 2). With "exp" every layer starts near a standard normal
    whatever is above it: of random networks, z_1 would have noise of z_2 that the generator learns to
    overlook, and z_1 with it.

    Parameters
    ----------
    latent_variable_size : sequence of int
        D_1, ..., D_L, at least two of them; z_1 is nearest to the data.
    layer_sizes : sequence of int
        Widths of the hidden layers between z_{l+1} and z_l.
    act_type : str or callable
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    std : {"softplus", "exp"}
        One of :data:`gluonvae.distributions.scales.STD_TRANSFORMS`.
    """

    distribution_type = Layered
    supports_bfloat16 = False

    fixed: ClassVar[tuple[str, ...]] = ("latent_sizes",)

    def __init__(
        self,
        latent_variable_size: Sequence[int],
        layer_sizes: Sequence[int] = (100, 100),
        act_type: Activation = "tanh",
        std: str = "exp",
    ) -> None:
        latent_sizes = latent_sizes_of(latent_variable_size)
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        super().__init__(sum(latent_sizes))
        self.latent_sizes = latent_sizes
        with self.name_scope():
            self.lower = mx.gluon.nn.HybridSequential(prefix="lower_")
            with self.lower.name_scope():
                for size, above in zip(self.latent_sizes[-2::-1], self.latent_sizes[:0:-1]):
                    network = NormalNetwork(size, sizes, act_type, above, std)
                    for head in (network.mean_head, network.std_head):
                        near_zero(head)
                    self.lower.add(network)

    @property
    def generator_latent_size(self) -> int:
        return self.latent_sizes[0]

    @property
    def not_in_generator(self) -> str:
        return "the choice of z_1, the first numbers of a latent state"

    def generator_latent(self, latent_state: Tensor) -> Tensor:
        """Return z_1, ``(..., D_1)``."""
        return namespace(latent_state).slice_axis(latent_state, axis=-1, begin=0, end=self.generator_latent_size)

    @property
    def floats_per_sample(self) -> int:
        return max(super().floats_per_sample, max_units(self.lower))

    def conditionals(self) -> list[Conditional]:
        """Return p(z_{L-1} | z_L), ..., p(z_1 | z_2), in that order: each a function of the layer above."""
        return [network.distribution for network in self.lower]

    def distribution(self, like: Tensor) -> Layered:
        return Layered(self.latent_sizes, StandardNormal(), self.conditionals(), downwards=True)
