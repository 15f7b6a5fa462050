"""Counts: Poisson and negative binomial likelihoods."""

from __future__ import annotations

import math
from typing import Any

from ..backend.operators import Tensor, namespace
from ..backend.runtime import mx
from ..distributions import NegativeBinomial, Poisson
from ..networks import Activation, Layers
from .base import LIKELIHOODS, DenseGenerator, positive, repeated
from .support import COUNTS

MIN_MEAN, MAX_MEAN = 1e-6, 2.0**24
"""Bounds of an expected count: its logarithm is taken, and beyond the upper one a float32 does not tell two
counts apart."""
MIN_DISPERSION = 1e-4
"""Floor of an inverse dispersion."""


class CountGenerator(DenseGenerator):
    """Independent counts 0, 1, 2, ..., of which an inference network sees log(1 + count). Abstract."""

    support = COUNTS
    pixels = "bytes"
    data_transform = "log1p"
    bears_bfloat16 = False

    @staticmethod
    def expected(log_mean: Tensor) -> Tensor:
        """An expected count, from its logarithm: on that scale large counts are as soon learnt as small ones."""
        F = namespace(log_mean)
        return F.exp(F.clip(log_mean, math.log(MIN_MEAN), math.log(MAX_MEAN)))


@LIKELIHOODS.register("poisson")
class PoissonGenerator(CountGenerator):
    """Independent Poisson counts; returns the logarithms of their rates, ``(..., X)``. Takes the arguments of
    :class:`DenseGenerator`."""

    title = "a Poisson likelihood"
    heads = ("log_rate",)

    def distribution(self, log_rate: Tensor) -> Poisson:
        return Poisson(self.expected(log_rate))


@LIKELIHOODS.register("negativeBinomial")
class NegativeBinomialGenerator(CountGenerator):
    """Independent negative binomial counts: a mean for each, from the network, and an inverse dispersion for
    each of the X variables, a parameter of the model, as scVI has it for genes (Lopez et al. 2018). Returns
    the logarithm of the mean, and what the softplus of the inverse dispersion is taken of, ``(..., X)`` each.
    Takes the arguments of :class:`DenseGenerator`."""

    title = "a negative binomial likelihood"
    heads = ("log_mean",)

    def __init__(
        self, data_dims: int, layer_sizes: Layers, act_type: Activation = "tanh", latent_variable_size: int = 0
    ) -> None:
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size)
        with self.name_scope():
            self.raw_dispersion = self.params.get("raw_dispersion", shape=(data_dims,), init=mx.init.Zero())

    def hybrid_forward(  # type: ignore[override]
        self, F: Any, latent_state: Tensor, raw_dispersion: Tensor
    ) -> tuple[Tensor, Tensor]:
        log_mean = super().hybrid_forward(F, latent_state)
        return log_mean, repeated(raw_dispersion, log_mean)

    def distribution(self, log_mean: Tensor, raw_dispersion: Tensor) -> NegativeBinomial:
        return NegativeBinomial(self.expected(log_mean), positive(raw_dispersion, MIN_DISPERSION))
