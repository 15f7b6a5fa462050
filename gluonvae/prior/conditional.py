"""A diagonal Gaussian prior for each label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import checks
from ..backend.operators import Tensor, namespace
from ..distributions import Normal
from ..inference.base import STD_TRANSFORMS
from ..networks import MLP, Activation
from .base import PRIORS, Prior


@PRIORS.register("conditional")
class ConditionalPrior(Prior):
    """p(z | y) = N(μ(y), σ(y)²), for a :class:`gluonvae.ConditionalVAE` (Sohn, Lee and Yan 2015). It starts as a
    standard normal whatever the label.

    Parameters
    ----------
    latent_variable_size, data_dims : see :class:`Prior`.
    layer_sizes : widths of the hidden layers between the label and the parameters; without any, each class
        has a mean and a standard deviation of its own.
    act_type : activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    """

    distribution_type = Normal
    needs_label = True

    def __init__(
        self,
        latent_variable_size: int = 0,
        data_dims: int = 0,
        layer_sizes: Sequence[int] = (),
        act_type: Activation = "tanh",
    ) -> None:
        super().__init__(latent_variable_size, data_dims)
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        with self.name_scope():
            self.body = MLP(sizes, act_type, prefix="body_")
        for name in ("mean", "log_std"):
            self._learn(name, (sizes[-1] if sizes else "label_size", "latent_variable_size"), "zeros")

    def given(self, label: Tensor, inference_net: Any) -> Normal:
        F, features = namespace(label), self.body(label)
        mean, log_std = (F.dot(features, self._learned(name, label)) for name in ("mean", "log_std"))
        return Normal(mean, STD_TRANSFORMS["exp"](log_std))
