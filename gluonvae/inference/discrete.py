"""Posteriors of discrete codes and of their relaxations."""

from __future__ import annotations

from typing import Any, ClassVar

from .. import checks
from ..backend.operators import stop_gradient
from ..backend.types import Model, Tensor
from ..distributions import (
    BinaryCodes,
    Codes,
    Distribution,
    Family,
    OneHotCodes,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
)
from ..weights import Weight, value_of
from .base import POSTERIORS
from .network import FamilyInferenceNetwork


class CodeFamily(Family):
    """Base class of the families of discrete codes, whose parameters are logits, ``(B, D)``.

    Latent states cannot be differentiated: the bounds for them are :class:`gluonvae.NVIL` and
    :class:`gluonvae.VIMCO`. The prior is a :class:`gluonvae.CodePrior`.
    """

    distribution_type: type[Distribution]
    reparametrized = False

    @property
    def heads(self) -> dict[str, int]:
        return {"logits": self.size}

    def bind(self, model: Model) -> None:
        if model.prior.posterior_type is not Codes:
            raise ValueError(
                f"latent states of {type(model.inference_net).__name__} are codes, and "
                f"{type(model.prior).__name__} is no prior of codes: use CodePrior, 'codes' by name"
            )


class BinaryCodeFamily(CodeFamily):
    """D independent latent variables that are 0 or 1.

    Parameters
    ----------
    latent_variable_size : int
        D.
    """

    distribution_type = BinaryCodes


@POSTERIORS.register("bernoulli")
class BernoulliInferenceNetwork(FamilyInferenceNetwork):
    """A posterior of binary codes (Mnih and Gregor 2014), see :class:`BinaryCodeFamily` and
    :class:`FamilyInferenceNetwork`."""

    family_type = BinaryCodeFamily


class OneHotCodeFamily(CodeFamily):
    """V independent latent variables that each take one of C values, D = V * C.

    A latent state is V blocks of C zeros and ones, of which one is 1.

    Parameters
    ----------
    latent_variable_size : int
        D.
    categories : int
        C, at least 2, of which D must be a multiple.
    """

    distribution_type = OneHotCodes
    fixed: ClassVar[tuple[str, ...]] = ("categories",)

    def __init__(self, latent_variable_size: int, *, categories: int) -> None:
        super().__init__(latent_variable_size)
        self.categories = checks.categories("latent_variable_size", latent_variable_size, categories)

    def distribution(self, logits: Tensor) -> Distribution:
        return OneHotCodes(logits, self.categories)


@POSTERIORS.register("categorical")
class CategoricalInferenceNetwork(FamilyInferenceNetwork):
    """A posterior of one-hot codes (Mnih and Rezende 2016), see :class:`OneHotCodeFamily` and
    :class:`FamilyInferenceNetwork`."""

    family_type = OneHotCodeFamily


class RelaxedFamily(CodeFamily):
    """Base class of the families of relaxed codes, or of discrete ones with the gradient of relaxed ones.

    Parameters
    ----------
    latent_variable_size : int
        D.
    temperature : float
        Temperature of the relaxation, positive. It may be set at any time, ``net.family.temperature = 0.3``,
        or annealed by ``gluonvae.fit(..., weights={"temperature": ...})``.
    straight_through : bool
        Whether latent states are discrete, and so is the model: its bound is that of discrete codes. Only the
        gradient is that of the relaxed ones, and is biased.
    """

    reparametrized = True
    supports_bfloat16 = False
    discrete_type: ClassVar[type[Codes]]
    relaxed_type: ClassVar[type[Codes]]
    temperature = Weight(positive=True)

    def __init__(self, latent_variable_size: int, temperature: float = 0.5, straight_through: bool = False) -> None:
        super().__init__(latent_variable_size)
        discrete = checks.boolean("straight_through", straight_through)
        self.distribution_type = self.discrete_type if discrete else self.relaxed_type
        self.temperature = temperature

    def distribution(self, logits: Tensor) -> Distribution:
        kind: Any = self.distribution_type
        temperature = stop_gradient(value_of(self._reg_params["temperature"], logits))
        return kind(logits, *self._shape, temperature)

    @property
    def _shape(self) -> tuple[int, ...]:
        """Arguments of the distribution between the logits and the temperature."""
        return ()


class RelaxedBernoulliFamily(RelaxedFamily):
    """D independent latent variables between 0 and 1.

    A latent state has their logits, see :class:`gluonvae.RelaxedBernoulli`, or, straight through, zeros and ones.

    Parameters
    ----------
    latent_variable_size, temperature, straight_through
        See :class:`RelaxedFamily`.
    """

    discrete_type, relaxed_type = BinaryCodes, RelaxedBernoulli


@POSTERIORS.register("relaxed_bernoulli")
class RelaxedBernoulliInferenceNetwork(FamilyInferenceNetwork):
    """A posterior of relaxed binary codes (Maddison, Mnih and Teh 2017; Jang, Gu and Poole 2017), see
    :class:`RelaxedBernoulliFamily` and :class:`FamilyInferenceNetwork`."""

    family_type = RelaxedBernoulliFamily


class RelaxedOneHotFamily(RelaxedFamily):
    """V independent latent variables that are points of a simplex of C corners, D = V * C.

    A latent state has their logarithms, see :class:`gluonvae.RelaxedOneHotCategorical`, or, straight through,
    is one-hot.

    Parameters
    ----------
    latent_variable_size, temperature, straight_through
        See :class:`RelaxedFamily`.
    categories : int
        C, at least 2, of which D must be a multiple.
    """

    discrete_type, relaxed_type = OneHotCodes, RelaxedOneHotCategorical
    fixed: ClassVar[tuple[str, ...]] = ("categories",)

    def __init__(
        self,
        latent_variable_size: int,
        temperature: float = 0.5,
        straight_through: bool = False,
        *,
        categories: int,
    ) -> None:
        super().__init__(latent_variable_size, temperature, straight_through)
        self.categories = checks.categories("latent_variable_size", latent_variable_size, categories)

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self.categories,)


@POSTERIORS.register("relaxed_one_hot")
class RelaxedOneHotInferenceNetwork(FamilyInferenceNetwork):
    """A posterior of relaxed one-hot codes (Jang, Gu and Poole 2017; Maddison, Mnih and Teh 2017), see
    :class:`RelaxedOneHotFamily` and :class:`FamilyInferenceNetwork`."""

    family_type = RelaxedOneHotFamily
