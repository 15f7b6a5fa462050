"""Binary data: a product of Bernoullis."""

from __future__ import annotations

from ..distributions import Bernoulli, Distribution, Family
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import BINARY


class BernoulliFamily(Family):
    """Independent zeros and ones, with logits ``(..., X)`` as the parameters."""

    distribution_type: type[Distribution] = Bernoulli

    @property
    def heads(self) -> dict[str, int]:
        return {"logits": self.size}


@LIKELIHOODS.register("bernoulli_prod")
class ProductOfBernoullisGenerator(FamilyGenerator):
    """A likelihood of independent binary pixels; returns their logits ``(..., X)``.

    See :class:`FamilyGenerator`.

    Examples
    --------
    >>> generator = gluonvae.ProductOfBernoullisGenerator(784, [200, 500], "tanh")
    """

    family_type = BernoulliFamily
    title = "a product of Bernoullis"
    support = BINARY
    pixels = "dynamic"
