"""Grey images: a product of continuous Bernoullis."""

from __future__ import annotations

from ..distributions import ContinuousBernoulli, Distribution
from .base import LIKELIHOODS
from .bernoulli import BernoulliFamily
from .network import FamilyGenerator
from .support import INTERVAL


class ContinuousBernoulliFamily(BernoulliFamily):
    """Independent values in [0, 1], with logits ``(..., X)`` as the parameters."""

    distribution_type: type[Distribution] = ContinuousBernoulli


@LIKELIHOODS.register("continuous_bernoulli")
class ContinuousBernoulliGenerator(FamilyGenerator):
    """A likelihood of pixels in [0, 1] (Loaiza-Ganem and Cunningham 2019); returns their logits ``(..., X)``.

    See :class:`FamilyGenerator`.
    """

    family_type = ContinuousBernoulliFamily
    title = "a product of continuous Bernoullis"
    support = INTERVAL
    pixels = "grey"
