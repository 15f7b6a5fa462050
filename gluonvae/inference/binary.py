"""Posteriors of binary codes."""

from __future__ import annotations

from typing import Optional

from ..distributions import BinaryCodes, Codes, RelaxedBernoulli
from ..networks import Activation, Layers
from ..ops import Tensor
from .codes import CodeInferenceNetwork, RelaxedInferenceNetwork
from .inference import POSTERIORS


@POSTERIORS.register("bernoulli")
class BernoulliInferenceNetwork(CodeInferenceNetwork):
    """D independent latent variables that are 0 or 1 (Mnih and Gregor 2014). Takes what
    :class:`CodeInferenceNetwork` takes."""

    distribution_type = BinaryCodes

    def distribution(self, logits: Tensor) -> BinaryCodes:
        return BinaryCodes(logits)


@POSTERIORS.register("relaxedBernoulli")
class RelaxedBernoulliInferenceNetwork(RelaxedInferenceNetwork):
    """D independent latent variables between 0 and 1 (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017). Its
    latent states are their logits, :class:`gluonvae.RelaxedBernoulli`; or, straight through, zeros and ones.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, data_transform : see :class:`CodeInferenceNetwork`.
    temperature, straight_through : see :class:`RelaxedInferenceNetwork`.
    """

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        data_transform: Optional[str] = None,
        temperature: float = 0.5,
        straight_through: bool = False,
    ) -> None:
        super().__init__(
            latent_variable_size,
            layer_sizes,
            act_type,
            data_dims,
            data_transform,
            temperature,
            straight_through,
            BinaryCodes,
            RelaxedBernoulli,
        )

    def distribution(self, logits: Tensor) -> Codes:
        kind = BinaryCodes if self.straight_through else RelaxedBernoulli
        return kind(logits, self.temperature_of(logits))
