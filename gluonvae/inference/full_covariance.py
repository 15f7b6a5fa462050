"""A Gaussian posterior with a full covariance."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import MultivariateNormal
from ..flows import near_zero
from ..networks import Activation, Layers
from .base import POSTERIORS, STD_TRANSFORMS, DenseInferenceNetwork, bounded


@POSTERIORS.register("fullCovariance")
class FullCovarianceInferenceNetwork(DenseInferenceNetwork):
    """A Gaussian posterior, its parameters ``(mean, factor)``, ``(B, D)`` and ``(B, D, D)``: the Cholesky
    factor of the covariance.

    The factor is (1 + N) S: S diagonal, and N below the diagonal and bounded, so that there is an
    inverse that a float32 can hold. It starts near a diagonal.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, shared_layers, data_transform : see
        :class:`GaussianInferenceNetwork`.
    std : how S is made, of the names that there are in :class:`GaussianInferenceNetwork`.
    """

    distribution_type = MultivariateNormal
    bears_bfloat16 = False

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
        size = checks.positive_int("latent_variable_size", latent_variable_size)
        heads = {"mean": size, "triangle": size * (size + 1) // 2}
        super().__init__(size, layer_sizes, act_type, data_dims, heads, shared_layers, data_transform)
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]
        near_zero(self.triangle_head[-1])

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        features = self.shared(data)
        triangle = F.linalg.maketrian(self.triangle_head(features))
        diagonal = F.linalg.extractdiag(triangle)
        below = bounded(triangle - F.linalg.makediag(diagonal))
        std = self.std_transform(diagonal)
        factor = F.broadcast_mul(below, F.expand_dims(std, axis=1)) + F.linalg.makediag(std)
        return self.mean_head(features), factor

    def sample_latent_state(  # type: ignore[override]
        self, mean: Tensor, factor: Tensor, noise: Optional[Tensor] = None
    ) -> Tensor:
        """``mean + factor noise``, ``(B, D)``, or ``(k, B, D)`` for noise of that shape."""
        return super().sample_latent_state(mean, factor, noise=noise)

    def distribution(self, mean: Tensor, factor: Tensor) -> MultivariateNormal:
        return MultivariateNormal(mean, factor)
