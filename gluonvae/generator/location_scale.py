"""Real data: likelihoods that are a density moved by a mean and widened by a scale."""

from __future__ import annotations

import math
import numbers
from typing import Any, Union

from ..backend.operators import namespace
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..distributions import Family, Laplace, Normal
from ..distributions.scales import positive
from ..weights import value_of
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import REAL

MIN_SCALE = 1e-3
"""Floor of a learned scale: pixels that never change would have their density grow for ever. It is a
quarter of a level of 8-bit images."""

SCALES = ("learned", "per_pixel")
"""Where a scale may come from: one for all pixels, a parameter of the model, or a head of the network."""


class LocationScaleFamily(Family):
    """Base class of the families with a mean for each value, from the network, and a scale.

    The parameters are ``(mean, scale)``, ``(..., X)`` each.

    Parameters
    ----------
    data_dims : int
        X.
    name : str
        What the user calls the scale.
    scale : float or {"learned", "per_pixel"}
        A positive number; one for all; or a head of the network.
    """

    def __init__(self, data_dims: int, name: str, scale: Union[float, str]) -> None:
        super().__init__(data_dims)
        _check_scale(name, scale)
        self.scale = scale
        if scale == "learned":
            with self.name_scope():
                self.shared_scale = self.params.get("shared_scale", shape=(1,), init=mx.init.Zero())

    @property
    def heads(self) -> dict[str, int]:
        return dict.fromkeys(("mean", "scale") if self.scale == "per_pixel" else ("mean",), self.size)

    def parameters(self, mean: Tensor, *scale: Tensor) -> tuple[Tensor, ...]:
        F = namespace(mean)
        if scale:
            return mean, positive(scale[0], MIN_SCALE)
        if self.scale == "learned":
            shared = positive(value_of(self.shared_scale, mean), MIN_SCALE)
            return mean, F.broadcast_add(F.zeros_like(mean), shared)
        return mean, F.ones_like(mean) * self.scale


def _check_scale(name: str, scale: Any) -> None:
    is_number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
    if scale not in SCALES and not (is_number and 0 < scale < math.inf):
        raise ValueError(f"{name} must be a positive number, 'learned' or 'per_pixel', got {scale!r}")


class GaussianLikelihoodFamily(LocationScaleFamily):
    """Independent Gaussian values.

    Parameters
    ----------
    data_dims : int
        X.
    std : float or {"learned", "per_pixel"}
        The standard deviation: a positive number, one that is learned for all values (Rybkin, Daniilidis and
        Levine 2021), or from the network (Kingma and Welling 2014, appendix C.2).
    """

    distribution_type = Normal

    def __init__(self, data_dims: int, std: Union[float, str] = "learned") -> None:
        super().__init__(data_dims, "std", std)


@LIKELIHOODS.register("gaussian")
class GaussianGenerator(FamilyGenerator):
    """A likelihood of real values with Gaussian noise; returns means and standard deviations, ``(..., X)`` each.

    See :class:`GaussianLikelihoodFamily` and :class:`FamilyGenerator`.
    """

    family_type = GaussianLikelihoodFamily
    title = "a Gaussian likelihood"
    support = REAL
    pixels = "grey"


class LaplaceFamily(LocationScaleFamily):
    """Independent Laplace values, whose log density is the absolute error.

    Parameters
    ----------
    data_dims : int
        X.
    scale : float or {"learned", "per_pixel"}
        The mean absolute deviation: a positive number, one that is learned for all values, or from the network.
    """

    distribution_type = Laplace

    def __init__(self, data_dims: int, scale: Union[float, str] = "learned") -> None:
        super().__init__(data_dims, "scale", scale)


@LIKELIHOODS.register("laplace")
class LaplaceGenerator(FamilyGenerator):
    """A likelihood of real values with Laplace noise; returns means and scales, ``(..., X)`` each.

    See :class:`LaplaceFamily` and :class:`FamilyGenerator`.
    """

    family_type = LaplaceFamily
    title = "a Laplace likelihood"
    support = REAL
    pixels = "grey"
