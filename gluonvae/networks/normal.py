"""A network that computes the mean and standard deviation of a Gaussian."""

from __future__ import annotations

from collections.abc import Sequence

from .. import checks
from ..backend.graphs import GraphBlock
from ..backend.types import Operators, Tensor
from ..distributions.normal import Normal
from ..distributions.scales import std_transform
from .activations import Activation
from .dense import Dense, set_in_units
from .mlp import MLP


class NormalNetwork(GraphBlock):
    """Dense layers with a mean and a standard deviation on top: maps ``(..., in_units)`` to two ``(..., D)``.

    Parameters
    ----------
    latent_variable_size : int
        D.
    layer_sizes : sequence of int
        Widths of the hidden layers; may be empty.
    act_type : str or callable
        Their activation.
    in_units : int
        Width of the input; 0 leaves it to the first call.
    std : {"softplus", "exp"}
        One of :data:`gluonvae.distributions.scales.STD_TRANSFORMS`.
    """

    def __init__(
        self, latent_variable_size: int, layer_sizes: Sequence[int], act_type: Activation, in_units: int, std: str
    ) -> None:
        super().__init__()
        self.std_transform = std_transform(std)
        with self.name_scope():
            self.body = MLP(layer_sizes, act_type, in_units, prefix="body_")
            self.mean_head = Dense(latent_variable_size, self.body.out_units, prefix="mean_")
            self.std_head = Dense(latent_variable_size, self.body.out_units, prefix="std_")

    def set_in_units(self, in_units: int) -> None:
        """Set the input size of the first layers."""
        for layer in [self.body[0]] if len(self.body) else [self.mean_head, self.std_head]:
            set_in_units(layer, in_units)

    def hybrid_forward(self, F: Operators, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.heads(self.body(x))

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Compute mean and standard deviation from the output of the hidden layers."""
        return self.mean_head(features), self.std_transform(self.std_head(features))

    def distribution(self, x: Tensor) -> Normal:
        """Return the diagonal Gaussian given ``x``, as an object to score and to sample."""
        return Normal(*self(x))


def latent_sizes_of(value: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of at least two layers; raise ValueError or TypeError for anything else."""
    sizes = checks.layer_sizes("latent_variable_size", value)
    if len(sizes) < 2:
        raise ValueError(f"latent_variable_size must have two layers or more, such as [100, 50], got {list(sizes)}")
    return sizes
