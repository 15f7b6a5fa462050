"""A normalising flow as the prior."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..backend.types import Tensor
from ..distributions import StandardNormal, Transformed
from ..flows import AffineCoupling, Chain
from ..networks import Activation, max_units
from .base import PRIORS, Prior


@PRIORS.register("real_nvp")
class FlowPrior(Prior):
    """p(z) of z = f(ε), ε standard normal, with f a learned RealNVP flow that starts near the identity.

    Dinh, Sohl-Dickstein and Bengio 2017; as the prior of a VAE: Chen et al. 2017, section 3.2.

    Parameters
    ----------
    latent_variable_size : int
        D, at least 2.
    flow_length : int
        Number of couplings, of which every other moves the same half.
    hidden_sizes : sequence of int
        Widths of each coupling's hidden layers.
    act_type : str or callable
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    """

    distribution_type = Transformed
    supports_bfloat16 = False

    def __init__(
        self,
        latent_variable_size: int,
        flow_length: int = 4,
        hidden_sizes: Sequence[int] = (100,),
        act_type: Activation = "tanh",
    ) -> None:
        super().__init__(checks.positive_int("latent_variable_size", latent_variable_size))
        length = checks.positive_int("flow_length", flow_length)
        with self.name_scope():
            self.flow = Chain(
                AffineCoupling(self.latent_variable_size, hidden_sizes, act_type, flip=step % 2 == 1)
                for step in range(length)
            )

    @property
    def floats_per_sample(self) -> int:
        return max(super().floats_per_sample, max_units(self.flow))

    def distribution(self, like: Tensor) -> Transformed:
        return Transformed(StandardNormal(), self.flow)
