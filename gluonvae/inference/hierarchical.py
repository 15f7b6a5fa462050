"""Posteriors over several layers of latent variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, ClassVar, Optional

from .. import checks
from ..backend.operators import namespace
from ..backend.runtime import mx
from ..backend.types import Model, Operators, Tensor
from ..distributions import Distribution, Family, Layered, Normal
from ..distributions.scales import std_transform
from ..networks import Activation, max_units
from ..networks.normal import NormalNetwork, latent_sizes_of
from .base import POSTERIORS
from .network import FamilyInferenceNetwork


class LayeredFamily(Family):
    """Base class of the families of layers of latent variables z_1, ..., z_L, z_1 nearest to the data.

    A latent state is ``[z_1, ..., z_L]``, D = D_1 + ... + D_L. The heads are those of z_1.

    Parameters
    ----------
    latent_variable_size : sequence of int
        D_1, ..., D_L, at least two of them.
    between_layer_sizes : sequence of int
        Widths of the hidden layers between z_l and z_{l+1}.
    std : {"softplus", "exp"}
        See :class:`gluonvae.inference.gaussian.DiagonalGaussian`.
    act_type : str or callable
        Activation of the hidden layers: that of the inference network.
    """

    distribution_type = Layered
    supports_bfloat16 = False

    fixed: ClassVar[tuple[str, ...]] = ("latent_sizes",)

    def __init__(
        self,
        latent_variable_size: Sequence[int],
        between_layer_sizes: Sequence[int] = (100, 100),
        std: str = "softplus",
        act_type: Activation = "tanh",
    ) -> None:
        sizes = latent_sizes_of(latent_variable_size)
        super().__init__(sum(sizes))
        self.latent_sizes = sizes
        self.std_transform = std_transform(std)
        between = checks.layer_sizes("between_layer_sizes", between_layer_sizes)
        with self.name_scope():
            self.upper = mx.gluon.nn.HybridSequential(prefix="upper_")
            with self.upper.name_scope():
                for number, size in enumerate(sizes[1:]):
                    self.upper.add(NormalNetwork(size, between, act_type, self.units_below(number, between), std))

    def units_below(self, number: int, between: Sequence[int]) -> int:
        """Return how many numbers the network between layers ``number`` and ``number + 1`` sees; 0 for unknown."""
        raise NotImplementedError(f"{type(self).__name__} must define units_below(number, between)")

    @property
    def heads(self) -> dict[str, int]:
        return dict.fromkeys(("mean", "std"), self.latent_sizes[0])

    def parameters(self, mean: Tensor, std: Tensor) -> tuple[Tensor, ...]:
        return mean, self.std_transform(std)

    def bind(self, model: Model) -> None:
        prior = model.prior
        if prior.distribution_type is Layered and prior.latent_sizes != self.latent_sizes:
            raise ValueError(
                f"latent_variable_size is {list(self.latent_sizes)} in the inference network and "
                f"{list(prior.latent_sizes)} in the prior: they must be the same"
            )


class BottomUpFamily(LayeredFamily):
    """Layers from the data upwards, each a diagonal Gaussian with a network of its own.

    Parameters
    ----------
    latent_variable_size, between_layer_sizes, std, act_type
        See :class:`LayeredFamily`.
    """

    not_in_parameters = "the networks of the layers above z_1, whose Gaussian this is"

    def units_below(self, number: int, between: Sequence[int]) -> int:
        return self.latent_sizes[number]

    @property
    def floats_per_sample(self) -> int:
        return max(super().floats_per_sample, max_units(self.upper))

    def distribution(self, mean: Tensor, std: Tensor) -> Distribution:
        upper = [network.distribution for network in self.upper]
        return Layered(self.latent_sizes, Normal(mean, std), upper, downwards=False)


@POSTERIORS.register("hierarchical")
class HierarchicalInferenceNetwork(FamilyInferenceNetwork):
    """q(z_1 | x) q(z_2 | z_1) ... q(z_L | z_{L-1}), see :class:`BottomUpFamily` and :class:`FamilyInferenceNetwork`.

    The parameters are the ``(mean, std)`` of z_1, ``(B, D_1)`` each. The model of two layers of Burda, Grosse
    and Salakhutdinov 2016, equation 1, is

    >>> gluonvae.HierarchicalInferenceNetwork([100, 50], [200, 200], between_layer_sizes=[100, 100], std="exp")

    with a :class:`gluonvae.HierarchicalPrior`.
    """

    family_type = BottomUpFamily
    default_shared_layers = None


class LadderFamily(LayeredFamily):
    """Layers from the top downwards, which share the prior's networks.

    Features of the data, d_1 to d_L, each computed from the one below, give an estimate N(μ_l, σ_l²) of each
    layer; q(z_l | z_{l+1}, x) is in proportion to the product of that and the prior's p(z_l | z_{l+1}), and
    q(z_L | x) is the estimate itself.

    Parameters
    ----------
    latent_variable_size, between_layer_sizes, std, act_type
        See :class:`LayeredFamily`; ``between_layer_sizes`` are those between d_l and d_{l+1}.
    """

    not_in_parameters = "the prior's networks, whose Gaussians these estimates are multiplied by"
    _conditionals: Optional[Callable[[], Sequence[Any]]] = None

    def units_below(self, number: int, between: Sequence[int]) -> int:
        # where there is no layer between them, the features are those of the body
        return between[-1] if number and between else 0

    def set_feature_size(self, size: int) -> None:
        for network in self.upper:
            network.set_in_units(size)
            size = network.body.out_units or size

    def bind(self, model: Model) -> None:
        prior = model.prior
        if prior.distribution_type is not Layered:
            raise ValueError(
                f"LadderInferenceNetwork shares the prior's p(z_l | z_{{l+1}}), and {type(prior).__name__} has none: "
                f"use HierarchicalPrior({list(self.latent_sizes)})"
            )
        super().bind(model)
        if self._conditionals not in (None, prior.conditionals):
            raise ValueError(
                "LadderInferenceNetwork shares the networks of another model's prior already, and would change that "
                "model: make a new one, or give this model the same prior"
            )
        # a method, not the block itself: parameters stay the prior's alone
        self._conditionals = prior.conditionals

    def distribution(self, *parameters: Tensor) -> Distribution:
        if self._conditionals is None:
            raise ValueError("LadderInferenceNetwork does not know p(z_l | z_{l+1}): make it part of a VAE")
        *lower, top = [Normal(mean, std) for mean, std in zip(parameters[::2], parameters[1::2])]
        others = [_product_with(estimate, prior) for estimate, prior in zip(lower[::-1], self._conditionals())]
        return Layered(self.latent_sizes, top, others, downwards=True)


@POSTERIORS.register("ladder")
class LadderInferenceNetwork(FamilyInferenceNetwork):
    """q(z_L | x) q(z_{L-1} | z_L, x) ... q(z_1 | z_2, x), see :class:`LadderFamily` and
    :class:`FamilyInferenceNetwork`.

    The parameters are the estimates' ``mean, std`` of z_1, then of z_2, ..., ``(B, D_l)`` each. The prior must
    be a :class:`gluonvae.HierarchicalPrior` of the same sizes. Sønderby et al. 2016, section 2, without batch
    normalisation; their warm-up and free bits are those of :class:`gluonvae.FreeBitsELBO`. It learns faster
    with leaky rectifiers, as theirs, than with tanh, and not at all where the learning rate is too high for it
    (benchmarks/README.md).
    """

    family_type = LadderFamily
    default_shared_layers = None

    def hybrid_forward(self, F: Operators, data: Tensor, *label: Tensor) -> tuple[Tensor, ...]:
        features = self.features(data, *label)
        parameters = self.family.parameters(self.mean_head(features), self.std_head(features))
        for network in self.family.upper:
            features = network.body(features)
            parameters = (*parameters, *network.heads(features))
        return parameters


def product_of_gaussians(one: Normal, other: Normal) -> Normal:
    """Return the Gaussian whose density is proportional to the product of two.

    Its precision is the sum of theirs, and its mean is weighted by them.

    Parameters
    ----------
    one, other : Normal
        ``(..., D)`` each.

    Returns
    -------
    Normal
    """
    # the mean as a share of each, so that no square of a small number is divided by
    F = namespace(one.std)
    ratio = F.broadcast_div(one.std, other.std)
    share = 1 / (1 + F.square(ratio))
    difference = F.broadcast_sub(one.mean, other.mean)
    return Normal(other.mean + share * difference, F.broadcast_mul(one.std, F.sqrt(share)))


def _product_with(estimate: Normal, prior: Callable[[Tensor], Normal]) -> Callable[[Tensor], Normal]:
    return lambda above: product_of_gaussians(estimate, prior(above))
