"""A prior of discrete codes, and of their relaxations."""

from __future__ import annotations

from typing import Callable, Optional

from .. import checks
from ..backend.types import Model, Structure, Tensor
from ..distributions import Codes, Distribution
from .base import PRIORS, Prior


@PRIORS.register("codes")
class CodePrior(Prior):
    """p(z) of independent codes, of the family of the model's posterior.

    They are binary or one-hot, and discrete, or relaxed at the same temperature (Maddison, Mnih and Teh 2017,
    section 3.4). All values are equally probable, or, ``learned``, as probable as training finds.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    learned : bool
        Whether the logits are learned; they start at 0.
    """

    distribution_type: type[Codes] = Codes
    posterior_type = Codes
    supports_bfloat16 = False
    _of_logits: Optional[Callable[[Tensor], Distribution]] = None

    def __init__(self, latent_variable_size: int = 0, learned: bool = False) -> None:
        super().__init__(latent_variable_size)
        self._learn("logits", ("latent_variable_size",), "zeros")
        if not checks.boolean("learned", learned):
            self.logits.grad_req = "null"

    def bind(self, model: Model) -> None:
        super().bind(model)
        self.distribution_type = model.inference_net.distribution_type
        # a method, not the block itself: parameters stay the inference network's alone
        self._of_logits = model.inference_net.distribution

    def distribution(self, like: Tensor) -> Distribution:
        if self._of_logits is None:
            raise ValueError("CodePrior does not know the family of the codes: make the prior part of a VAE")
        return self._of_logits(self._learned("logits", like))

    @property
    def noise(self) -> Structure:
        return self.distribution_type.noise(self.latent_variable_size)

    @property
    def not_in_generator(self) -> str:
        relaxed = self.distribution_type.code is not Codes.code
        return "the function that makes a relaxed code of a latent state, its logit or logarithm" if relaxed else ""

    def generator_latent(self, latent_state: Tensor) -> Tensor:
        """Return the code, ``(..., D)``, of a latent state that may be its logarithm."""
        return self.distribution_type.code(latent_state)
