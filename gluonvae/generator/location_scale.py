"""Real data: likelihoods that are a density moved by a mean and widened by a scale."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any, Optional, Union

import numpy as np

from .. import checks
from ..backend.operators import as_numpy
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..distributions import Distribution, Family, Laplace, Normal
from ..distributions.scales import fill, inverse_positive, positive, repeat
from ..moments import column_moments
from ..networks import Standardization
from ..weights import value_of
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import REAL

MIN_SCALE = 1e-3
"""Floor of a learned scale: pixels that never change would have their density grow for ever. It is a
quarter of a level of 8-bit images."""

SCALES = ("learned", "per_feature", "per_pixel")
"""Where a scale may come from: a parameter of the model, one for all values or one for each of the X; or a head of the
network, for each value of each data point."""


class LocationScaleFamily(Family):
    """Base class of the families with a mean for each value, from the network, and a scale.

    The parameters are ``(mean, scale)``, ``(..., X)`` each, in the units of the data.

    Parameters
    ----------
    data_dims : int
        X.
    name : str
        What the user calls the scale.
    scale : float or {"learned", "per_feature", "per_pixel"}
        A positive number; one for all values, or one for each of the X, that is learned; or a head of the network.
    standardize : bool
        Whether the networks compute with standardised data: with the mean m and the standard deviation s of each
        column of the training data, an inference network sees (x - m) / s, and the parameters are m + s * mean and
        s * scale of the network's. ``scale`` is of the standardised data then, and starts at 1 where it is learned.
        Densities, means and draws are of the data, in their units.

    Notes
    -----
    The constants m and s, ``data_mean`` and ``data_std``, are set by :meth:`adapt` and saved with the parameters; until
    then a call raises. s is 1 for a column that is constant, see :meth:`gluonvae.networks.Standardization.set`.

    In float32 a value far from 0 has few digits left of how it differs from the others: where s is 1, the log density
    is off by 4e-5 nats a value (root mean square) at m = 10³, 4e-4 at 10⁴, 4e-3 at 10⁵ and 0.03 at 10⁶. Subtract such
    an offset before, in float64.
    """

    def __init__(self, data_dims: int, name: str, scale: Union[float, str], standardize: bool) -> None:
        super().__init__(data_dims)
        _check_scale(name, scale)
        self.scale = scale
        self.standardization: Optional[Standardization] = None
        with self.name_scope():
            if checks.boolean("standardize", standardize):
                self.standardization = Standardization.of(self.params, data_dims)
                # as attributes, so that they are saved
                self.data_mean, self.data_std = self.standardization
            if scale in ("learned", "per_feature"):
                start = mx.init.Constant(float(inverse_positive(1, MIN_SCALE))) if standardize else mx.init.Zero()
                shape = (1,) if scale == "learned" else (data_dims,)
                # of all data points, and of all values or each
                self.shared_scale = self.params.get("shared_scale", shape=shape, init=start)

    @property
    def heads(self) -> dict[str, int]:
        return dict.fromkeys(("mean", "scale") if self.scale == "per_pixel" else ("mean",), self.size)

    def parameters(self, mean: Tensor, *scale: Tensor) -> tuple[Tensor, ...]:
        of_data = self.standardization
        width = self._scale(mean, *scale)
        return (mean, width) if of_data is None else (of_data.undo(mean), of_data.scaled(width))

    def _scale(self, mean: Tensor, *scale: Tensor) -> Tensor:
        """The scale on which the network computes, ``(..., X)``."""
        if scale:
            return positive(scale[0], MIN_SCALE)
        if self.scale in ("learned", "per_feature"):
            return repeat(positive(value_of(self.shared_scale, mean), MIN_SCALE), mean)
        return fill(mean, float(self.scale))

    def distribution(self, *parameters: Any, **named: Any) -> Distribution:
        if self.distribution_type not in (Normal, Laplace):  # a family of a user's own
            return super().distribution(*parameters, **named)
        mean, scale = parameters
        return self.distribution_type(mean, scale, by_rows=True)

    @property
    def needs_adapting(self) -> bool:
        return self._starts_scale if self.standardization is None else not self.standardization.is_set

    @property
    def _starts_scale(self) -> bool:
        """Whether there is a learned scale in the units of the data, as it was initialised."""
        if self.standardization is not None or self.scale not in ("learned", "per_feature"):
            return False
        return self.shared_scale._data is None or not as_numpy(self.shared_scale.list_data()[0]).any()

    def adapt(self, blocks: Iterable[np.ndarray]) -> None:
        """Set ``data_mean`` and ``data_std`` to those of the data, NaN apart.

        Where nothing is standardised, a learned scale of each column that is still as it was initialised is set to the
        root mean square of the column, which fits best while the network's means are near 0; one for all values to
        the median of these. It moves by the learning rate a step, and would be long on its way from 1.
        """
        mean, std = column_moments(blocks)
        if self.standardization is not None:
            self.standardization.set(mean, std)
        elif self._starts_scale:
            start = np.hypot(mean, std)
            if self.scale == "learned":
                # a mean would follow a single outlier, and columns of zeros, as at the edge of pictures, say nothing
                start = np.median(start[start > 0] if start.any() else start, keepdims=True)
            # not at the floor, where softplus has no slope
            raw = inverse_positive(np.maximum(start, 2 * MIN_SCALE), MIN_SCALE)
            self.shared_scale.set_data(mx.nd.array(raw, dtype="float64"))


def _check_scale(name: str, scale: Any) -> None:
    is_number = isinstance(scale, numbers.Real) and not isinstance(scale, bool)
    if scale not in SCALES and not (is_number and 0 < scale < math.inf):
        raise ValueError(f"{name} must be a positive number, 'learned', 'per_feature' or 'per_pixel', got {scale!r}")


class GaussianLikelihoodFamily(LocationScaleFamily):
    """Independent Gaussian values.

    Parameters
    ----------
    data_dims : int
        X.
    std : float or {"learned", "per_feature", "per_pixel"}
        The standard deviation: a positive number; one that is learned for all values (Rybkin, Daniilidis and
        Levine 2021), or one for each of the X; or from the network (Kingma and Welling 2014, appendix C.2).
    standardize : bool
        Whether the networks compute with standardised data, see :class:`LocationScaleFamily`: for tables whose columns
        have different units.
    """

    distribution_type: type[Distribution] = Normal

    def __init__(self, data_dims: int, std: Union[float, str] = "learned", standardize: bool = False) -> None:
        super().__init__(data_dims, "std", std, standardize)


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
    scale : float or {"learned", "per_feature", "per_pixel"}
        The mean absolute deviation: a positive number; one that is learned for all values, or one for each of the X;
        or from the network.
    standardize : bool
        See :class:`LocationScaleFamily`.
    """

    distribution_type: type[Distribution] = Laplace

    def __init__(self, data_dims: int, scale: Union[float, str] = "learned", standardize: bool = False) -> None:
        super().__init__(data_dims, "scale", scale, standardize)


@LIKELIHOODS.register("laplace")
class LaplaceGenerator(FamilyGenerator):
    """A likelihood of real values with Laplace noise; returns means and scales, ``(..., X)`` each.

    See :class:`LaplaceFamily` and :class:`FamilyGenerator`.
    """

    family_type = LaplaceFamily
    title = "a Laplace likelihood"
    support = REAL
    pixels = "grey"
