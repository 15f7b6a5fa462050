"""A Gaussian posterior whose covariance is of low rank but for a diagonal."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import LowRankNormal
from ..flows import near_zero
from ..networks import Activation, Layers
from .base import POSTERIORS, STD_TRANSFORMS, DenseInferenceNetwork, bounded


@POSTERIORS.register("lowRank")
class LowRankInferenceNetwork(DenseInferenceNetwork):
    """A Gaussian posterior with covariance S (1 + W W') S, its parameters ``(mean, std, factor)``: ``(B, D)``, the
    diagonal of S ``(B, D)``, and W ``(B, D, rank)``, which is bounded and starts near 0.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, shared_layers, std, data_transform : see
        :class:`GaussianInferenceNetwork`.
    rank : how many directions there are beside the diagonal.
    """

    distribution_type = LowRankNormal
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
        rank: int = 5,
    ) -> None:
        size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.rank = checks.positive_int("rank", rank)
        heads = {"mean": size, "std": size, "factor": size * rank}
        super().__init__(size, layer_sizes, act_type, data_dims, heads, shared_layers, data_transform)
        self.std_transform = STD_TRANSFORMS[checks.known_name("std", std, STD_TRANSFORMS)]
        near_zero(self.factor_head[-1])

    @property
    def noise_size(self) -> int:
        return self.latent_variable_size + self.rank

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        features = self.shared(data)
        factor = F.reshape(self.factor_head(features), shape=(0, -1, self.rank))
        return self.mean_head(features), self.std_transform(self.std_head(features)), bounded(factor)

    def sample_latent_state(  # type: ignore[override]
        self, mean: Tensor, std: Tensor, factor: Tensor, noise: Optional[Tensor] = None
    ) -> Tensor:
        """A latent state ``(B, D)`` for noise ``(B, D + rank)``, or ``(k, B, D)`` for ``(k, B, D + rank)``."""
        return super().sample_latent_state(mean, std, factor, noise=noise)

    def distribution(self, mean: Tensor, std: Tensor, factor: Tensor) -> LowRankNormal:
        return LowRankNormal(mean, std, factor)
