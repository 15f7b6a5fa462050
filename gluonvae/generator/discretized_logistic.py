"""8-bit images: discretised logistics and their mixtures."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import checks
from ..backend.types import Tensor
from ..distributions import DiscretizedLogistic, DiscretizedLogisticMixture, Distribution, Family
from ..distributions.scales import positive
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import LEVELS

MIN_SCALE = 1e-4
"""Floor of a scale: at a fortieth of a level all the probability may lie on one."""


class DiscretizedLogisticFamily(Family):
    """Independent values n / 255, n = 0 to 255, with ``(mean, scale)``, ``(..., X)`` each, as the parameters.

    The probability of a level is that of a logistic variable between the edges around it.

    Parameters
    ----------
    data_dims : int
        X.
    """

    distribution_type: type[Distribution] = DiscretizedLogistic
    supports_bfloat16 = False

    @property
    def heads(self) -> dict[str, int]:
        return {"mean": self.size, "scale": self.size}

    def parameters(self, mean: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        return mean, positive(scale, MIN_SCALE)

    def distribution(self, *parameters: Any, **named: Any) -> Distribution:
        if self.distribution_type is not DiscretizedLogistic:  # a family of a user's own
            return super().distribution(*parameters, **named)
        mean, scale = parameters
        return DiscretizedLogistic(mean, scale, by_rows=True)


@LIKELIHOODS.register("discretized_logistic")
class DiscretizedLogisticGenerator(FamilyGenerator):
    """A likelihood of 8-bit pixels (Kingma et al. 2016, appendix); returns means and scales, ``(..., X)`` each.

    See :class:`DiscretizedLogisticFamily` and :class:`FamilyGenerator`.
    """

    family_type = DiscretizedLogisticFamily
    title = "a discretised logistic"
    support = LEVELS
    pixels = "grey"


class DiscretizedLogisticMixtureFamily(Family):
    """Independent values n / 255, each a mixture of K discretised logistics.

    The parameters are ``(logits, mean, scale)``, ``(..., K * X)`` each, one component after the other.

    Parameters
    ----------
    data_dims : int
        X.
    components : int
        K, the number of components.
    """

    distribution_type = DiscretizedLogisticMixture
    supports_bfloat16 = False

    fixed: ClassVar[tuple[str, ...]] = ("components",)

    def __init__(self, data_dims: int, components: int = 10) -> None:
        super().__init__(data_dims)
        self.components = checks.positive_int("components", components)

    @property
    def heads(self) -> dict[str, int]:
        return dict.fromkeys(("logits", "mean", "scale"), self.components * self.size)

    def parameters(self, logits: Tensor, mean: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        return logits, mean, positive(scale, MIN_SCALE)

    def distribution(self, logits: Tensor, mean: Tensor, scale: Tensor) -> Distribution:
        return DiscretizedLogisticMixture(logits, mean, scale, self.components, by_rows=True)


@LIKELIHOODS.register("discretized_logistic_mixture")
class DiscretizedLogisticMixtureGenerator(FamilyGenerator):
    """A likelihood of 8-bit pixels, mixtures (Salimans et al. 2017, section 2.1).

    Returns logits, means and scales of the components. See :class:`DiscretizedLogisticMixtureFamily` and
    :class:`FamilyGenerator`.
    """

    family_type = DiscretizedLogisticMixtureFamily
    title = "a mixture of discretised logistics"
    support = LEVELS
    pixels = "grey"
