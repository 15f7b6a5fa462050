"""Grey images: a product of continuous Bernoullis."""

from __future__ import annotations

from ..backend.operators import Tensor
from ..distributions import ContinuousBernoulli
from .base import LIKELIHOODS, DenseGenerator
from .support import INTERVAL


@LIKELIHOODS.register("continuousBernoulli")
class ContinuousBernoulliGenerator(DenseGenerator):
    """Independent pixels in [0, 1] (Loaiza-Ganem and Cunningham 2019); returns their logits ``(..., X)``.
    Takes the arguments of :class:`DenseGenerator`."""

    title = "a product of continuous Bernoullis"
    support = INTERVAL
    pixels = "grey"
    heads = ("logits",)

    def distribution(self, logits: Tensor) -> ContinuousBernoulli:
        return ContinuousBernoulli(logits)
