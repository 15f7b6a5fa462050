"""Counts: Poisson and negative binomial likelihoods."""

from __future__ import annotations

import math

from ..backend.operators import clip, namespace
from ..backend.runtime import mx
from ..backend.types import Tensor
from ..distributions import Family, NegativeBinomial, Poisson
from ..distributions.scales import positive
from ..weights import value_of
from .base import LIKELIHOODS
from .network import FamilyGenerator
from .support import COUNTS

MIN_MEAN, MAX_MEAN = 1e-6, 2.0**24
"""Bounds of an expected count: its logarithm is taken, and beyond the upper one a float32 does not tell two
counts apart."""
MIN_DISPERSION = 1e-4
"""Floor of an inverse dispersion."""


def expected_count(log_mean: Tensor) -> Tensor:
    """Return an expected count, from its logarithm: on that scale large counts are as soon learnt as small ones."""
    F = namespace(log_mean)
    return F.exp(clip(log_mean, math.log(MIN_MEAN), math.log(MAX_MEAN)))


class PoissonFamily(Family):
    """Independent Poisson counts, with their rates ``(..., X)`` as the parameters."""

    distribution_type = Poisson
    supports_bfloat16 = False

    @property
    def heads(self) -> dict[str, int]:
        return {"log_rate": self.size}

    def parameters(self, log_rate: Tensor) -> tuple[Tensor, ...]:
        return (expected_count(log_rate),)


@LIKELIHOODS.register("poisson")
class PoissonGenerator(FamilyGenerator):
    """A likelihood of Poisson counts; returns their rates ``(..., X)``. An inference network sees log(1 + count).

    See :class:`FamilyGenerator`.
    """

    family_type = PoissonFamily
    title = "a Poisson likelihood"
    support = COUNTS
    data_transform = "log1p"


class NegativeBinomialFamily(Family):
    """Independent negative binomial counts, with ``(mean, dispersion)``, ``(..., X)`` each, as the parameters.

    The mean is the network's; the inverse dispersion of each of the X variables is learned.

    Parameters
    ----------
    data_dims : int
        X.
    """

    distribution_type = NegativeBinomial
    supports_bfloat16 = False

    def __init__(self, data_dims: int) -> None:
        super().__init__(data_dims)
        with self.name_scope():
            self.raw_dispersion = self.params.get("raw_dispersion", shape=(data_dims,), init=mx.init.Zero())

    @property
    def heads(self) -> dict[str, int]:
        return {"log_mean": self.size}

    def parameters(self, log_mean: Tensor) -> tuple[Tensor, ...]:
        dispersion = positive(value_of(self.raw_dispersion, log_mean), MIN_DISPERSION)
        F = namespace(log_mean)
        return expected_count(log_mean), F.broadcast_add(F.zeros_like(log_mean), dispersion)


@LIKELIHOODS.register("negative_binomial")
class NegativeBinomialGenerator(FamilyGenerator):
    """A likelihood of counts more spread than Poisson's, as scVI has it for genes (Lopez et al. 2018).

    Returns means and inverse dispersions, ``(..., X)`` each. An inference network sees log(1 + count). See
    :class:`NegativeBinomialFamily` and :class:`FamilyGenerator`.
    """

    family_type = NegativeBinomialFamily
    title = "a negative binomial likelihood"
    support = COUNTS
    data_transform = "log1p"
