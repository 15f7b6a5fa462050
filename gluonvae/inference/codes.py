"""What every posterior of discrete codes, and of their relaxations, answers."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Optional

from .. import checks
from ..backend.operators import Tensor, is_symbol
from ..backend.runtime import mx
from ..distributions import Codes
from ..networks import Activation, Layers
from .base import DenseInferenceNetwork


class CodeInferenceNetwork(DenseInferenceNetwork):
    """A posterior whose parameters are logits, ``(B, D)``. Abstract: a kind defines ``distribution(logits)`` and
    its ``distribution_type``, of :mod:`gluonvae.distributions.codes`.

    Parameters
    ----------
    latent_variable_size : D.
    layer_sizes, act_type, data_dims, data_transform : see :class:`GaussianInferenceNetwork`.

    Its latent states cannot be differentiated: the bounds for it are :class:`gluonvae.NVIL` and
    :class:`gluonvae.VIMCO`. Its prior is a :class:`gluonvae.CodePrior`.
    """

    distribution_type: Optional[type[Codes]] = None
    reparametrised = False

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        data_transform: Optional[str] = None,
    ) -> None:
        heads = {"logits": latent_variable_size}
        super().__init__(latent_variable_size, layer_sizes, act_type, data_dims, heads, None, data_transform)

    def hybrid_forward(self, F: Any, data: Tensor, **parameters: Tensor) -> tuple[Tensor, ...]:
        return (self.logits_head(self.shared(data)),)

    def join(self, prior: Any) -> None:
        """The prior becomes one of the same family; ValueError for one that is not of codes."""
        if prior.posterior_type is not Codes:
            raise ValueError(
                f"latent states of {type(self).__name__} are codes, and {type(prior).__name__} is no prior of codes: "
                "use CodePrior, 'codes' by name"
            )
        prior.distribution_type = self.distribution_type


class RelaxedInferenceNetwork(CodeInferenceNetwork):
    """A posterior of relaxed codes, or of discrete ones that have the gradient of relaxed ones. Abstract: a kind
    defines ``distribution(logits)``, its ``discrete_type`` and its ``relaxed_type``.

    Parameters
    ----------
    latent_variable_size, layer_sizes, act_type, data_dims, data_transform : see :class:`CodeInferenceNetwork`.
    temperature : of the relaxation, positive. Set ``inference_net.temperature`` at any time: it is an input of
        the graph, saved with the parameters, and ``gluonvae.fit(..., weights={"temperature": ...})`` anneals it.
    straight_through : latent states are discrete, and so is the model: its bound is that of discrete codes. The
        gradient alone is of the relaxed ones, and so is biased. Without it the model is one of relaxed codes.
    """

    reparametrised = True
    bears_bfloat16 = False
    weight_names = ("temperature",)

    discrete_type: ClassVar[type[Codes]]
    """The distribution type straight through."""
    relaxed_type: ClassVar[type[Codes]]
    """The distribution type otherwise."""

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
        super().__init__(latent_variable_size, layer_sizes, act_type, data_dims, data_transform)
        self.distribution_type = self.discrete_type if straight_through else self.relaxed_type
        with self.name_scope():
            self._temperature = self.params.get("temperature", shape=(1,), grad_req="null")
        self.temperature = temperature

    @property
    def temperature(self) -> float:
        """Of the relaxation. Raises ValueError when set to what is not positive."""
        parameter = self._temperature
        return parameter.init.value if parameter._data is None else float(parameter.data().asscalar())

    @temperature.setter
    def temperature(self, value: float) -> None:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"temperature must be a positive number, got {value}")
        self._temperature.init = mx.init.Constant(float(value))
        if self._temperature._data is not None:
            self._temperature.set_data(mx.nd.full((1,), value, dtype=self.dtype))

    def temperature_of(self, like: Tensor) -> Tensor:
        """The temperature, ``(1,)``, for a computation of the kind of ``like``."""
        return self._temperature.var() if is_symbol(like) else self._temperature.data(like.context)


def check_categories(latent_variable_size: int, categories: int) -> int:
    """C, or ValueError where D values do not make variables of so many."""
    if checks.positive_int("categories", categories) == 1:
        raise ValueError("categories must be at least 2, got 1: a variable with one value is no variable")
    if checks.positive_int("latent_variable_size", latent_variable_size) % categories:
        raise ValueError(
            f"latent_variable_size must be a multiple of categories, {categories} values for each variable, got "
            f"{latent_variable_size}"
        )
    return categories
