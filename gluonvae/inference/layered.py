"""What every posterior over several layers of latent variables answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from ..distributions import Layered, Normal
from ..networks import MLP, Activation, Dense, Layers
from .base import STD_TRANSFORMS, DenseInferenceNetwork


class NormalNetwork(mx.gluon.HybridBlock):
    """Dense layers, with a mean and a standard deviation on top: maps ``(..., in_units)`` to two ``(..., D)``.

    Parameters
    ----------
    latent_variable_size : D.
    layer_sizes, act_type : of the hidden layers; may be none.
    in_units : 0 leaves it to the first call.
    std : one of :data:`gluonvae.inference.base.STD_TRANSFORMS`.
    """

    def __init__(
        self, latent_variable_size: int, layer_sizes: Sequence[int], act_type: Activation, in_units: int, std: str
    ) -> None:
        super().__init__()
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]
        with self.name_scope():
            self.body = MLP(layer_sizes, act_type, in_units, prefix="body_")
            self.mean_head = Dense(latent_variable_size, self.body.out_units, prefix="mean_")
            self.std_head = Dense(latent_variable_size, self.body.out_units, prefix="std_")

    def hybrid_forward(self, F: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.parameters(self.body(x))

    def parameters(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, of what the body returned."""
        return self.mean_head(features), self.std_transform(self.std_head(features))

    def given(self, x: Tensor) -> Normal:
        """The diagonal Gaussian given ``x``, as an object to score and to sample."""
        mean, std = self(x)
        return Normal(mean, std)


def latent_sizes_of(value: Sequence[int]) -> tuple[int, ...]:
    """Sizes of at least two layers. Raises ValueError or TypeError for anything else."""
    sizes = checks.layer_sizes("latent_sizes", value)
    if len(sizes) < 2:
        raise ValueError(f"latent_sizes must be those of two layers or more, such as [100, 50], got {list(sizes)}")
    return sizes


class LayeredInferenceNetwork(DenseInferenceNetwork):
    """A posterior over layers of latent variables z_1, ..., z_L, z_1 nearest to the data: a latent state is
    ``[z_1, ..., z_L]``, of D = D_1 + ... + D_L numbers. Abstract; its first parameters are a mean and a standard
    deviation of z_1, ``(B, D_1)`` each.

    Parameters
    ----------
    latent_sizes : D_1, ..., D_L, at least two of them.
    layer_sizes : widths of the hidden layers between the data and z_1, all shared by mean and standard deviation.
    act_type : of all hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    data_dims, data_transform : see :class:`InferenceNetwork`.
    between_layer_sizes : widths of the hidden layers between z_l and z_{l+1}.
    std : of the names that there are in :class:`GaussianInferenceNetwork`.
    """

    distribution_type = Layered
    bears_bfloat16 = False

    def __init__(
        self,
        latent_sizes: Sequence[int],
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        between_layer_sizes: Sequence[int] = (100, 100),
        std: str = "softplus",
        data_transform: Optional[str] = None,
    ) -> None:
        self.latent_sizes = latent_sizes_of(latent_sizes)
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]
        between = checks.layer_sizes("between_layer_sizes", between_layer_sizes)
        heads = dict.fromkeys(("mean", "std"), self.latent_sizes[0])
        super().__init__(sum(self.latent_sizes), layer_sizes, act_type, data_dims, heads, None, data_transform)
        with self.name_scope():
            self.upper = mx.gluon.nn.HybridSequential(prefix="upper_")
            with self.upper.name_scope():
                for below, size in enumerate(self.latent_sizes[1:]):
                    self.upper.add(NormalNetwork(size, between, act_type, self.units_below(below, between), std))

    def units_below(self, number: int, between: Sequence[int]) -> int:
        """How many numbers the network between layers ``number`` and ``number + 1`` is given; 0 for unknown."""
        raise NotImplementedError(f"{type(self).__name__} must define units_below(number, between)")

    def join(self, prior: Any) -> None:
        """ValueError for a prior of other layers."""
        if prior.distribution_type is Layered and prior.latent_sizes != self.latent_sizes:
            raise ValueError(
                f"latent_sizes are {list(self.latent_sizes)} in the inference network and {list(prior.latent_sizes)} "
                "in the prior: they must be the same"
            )

    def lowest(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The mean and the standard deviation of z_1, of what the layers above the data returned."""
        return self.mean_head(features), self.std_transform(self.std_head(features))
