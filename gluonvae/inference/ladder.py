"""A posterior over layers of latent variables, from the top downwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, Optional

from ..backend.operators import Tensor, namespace
from ..distributions import Layered, Normal
from .base import POSTERIORS
from .layered import LayeredInferenceNetwork


def product_of_gaussians(one: Normal, other: Normal) -> Normal:
    """The Gaussian whose density is proportional to the product of two: a mean weighted by precisions, and the sum
    of precisions. As a share of each, so that no square of a small number is divided by."""
    F = namespace(one.std)
    ratio = F.broadcast_div(one.std, other.std)
    share = 1 / (1 + F.square(ratio))
    difference = F.broadcast_sub(one.mean, other.mean)
    return Normal(other.mean + share * difference, F.broadcast_mul(one.std, F.sqrt(share)))


@POSTERIORS.register("ladder")
class LadderInferenceNetwork(LayeredInferenceNetwork):
    """q(z_L | x) q(z_{L-1} | z_L, x) ... q(z_1 | z_2, x): features of the data, d_1 to d_L, each made of the one
    below, give an estimate N(μ_l, σ_l²) of each layer; q(z_l | z_{l+1}, x) is in proportion to the product of that
    and the prior's p(z_l | z_{l+1}), whose networks it shares, and q(z_L | x) is the estimate itself.

    Its parameters are the estimates' ``mean, std`` of z_1, then of z_2, ..., ``(B, D_l)`` each. The prior must be a
    :class:`gluonvae.HierarchicalPrior` of the same sizes. Sønderby et al. 2016, section 2, without batch
    normalisation; their warm-up and free bits are those of :class:`gluonvae.FreeBitsELBO`. Takes what
    :class:`LayeredInferenceNetwork` takes; ``between_layer_sizes`` are those between d_l and d_{l+1}. It learns faster
    with leaky rectifiers, as theirs, than with tanh, and not at all where the learning rate is too high for it
    (benchmarks/README.md).
    """

    _conditionals: Optional[Callable[[], Sequence[Any]]] = None

    def units_below(self, number: int, between: Sequence[int]) -> int:
        # where there is no layer between them, the features are those below; a weight's shape has 0 for unknown
        return between[-1] if number and between else self.mean_head[-1].weight.shape[1]

    def join(self, prior: Any) -> None:
        """Share the prior's networks. ValueError for a prior without layers, or of others."""
        if prior.distribution_type is not Layered:
            raise ValueError(
                f"LadderInferenceNetwork shares the prior's p(z_l | z_{{l+1}}), and {type(prior).__name__} has none: "
                f"use HierarchicalPrior({list(self.latent_sizes)})"
            )
        super().join(prior)
        # a function, not the block itself: parameters stay the prior's alone
        self._conditionals = prior.conditionals

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        features = self.shared(data)
        parameters = self.lowest(features)
        for network in self.upper:
            features = network.body(features)
            parameters = (*parameters, *network.parameters(features))
        return parameters

    def distribution(self, *parameters: Tensor) -> Layered:
        if self._conditionals is None:
            raise ValueError("LadderInferenceNetwork does not know p(z_l | z_{l+1}): make it part of a VAE")
        *lower, top = [Normal(mean, std) for mean, std in zip(parameters[::2], parameters[1::2])]
        others = [_weighted(estimate, prior) for estimate, prior in zip(lower[::-1], self._conditionals())]
        return Layered(self.latent_sizes, top, others, downwards=True)


def _weighted(estimate: Normal, prior: Callable[[Tensor], Normal]) -> Callable[[Tensor], Normal]:
    return lambda above: product_of_gaussians(estimate, prior(above))
