"""A diagonal Gaussian posterior."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import Normal
from ..networks import Activation, Layers
from .base import POSTERIORS, STD_TRANSFORMS, DenseInferenceNetwork


@POSTERIORS.register("gaussian")
class GaussianInferenceNetwork(DenseInferenceNetwork):
    """A diagonal Gaussian posterior, its parameters ``(mean, std)``, each ``(B, D)``.

    Parameters
    ----------
    latent_variable_size : D.
    layer_sizes : widths of the hidden layers, from the data inwards; may be empty.
    act_type : activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    data_dims : X; 0 leaves it to the first call.
    shared_layers : how many of the hidden layers both heads share: the first, as in the tutorial, or
        all (None), as in Burda, Grosse and Salakhutdinov 2016. The others each head has for itself.
    std : "softplus", with a floor of :data:`gluonvae.inference.base.MIN_STD`, or "exp", clipped
        there and at its inverse.
    data_transform : see :class:`InferenceNetwork`.
    """

    distribution_type = Normal

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        shared_layers: Optional[int] = 1,
        std: str = "softplus",
        data_transform: Optional[str] = None,
    ) -> None:
        heads = dict.fromkeys(("mean", "std"), latent_variable_size)
        super().__init__(latent_variable_size, layer_sizes, act_type, data_dims, heads, shared_layers, data_transform)
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        features = self.shared(data)
        return self.mean_head(features), self.std_transform(self.std_head(features))

    def sample_latent_state(  # type: ignore[override]
        self, mean: Tensor, std: Tensor, noise: Optional[Tensor] = None
    ) -> Tensor:
        """``mean + std * noise``, ``(B, D)``, or ``(k, B, D)`` for noise of that shape."""
        return super().sample_latent_state(mean, std, noise=noise)

    def distribution(self, mean: Tensor, std: Tensor) -> Normal:
        return Normal(mean, std)
