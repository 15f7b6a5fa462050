"""Inverse autoregressive flows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Callable

from .. import checks
from ..backend.operators import namespace, softplus, stop_gradient, sum_last
from ..backend.types import Operators, Tensor
from ..networks import Activation, Dense
from .base import Flow
from .conditioner import Conditioner

OPEN, SWING = 2.0, 4.0
"""Initial logit of a gate, and the largest distance of a logit from it."""

Degrees = Callable[[Tensor], Tensor]


class MaskedDense(Dense):
    """Masked dense layer: an output is connected to the inputs of the same or a lower degree.

    Germain et al. 2015, equation 8.

    Parameters
    ----------
    units : int
        Number of outputs.
    in_units : int
        Number of inputs.
    degrees : Callable[[Tensor], Tensor]
        Degree of an output as a function of its index 0, 1, ...
    in_degrees : Callable[[Tensor], Tensor]
        Degree of an input as a function of its index.
    """

    def __init__(self, units: int, in_units: int, degrees: Degrees, in_degrees: Degrees) -> None:
        super().__init__(units, in_units)
        self.degrees = degrees
        self.in_degrees = in_degrees

    def hybrid_forward(self, F: Operators, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # computed in the graph: as a parameter without a gradient the mask would be an exception wherever
        # parameters are saved, counted or trained
        fixed = stop_gradient(weight)
        degrees = self.degrees(F.contrib.arange_like(fixed, axis=0))
        in_degrees = self.in_degrees(F.contrib.arange_like(fixed, axis=1))
        mask = F.broadcast_greater_equal(F.expand_dims(degrees, axis=1), F.expand_dims(in_degrees, axis=0))
        return super().hybrid_forward(F, x, weight * mask, bias)


class MADE(Conditioner):
    """Masked autoregressive network: the two outputs of a variable depend on the context and on earlier variables.

    The degree of a variable is its position in the order; its outputs have the degree below. The result
    ``(..., 2 D)`` has the first output of all variables first. The degrees of
    the hidden units are spread evenly from -1 upwards, where -1 means a unit that sees only the context.

    Germain et al. 2015, equations 8 to 10.

    Parameters
    ----------
    variables : int
        D, the number of variables.
    hidden_sizes : Sequence[int]
        Widths of the hidden layers; may be empty.
    act_type : str or callable
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int
        C, the number of context features; 0 for none.
    backwards : bool
        Order the variables from the last to the first.
    """

    def __init__(
        self, variables: int, hidden_sizes: Sequence[int], act_type: Activation, context_size: int, backwards: bool
    ) -> None:
        self.variables = variables
        self.backwards = checks.boolean("flip", backwards)
        super().__init__(variables, hidden_sizes, 2 * variables, act_type, context_size)

    def layers(self, sizes: Sequence[int]) -> list[Dense]:
        hidden = [self._hidden_degrees(units) for units in sizes[1:-1]]
        degrees = [self._place, *hidden, self._below_place]
        return [MaskedDense(*layer) for layer in zip(sizes[1:], sizes, degrees[1:], degrees)]

    def _place(self, number: Tensor) -> Tensor:
        """Return the position in the order of the variables with these indices."""
        place = number % self.variables
        return self.variables - 1 - place if self.backwards else place

    def _below_place(self, number: Tensor) -> Tensor:
        return self._place(number) - 1

    def _hidden_degrees(self, units: int) -> Degrees:
        return partial(_spread, self.variables, units)


def _spread(variables: int, units: int, number: Tensor) -> Tensor:
    """The degrees of hidden units with these indices: spread evenly from -1 upwards."""
    return namespace(number).floor(number * variables / units) - 1


class InverseAutoregressive(Flow):
    """Inverse autoregressive flow with gates: σ z + (1 - σ) m.

    The gate σ in (0, 1) and m of a variable are functions of the earlier variables and of the context. The
    logit of a gate starts near 2, and a tanh keeps it in (-2, 6), so that the inverse is well conditioned.
    The forward map takes one pass through the network, the inverse D passes: sampling is fast, the density of
    other values is slow.

    Kingma et al. 2016, equation 14 and algorithm 1.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    hidden_sizes : Sequence[int]
        Widths of the hidden layers of the network that computes σ and m.
    act_type : str or callable, default "tanh"
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int, default 0
        C, the number of context features; 0 for an unconditional flow.
    flip : bool, default False
        Order the variables from the last to the first. The steps of a chain should alternate.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int] = (100,),
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        with self.name_scope():
            self.made = MADE(self.latent_variable_size, hidden_sizes, act_type, self.context_size, flip)

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        log_gate, shift = self._gate(F, z, *context)
        gate = F.exp(log_gate)
        return z * gate + (1 - gate) * shift, sum_last(log_gate)

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        moved, z = z, F.zeros_like(z)
        for _ in range(self.latent_variable_size):
            # each pass computes one more variable of the order, from those before it
            log_gate, shift = self._gate(F, z, *context)
            z = shift + (moved - shift) * F.exp(-log_gate)
        return z, sum_last(log_gate)

    def _gate(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """Return log σ and m, ``(..., D)`` each."""
        logit, shift = F.split(self.made(z, *context), num_outputs=2, axis=-1)
        return -softplus(-OPEN - SWING * F.Activation(logit / SWING, act_type="tanh")), shift
