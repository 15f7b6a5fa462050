"""One-hot data: categorical variables."""

from __future__ import annotations

from typing import ClassVar

from .. import checks
from ..backend.operators import namespace
from ..backend.types import Structure, Tensor
from ..distributions import Distribution, Family, OneHotCategorical
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import OneHot


class CategoricalFamily(Family):
    """V independent categorical variables, each a block of C values, one-hot, with logits ``(..., V * C)``.

    Parameters
    ----------
    data_dims : int
        V * C.
    categories : int
        C, at least 2, of which ``data_dims`` must be a multiple.
    """

    distribution_type = OneHotCategorical

    fixed: ClassVar[tuple[str, ...]] = ("categories",)

    def __init__(self, data_dims: int, *, categories: int) -> None:
        super().__init__(data_dims)
        self.categories = checks.categories("data_dims", data_dims, categories)

    @property
    def heads(self) -> dict[str, int]:
        return {"logits": self.size}

    @property
    def noise(self) -> Structure:
        return OneHotCategorical.noise(self.size, self.categories)

    @property
    def support(self) -> OneHot:
        """Blocks of as many values as there are categories, of which one is 1."""
        return OneHot(self.categories)

    def distribution(self, logits: Tensor) -> Distribution:
        return OneHotCategorical(logits, self.categories)


@LIKELIHOODS.register("categorical")
class CategoricalGenerator(FamilyGenerator):
    """A likelihood of categorical variables; returns their logits ``(..., X)``.

    A variable is missing if any of its C values is. See :class:`CategoricalFamily` and :class:`FamilyGenerator`.
    """

    family_type = CategoricalFamily
    title = "a categorical likelihood"

    def observed(self, data: Tensor) -> Tensor:
        values = super().observed(data)
        F = namespace(values)
        blocks = F.reshape(values, shape=(-1, self.family.categories))
        whole = F.min(blocks, axis=-1, keepdims=True)
        return F.reshape_like(F.broadcast_add(F.zeros_like(blocks), whole), values)
