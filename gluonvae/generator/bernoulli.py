"""Binary data: a product of Bernoullis."""

from __future__ import annotations

from ..backend.operators import Tensor
from ..distributions import Bernoulli
from .base import LIKELIHOODS, DenseGenerator
from .support import BINARY


@LIKELIHOODS.register("bernoulliProd")
class ProductOfBernoullisGenerator(DenseGenerator):
    """Independent binary pixels; returns their logits ``(..., X)``. Takes the arguments of
    :class:`DenseGenerator`."""

    title = "a product of Bernoullis"
    support = BINARY
    pixels = "dynamic"
    heads = ("logits",)

    def distribution(self, logits: Tensor) -> Bernoulli:
        return Bernoulli(logits)
