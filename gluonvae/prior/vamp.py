"""The variational mixture of posteriors prior."""

from __future__ import annotations

import math
from typing import Any, Callable, ClassVar, Optional

from .. import checks
from ..backend.operators import namespace, softplus
from ..backend.runtime import mx
from ..backend.types import Model, Structure, Tensor
from ..distributions import Distribution, Mixture
from ..networks import Standardization
from .base import PRIORS, Prior

PSEUDO_RANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "unit": lambda x: namespace(x).sigmoid(x - 2),
    "positive": softplus,
    "real": lambda x: x,
}
"""Functions that keep pseudo-inputs where data lies, by name: between 0 and 1 (a start like dark images), above
0 (counts), or anywhere."""


@PRIORS.register("vamp")
class VampPrior(Prior):
    """p(z) = 1/K Σ_k q(z | u_k), the mixture of the model's own posteriors of K learned pseudo-inputs.

    Tomczak and Welling 2018, equation 9. They start random, so that they differ. Where the paper clips
    pseudo-inputs to [0, 1], a sigmoid keeps them there: a clipped pixel has no gradient that would bring it
    back. In a :class:`gluonvae.ConditionalVAE` each pseudo-input has a label, learned as well.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    components : int
        K, the number of pseudo-inputs.
    pseudo_range : {"unit", "positive", "real"}, optional
        Where pseudo-inputs are kept: between 0 and 1, above 0 or anywhere; left out, where the likelihood's data lie.
    """

    distribution_type = Mixture
    supports_bfloat16 = False
    _posterior: Optional[Callable[..., Distribution]] = None
    _standardization: Optional[Standardization] = None

    fixed: ClassVar[tuple[str, ...]] = ("components", "data_dims", "label_size")

    def __init__(
        self, latent_variable_size: int = 0, components: int = 500, pseudo_range: Optional[str] = None
    ) -> None:
        super().__init__(latent_variable_size)
        self.components = checks.positive_int("components", components)
        if pseudo_range is not None:
            checks.known_name("pseudo_range", pseudo_range, PSEUDO_RANGES)
        self.pseudo_range = pseudo_range
        self.data_dims = 0
        self._learn("unconstrained", (self.components, "data_dims"), mx.init.Normal(1.0))

    def bind(self, model: Model) -> None:
        if self._posterior not in (None, model.inference_net.posterior):
            raise ValueError(
                "VampPrior is a mixture of another model's posteriors already, and would change that model: make a new "
                "one, or give this model the same inference network"
            )
        self.data_dims, self.label_size = model.data_dims, model.label_size
        if self.label_size:
            self._learn("unconstrained_label", (self.components, "label_size"), mx.init.Normal(1.0))
        support = model.generator.support
        self._data_range = "real" if support is None else support.data_range
        self._standardization = model.generator.standardization
        # not the block itself: its parameters stay its own alone
        self._posterior, self._posterior_noise = model.inference_net.posterior, model.inference_net.noise
        self._posterior_floats = model.inference_net.floats_per_sample
        super().bind(model)

    @property
    def noise(self) -> Structure:
        return Mixture.noise(self.latent_variable_size, self._posterior_noise)

    @property
    def floats_per_sample(self) -> int:
        return self.components * self._posterior_floats

    def pseudo_inputs(self, like: Tensor) -> tuple[Tensor, ...]:
        """Return the pseudo-inputs ``(K, X)`` and, in a conditional model, their labels ``(K, Y)``."""
        if self._posterior is None:
            raise ValueError("VampPrior does not know data_dims: make the prior part of a VAE")
        into_range = PSEUDO_RANGES[self.pseudo_range or self._data_range]
        data = into_range(self._learned("unconstrained", like))
        if self._standardization is not None and self.pseudo_range is None:
            data = self._standardization.undo(data)
        return (data, into_range(self._learned("unconstrained_label", like))) if self.label_size else (data,)

    def distribution(self, like: Tensor) -> Mixture:
        F, inputs = namespace(like), self.pseudo_inputs(like)
        log_weights = F.ones_like(F.sum(inputs[0], axis=-1)) * -math.log(self.components)
        posterior: Any = self._posterior
        return Mixture(
            log_weights, posterior(*inputs), lambda number: posterior(*(F.take(rows, number) for rows in inputs))
        )
