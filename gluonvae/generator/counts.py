"""Counts: Poisson and negative binomial likelihoods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..distributions import NegativeBinomial, Poisson
from ..networks import Activation
from ..ops import Tensor
from ..runtime import mx
from .generator import LIKELIHOODS, DenseGenerator, positive, repeated
from .support import COUNTS

MIN_MEAN = 1e-6
"""Floor of an expected count, whose logarithm is taken."""
MIN_DISPERSION = 1e-4
"""Floor of an inverse dispersion."""


class CountGenerator(DenseGenerator):
    """Independent counts 0, 1, 2, ..., of which an inference network sees log(1 + count). Abstract."""

    support = COUNTS
    pixels = "bytes"
    data_transform = "log1p"


@LIKELIHOODS.register("poisson")
class PoissonGenerator(CountGenerator):
    """Independent Poisson counts; returns what the softplus of their rates is taken of, ``(..., X)``. Takes the
    arguments of :class:`DenseGenerator`."""

    title = "a Poisson likelihood"
    heads = ("raw_rate",)

    def distribution(self, raw_rate: Tensor) -> Poisson:
        return Poisson(positive(raw_rate, MIN_MEAN))


@LIKELIHOODS.register("negativeBinomial")
class NegativeBinomialGenerator(CountGenerator):
    """Independent negative binomial counts: a mean for each, from the network, and an inverse dispersion for
    each of the X variables, a parameter of the model, as scVI has it for genes (Lopez et al. 2018). Returns
    what the softplus of the two is taken of, ``(..., X)`` each. Takes the arguments of :class:`DenseGenerator`."""

    title = "a negative binomial likelihood"
    heads = ("raw_mean",)

    def __init__(
        self, data_dims: int, layer_sizes: Sequence[int], act_type: Activation = "tanh", latent_variable_size: int = 0
    ) -> None:
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size)
        with self.name_scope():
            self.raw_dispersion = self.params.get("raw_dispersion", shape=(data_dims,), init=mx.init.Zero())

    def hybrid_forward(  # type: ignore[override]
        self, F: Any, latent_state: Tensor, raw_dispersion: Tensor
    ) -> tuple[Tensor, Tensor]:
        raw_mean = super().hybrid_forward(F, latent_state)
        return raw_mean, repeated(raw_dispersion, raw_mean)

    def distribution(self, raw_mean: Tensor, raw_dispersion: Tensor) -> NegativeBinomial:
        return NegativeBinomial(positive(raw_mean, MIN_MEAN), positive(raw_dispersion, MIN_DISPERSION))
