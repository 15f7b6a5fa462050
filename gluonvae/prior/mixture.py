"""A mixture of Gaussians as the prior."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..backend.operators import Tensor, namespace
from ..backend.runtime import mx
from ..distributions import Mixture, Normal
from ..inference.base import STD_TRANSFORMS
from .base import PRIORS, Prior


@PRIORS.register("mixture")
class MixturePrior(Prior):
    """p(z) = Σ_k w_k N(mean_k, std_k**2), a mixture of diagonal Gaussians whose weights, means and
    standard deviations are learned. The means start as draws from N(0, 1), the weights equal, and the
    standard deviations at 1.

    Parameters
    ----------
    latent_variable_size, data_dims : see :class:`Prior`.
    components : K.
    """

    distribution_type = Mixture
    bears_bfloat16 = False

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0, components: int = 10) -> None:
        super().__init__(latent_variable_size, data_dims)
        self.components = checks.positive_int("components", components)
        self._learn("logits", (self.components,), "zeros")
        self._learn("mean", (self.components, "latent_variable_size"), mx.init.Normal(1.0))
        self._learn("log_std", (self.components, "latent_variable_size"), "zeros")

    @property
    def noise_size(self) -> int:
        return self.latent_variable_size + 1

    @property
    def width(self) -> int:
        return self.components * self.latent_variable_size

    def distribution(self, like: Tensor, inference_net: Any) -> Mixture:
        F = namespace(like)
        log_weights = F.log_softmax(self._learned("logits", like))
        mean, std = self._learned("mean", like), STD_TRANSFORMS["exp"](self._learned("log_std", like))
        return Mixture(log_weights, Normal(mean, std), lambda number: Normal(F.take(mean, number), F.take(std, number)))
