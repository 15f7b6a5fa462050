"""Labels: categorical variables, one-hot."""

from __future__ import annotations

from .. import checks
from ..backend.operators import Tensor
from ..distributions import OneHotCategorical
from ..networks import Activation, Layers
from .base import LIKELIHOODS, DenseGenerator
from .support import OneHot


@LIKELIHOODS.register("categorical")
class CategoricalGenerator(DenseGenerator):
    """V independent categorical variables, each a block of C values, one-hot: X = V * C. Returns their logits,
    ``(..., X)``.

    Parameters
    ----------
    data_dims, layer_sizes, act_type, latent_variable_size : see :class:`DenseGenerator`.
    categories : C, at least 2, of which ``data_dims`` must be a multiple.
    """

    title = "a categorical likelihood"
    heads = ("logits",)

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        latent_variable_size: int = 0,
        *,
        categories: int,
    ) -> None:
        if checks.positive_int("categories", categories) == 1:
            raise ValueError("categories must be at least 2, got 1: a variable with one value is no variable")
        if checks.positive_int("data_dims", data_dims) % categories:
            raise ValueError(
                f"data_dims must be a multiple of categories, {categories} values for each variable, got {data_dims}"
            )
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size)
        self.categories = categories
        self.support = OneHot(categories)

    @property
    def noise_size(self) -> int:
        """V, a number for each variable."""
        return self.data_dims // self.categories

    def distribution(self, logits: Tensor) -> OneHotCategorical:
        return OneHotCategorical(logits, self.categories)
