"""The variational mixture of posteriors prior."""

from __future__ import annotations

import math
from typing import Any, Callable, Optional

from .. import checks
from ..backend.operators import Tensor, namespace, softplus
from ..backend.runtime import mx
from ..distributions import Mixture
from .base import PRIORS, Prior

PSEUDO_RANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "unit": lambda x: namespace(x).sigmoid(x - 2),
    "positive": softplus,
    "real": lambda x: x,
}
"""How pseudo-inputs are kept where data lies, by name: between 0 and 1 (a start like dark images), above
0 (counts), or anywhere."""


@PRIORS.register("vamp")
class VampPrior(Prior):
    """p(z) = 1/K Σ_k q(z | u_k), the mixture of the model's own posteriors of K learned pseudo-inputs
    (Tomczak and Welling 2018, equation 9). They start random, so that they differ.

    Where the paper clips pseudo-inputs to [0, 1], a sigmoid keeps them there: a clipped pixel has no
    gradient that would bring it back.

    Parameters
    ----------
    latent_variable_size, data_dims : see :class:`Prior`.
    components : K.
    pseudo_range : one of :data:`PSEUDO_RANGES`; left out, where the likelihood's data lies.
    """

    distribution_type = Mixture
    bears_bfloat16 = False

    def __init__(
        self,
        latent_variable_size: int = 0,
        data_dims: int = 0,
        components: int = 500,
        pseudo_range: Optional[str] = None,
    ) -> None:
        super().__init__(latent_variable_size, data_dims)
        self.components = checks.positive_int("components", components)
        if pseudo_range is not None:
            checks.known_name("pseudo_range", pseudo_range, PSEUDO_RANGES)
        self.pseudo_range = pseudo_range
        self._learn("unconstrained", (self.components, "data_dims"), mx.init.Normal(1.0))

    @property
    def noise_size(self) -> int:
        return self.posterior_noise_size + 1

    @property
    def width(self) -> int:
        return self.components * self.posterior_width

    def pseudo_inputs(self, like: Tensor) -> Tensor:
        """The pseudo-inputs, ``(K, X)``, for a computation of the kind of ``like``."""
        return PSEUDO_RANGES[self.pseudo_range or self.data_range](self._learned("unconstrained", like))

    def distribution(self, like: Tensor, inference_net: Any) -> Mixture:
        F, inputs = namespace(like), self.pseudo_inputs(like)
        log_weights = F.ones_like(F.sum(inputs, axis=-1)) * -math.log(self.components)
        return Mixture(
            log_weights,
            inference_net.posterior(inputs),
            lambda number: inference_net.posterior(F.take(inputs, number)),
        )
