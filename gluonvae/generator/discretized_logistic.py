"""8-bit images: discretised logistics and their mixtures."""

from __future__ import annotations

from .. import checks
from ..backend.operators import Tensor
from ..distributions import DiscretizedLogistic, DiscretizedLogisticMixture
from ..networks import Activation, Layers
from .base import LIKELIHOODS, DenseGenerator, positive
from .support import LEVELS

MIN_SCALE = 1e-4
"""Floor of a scale: at a fortieth of a level all the probability may lie on one."""


@LIKELIHOODS.register("discretizedLogistic")
class DiscretizedLogisticGenerator(DenseGenerator):
    """Independent pixels n / 255, n = 0 to 255, whose probability is that of a logistic between the edges
    around the level (Kingma et al. 2016, appendix); returns their means, and what the softplus of their
    scales is taken of, ``(..., X)`` each. Takes the arguments of :class:`DenseGenerator`."""

    title = "a discretised logistic"
    support = LEVELS
    bears_bfloat16 = False
    pixels = "grey"
    heads = ("mean", "raw_scale")

    def distribution(self, mean: Tensor, raw_scale: Tensor) -> DiscretizedLogistic:
        return DiscretizedLogistic(mean, positive(raw_scale, MIN_SCALE))


@LIKELIHOODS.register("discretizedLogisticMixture")
class DiscretizedLogisticMixtureGenerator(DenseGenerator):
    """Independent pixels n / 255, n = 0 to 255, each a mixture of discretised logistics (Salimans et al. 2017,
    section 2.1); returns the logits of the components, their means, and what the softplus of their scales is
    taken of, ``(..., K * X)`` each, one component after the other.

    Parameters
    ----------
    data_dims, layer_sizes, act_type, latent_variable_size : see :class:`DenseGenerator`.
    components : K.
    """

    title = "a mixture of discretised logistics"
    support = LEVELS
    bears_bfloat16 = False
    pixels = "grey"
    heads = ("logits", "mean", "raw_scale")

    def __init__(
        self,
        data_dims: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        latent_variable_size: int = 0,
        components: int = 10,
    ) -> None:
        # before the base makes the heads
        self.components = checks.positive_int("components", components)
        super().__init__(data_dims, layer_sizes, act_type, latent_variable_size)

    def head_size(self, name: str) -> int:
        return self.components * self.data_dims

    def distribution(self, logits: Tensor, mean: Tensor, raw_scale: Tensor) -> DiscretizedLogisticMixture:
        return DiscretizedLogisticMixture(logits, mean, positive(raw_scale, MIN_SCALE), self.components)
