"""Inverse autoregressive flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ..backend.operators import Tensor, namespace, softplus, stop_gradient, sum_last
from ..networks import Activation, Dense
from .base import Flow
from .conditioner import Conditioner

OPEN, SWING = 2.0, 4.0
"""The logit of a gate starts at OPEN, and stays within SWING of it."""

Degrees = Callable[[Tensor], Tensor]


class MaskedDense(Dense):
    """A dense layer each of whose units has a degree and sees those of no higher degree.

    Parameters
    ----------
    units, in_units : width of what comes out and goes in.
    degrees, in_degrees : of the units that come out and go in, functions of their numbers 0, 1, ...
    """

    def __init__(self, units: int, in_units: int, degrees: Degrees, in_degrees: Degrees) -> None:
        super().__init__(units, in_units)
        self.degrees = degrees
        self.in_degrees = in_degrees

    def hybrid_forward(self, F: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # made where it is used: a parameter without a gradient would be in everyone's way
        fixed = stop_gradient(weight)
        degrees = self.degrees(F.contrib.arange_like(fixed, axis=0))
        in_degrees = self.in_degrees(F.contrib.arange_like(fixed, axis=1))
        mask = F.broadcast_greater_equal(F.expand_dims(degrees, axis=1), F.expand_dims(in_degrees, axis=0))
        return super().hybrid_forward(F, x, weight * mask, bias)


class MADE(Conditioner):
    """A conditioner whose outputs each depend on the context and on the variables before theirs in an order.

    Germain et al. 2015, equations 8 to 10. A variable's degree is its place in the order, an output's the
    place before it, and those of hidden units are spread evenly from -1, the context alone, upwards.

    Parameters
    ----------
    variables : D.
    hidden_sizes, act_type, context_size : see :class:`Conditioner`.
    outputs : how many numbers come out for each variable, ``(..., outputs * D)``: all the first ones first.
    backwards : whether the order is that of the last variable first.
    """

    def __init__(
        self,
        variables: int,
        hidden_sizes: Sequence[int],
        outputs: int,
        act_type: Activation = "tanh",
        context_size: int = 0,
        backwards: bool = False,
    ) -> None:
        self.variables = variables
        self.backwards = backwards
        super().__init__(variables, hidden_sizes, outputs * variables, act_type, context_size)

    def layers(self, sizes: Sequence[int]) -> list[Dense]:
        hidden = [self._hidden_degrees(units) for units in sizes[1:-1]]
        degrees = [self._place, *hidden, lambda number: self._place(number) - 1]
        return [MaskedDense(*layer) for layer in zip(sizes[1:], sizes, degrees[1:], degrees)]

    def _place(self, number: Tensor) -> Tensor:
        place = number % self.variables
        return self.variables - 1 - place if self.backwards else place

    def _hidden_degrees(self, units: int) -> Degrees:
        return lambda number: namespace(number).floor(number * self.variables / units) - 1


class InverseAutoregressive(Flow):
    """σ z + (1 - σ) m, with a gate σ in (0, 1) and m for each variable functions of those before it and of
    the context.

    Kingma et al. 2016, equation 14 and algorithm 1. A gate's logit starts near 2 and is kept in (-2, 6) by a tanh,
    so that there is an inverse to compute, which takes D passes: a variable each. The flow is fast at
    its own samples, and slow where it is to score other values.

    Parameters
    ----------
    latent_variable_size : D.
    hidden_sizes : widths of the hidden layers that make σ and m.
    act_type : of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : see :class:`Flow`.
    backwards : whether the order begins with the last variable; steps of a chain alternate.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int],
        act_type: Activation = "tanh",
        context_size: int = 0,
        backwards: bool = False,
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        with self.name_scope():
            self.made = MADE(self.latent_variable_size, hidden_sizes, 2, act_type, self.context_size, backwards)

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        log_gate, shift = self._gate(F, z, *context)
        gate = F.exp(log_gate)
        return z * gate + (1 - gate) * shift, sum_last(log_gate)

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        moved, z = z, F.zeros_like(z)
        for _ in range(self.latent_variable_size):
            # each pass has one more variable of the order right, from those before it
            log_gate, shift = self._gate(F, z, *context)
            z = shift + (moved - shift) * F.exp(-log_gate)
        return z, sum_last(log_gate)

    def _gate(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """log σ and m, ``(..., D)`` each."""
        logit, shift = F.split(self.made(z, *context), num_outputs=2, axis=-1)
        return -softplus(-OPEN - SWING * F.Activation(logit / SWING, act_type="tanh")), shift
