"""A mixture of Gaussians as the prior."""

from __future__ import annotations

from typing import ClassVar

from .. import checks
from ..backend.operators import log_softmax, namespace
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..distributions import Mixture, Normal
from ..distributions.scales import exp_std
from .base import PRIORS, Prior


@PRIORS.register("mixture")
class MixturePrior(Prior):
    """p(z) = Σ_k w_k N(mean_k, std_k**2), a learned mixture of diagonal Gaussians.

    The means start as draws from N(0, 1), the weights equal, and the standard deviations at 1.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    components : int
        K, the number of components.
    """

    distribution_type = Mixture
    supports_bfloat16 = False

    fixed: ClassVar[tuple[str, ...]] = ("components",)

    def __init__(self, latent_variable_size: int = 0, components: int = 10) -> None:
        super().__init__(latent_variable_size)
        self.components = checks.positive_int("components", components)
        self._learn("logits", (self.components,), "zeros")
        self._learn("mean", (self.components, "latent_variable_size"), mx.init.Normal(1.0))
        self._learn("log_std", (self.components, "latent_variable_size"), "zeros")

    @property
    def floats_per_sample(self) -> int:
        return self.components * self.latent_variable_size

    def distribution(self, like: Tensor) -> Mixture:
        F, log_weights = namespace(like), log_softmax(self._learned("logits", like))
        mean, std = self._learned("mean", like), exp_std(self._learned("log_std", like))
        return Mixture(log_weights, Normal(mean, std), lambda number: Normal(F.take(mean, number), F.take(std, number)))
