"""Posteriors of binary codes."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..distributions import BinaryCodes, Codes, RelaxedBernoulli
from .base import POSTERIORS
from .codes import CodeInferenceNetwork, RelaxedInferenceNetwork


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
    latent states are their logits, :class:`gluonvae.RelaxedBernoulli`; or, straight through, zeros and ones. Takes
    what :class:`RelaxedInferenceNetwork` takes."""

    discrete_type, relaxed_type = BinaryCodes, RelaxedBernoulli

    def distribution(self, logits: Tensor) -> Codes:
        kind: Any = self.distribution_type
        return kind(logits, self.temperature_of(logits))
