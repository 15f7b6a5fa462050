"""A prior of discrete codes, and of their relaxations."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..distributions import Codes
from .base import PRIORS, Prior


@PRIORS.register("codes")
class CodePrior(Prior):
    """p(z) of independent codes, of the family of the model's posterior: binary or one-hot, and discrete, or
    relaxed at the same temperature (Maddison, Mnih and Teh 2017, section 3.4). All values are equally
    probable, or, ``learned``, as probable as training finds.

    Parameters
    ----------
    latent_variable_size, data_dims : see :class:`Prior`.
    learned : whether the logits are learned; they start at 0.
    """

    distribution_type: type[Codes] = Codes
    """That of the posterior, which tells."""
    posterior_type = Codes
    bears_bfloat16 = False

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0, learned: bool = False) -> None:
        super().__init__(latent_variable_size, data_dims)
        self._learn("logits", ("latent_variable_size",), "zeros")
        if not learned:
            self.logits.grad_req = "null"

    def distribution(self, like: Tensor, inference_net: Any) -> Codes:
        return inference_net.distribution(self._learned("logits", like))

    def generating(self, latent_state: Tensor) -> Tensor:
        """The code, ``(..., D)``, of a latent state that may be its logarithm."""
        return self.distribution_type.code(latent_state)
