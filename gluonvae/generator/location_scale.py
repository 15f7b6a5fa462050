"""Real data: likelihoods that are a density moved by a mean and widened by a scale."""

from __future__ import annotations

import math
import numbers
from typing import Any, ClassVar, Optional, Union

from ..backend.operators import Tensor, namespace
from ..backend.runtime import mx
from ..distributions import Distribution, Laplace, Normal
from ..networks import Activation, Layers
from .base import LIKELIHOODS, DenseGenerator, positive, repeated
from .support import REAL

MIN_SCALE = 1e-3
"""Floor of a learned scale: pixels that never change would have their density grow for ever. It is a
quarter of a level of 8-bit images."""

SCALES = ("learned", "per_pixel")
"""How a scale may be found: one for all pixels, a parameter of the model, or a head of the network."""


class LocationScaleGenerator(DenseGenerator):
    """A likelihood with a mean a pixel, from the network, and a scale. Abstract: a kind names what makes a
    distribution of the two, ``density``.

    Parameters
    ----------
    data_dims, layer_sizes, act_type, latent_variable_size : see :class:`DenseGenerator`.
    scale_name : what the user calls the scale.
    scale : a positive number, or one of :data:`SCALES`.
    """

    support = REAL
    pixels = "grey"
    density: ClassVar[type[Any]]

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation,
        latent_variable_size: int,
        scale_name: str,
        scale: Union[float, str],
    ) -> None:
        _check_scale(scale_name, scale)
        # before the base makes the heads
        self.heads = ("mean", "raw_scale") if scale == "per_pixel" else ("mean",)
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size)
        self.scale = scale
        if scale == "learned":
            with self.name_scope():
                self.shared_scale = self.params.get("shared_scale", shape=(1,), init=mx.init.Zero())

    def hybrid_forward(self, F: Any, latent_state: Tensor, shared_scale: Optional[Tensor] = None) -> Any:
        parameters = super().hybrid_forward(F, latent_state)
        return parameters if shared_scale is None else (parameters, repeated(shared_scale, parameters))

    def distribution(self, mean: Tensor, raw_scale: Optional[Tensor] = None) -> Distribution:
        if raw_scale is None:
            return self.density(mean, namespace(mean).ones_like(mean) * self.scale)
        return self.density(mean, positive(raw_scale, MIN_SCALE))


def _check_scale(name: str, scale: Any) -> None:
    is_number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
    if scale not in SCALES and not (is_number and 0 < scale < math.inf):
        raise ValueError(f"{name} must be a positive number, 'learned' or 'per_pixel', got {scale!r}")


@LIKELIHOODS.register("gaussian")
class GaussianGenerator(LocationScaleGenerator):
    """Independent real values with Gaussian noise; returns their means ``(..., X)``, and but for a fixed
    standard deviation what its softplus is taken of, ``(..., X)``.

    Parameters
    ----------
    data_dims, layer_sizes, act_type, latent_variable_size : see :class:`DenseGenerator`.
    std : the standard deviation: a positive number, "learned", one for all (Rybkin, Daniilidis and Levine
        2021), or "per_pixel", from the network (Kingma and Welling 2014, appendix C.2).
    """

    title = "a Gaussian likelihood"
    density = Normal

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        latent_variable_size: int = 0,
        std: Union[float, str] = "learned",
    ) -> None:
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size, "std", std)


@LIKELIHOODS.register("laplace")
class LaplaceGenerator(LocationScaleGenerator):
    """Independent real values with Laplace noise, whose log density is the absolute error; returns as
    :class:`GaussianGenerator` does.

    Parameters
    ----------
    data_dims, layer_sizes, act_type, latent_variable_size : see :class:`DenseGenerator`.
    scale : the mean absolute deviation: a positive number, "learned", one for all, or "per_pixel", from the
        network.
    """

    title = "a Laplace likelihood"
    density = Laplace

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        latent_variable_size: int = 0,
        scale: Union[float, str] = "learned",
    ) -> None:
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size, "scale", scale)
