"""Posteriors of categorical codes."""

from __future__ import annotations

from typing import Any, Optional

from ..backend.operators import Tensor
from ..distributions import Codes, OneHotCodes, RelaxedOneHotCategorical
from ..networks import Activation, Layers
from .base import POSTERIORS
from .codes import CodeInferenceNetwork, RelaxedInferenceNetwork, check_categories


@POSTERIORS.register("categorical")
class CategoricalInferenceNetwork(CodeInferenceNetwork):
    """V independent latent variables that each take one of C values, as blocks of C zeros and ones, of which one
    is 1: D = V * C.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, data_transform : see :class:`CodeInferenceNetwork`.
    categories : C, at least 2, of which D must be a multiple.
    """

    distribution_type = OneHotCodes

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        data_transform: Optional[str] = None,
        *,
        categories: int,
    ) -> None:
        self.categories = check_categories(latent_variable_size, categories)
        super().__init__(latent_variable_size, layer_sizes, act_type, data_dims, data_transform)

    def distribution(self, logits: Tensor) -> OneHotCodes:
        return OneHotCodes(logits, self.categories)


@POSTERIORS.register("relaxedOneHot")
class RelaxedOneHotInferenceNetwork(RelaxedInferenceNetwork):
    """V independent latent variables that are points of a simplex of C corners, D = V * C (Jang, Gu and Poole
    2017; Maddison, Mnih and Teh 2017). Its latent states are their logarithms,
    :class:`gluonvae.RelaxedOneHotCategorical`; or, straight through, one-hot.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, data_transform : see :class:`CodeInferenceNetwork`.
    temperature, straight_through : see :class:`RelaxedInferenceNetwork`.
    categories : C, at least 2, of which D must be a multiple.
    """

    discrete_type, relaxed_type = OneHotCodes, RelaxedOneHotCategorical

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        data_transform: Optional[str] = None,
        temperature: float = 0.5,
        straight_through: bool = False,
        *,
        categories: int,
    ) -> None:
        self.categories = check_categories(latent_variable_size, categories)
        super().__init__(
            latent_variable_size,
            layer_sizes,
            act_type,
            data_dims,
            data_transform,
            temperature,
            straight_through,
        )

    def distribution(self, logits: Tensor) -> Codes:
        kind: Any = self.distribution_type
        return kind(logits, self.categories, self.temperature_of(logits))
