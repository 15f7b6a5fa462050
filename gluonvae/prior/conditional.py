"""A diagonal Gaussian prior for each label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .. import checks
from ..backend.operators import namespace
from ..backend.types import Model, Tensor
from ..distributions import Normal
from ..distributions.scales import exp_std
from ..networks import MLP, Activation, set_in_units
from .base import PRIORS, Prior


@PRIORS.register("conditional")
class ConditionalPrior(Prior):
    """p(z | y) = N(μ(y), σ(y)²), for a :class:`gluonvae.ConditionalVAE` (Sohn, Lee and Yan 2015).

    It starts as a standard normal whatever the label.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    layer_sizes : sequence of int
        Widths of the hidden layers between the label and the parameters; without any, each class has a mean
        and a standard deviation of its own.
    act_type : str or callable
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    """

    distribution_type = Normal
    needs_label = True

    fixed: ClassVar[tuple[str, ...]] = ("label_size",)

    def __init__(
        self, latent_variable_size: int = 0, layer_sizes: Sequence[int] = (), act_type: Activation = "tanh"
    ) -> None:
        super().__init__(latent_variable_size)
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        with self.name_scope():
            self.body = MLP(sizes, act_type, prefix="body_")
        self.label_size = 0
        for name in ("mean", "log_std"):
            self._learn(name, (sizes[-1] if sizes else "label_size", "latent_variable_size"), "zeros")

    def bind(self, model: Model) -> None:
        if not model.label_size:
            raise ValueError(f"{type(self).__name__} is a prior for each label: use ConditionalVAE")
        self.label_size = model.label_size
        if len(self.body):
            set_in_units(self.body[0], self.label_size)
        super().bind(model)

    def distribution(self, like: Tensor) -> Normal:
        """Return p(z | y).

        Parameters
        ----------
        like : Tensor
            The labels y, ``(B, Y)``.
        """
        F, features = namespace(like), self.body(like)
        mean, log_std = (F.dot(features, self._learned(name, like)) for name in ("mean", "log_std"))
        return Normal(mean, exp_std(log_std))
