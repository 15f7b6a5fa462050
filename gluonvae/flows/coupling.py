"""Couplings: half of a vector moves, as the other half and the context say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ..backend.operators import Tensor, sum_last
from ..networks import Activation
from .base import Flow
from .conditioner import Conditioner


class Coupling(Flow):
    """Base of the couplings (Dinh, Krueger and Bengio 2015). A kind defines

    - ``move(F, x, parameters)``: for the half that moves, ``(..., d)``, where it moves to, a monotone
      function of each of its values, and the logarithm of the slope, ``(..., d)`` each;
    - ``move_back(F, y, parameters)``: the x that moves to y, and the same logarithm.

    Parameters
    ----------
    latent_variable_size : D, at least 2.
    hidden_sizes : widths of the hidden layers that make the parameters from the half that stays.
    parameters : how many there are for each value that moves.
    act_type : of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : see :class:`Flow`.
    flip : whether the first half moves, rather than the second; couplings alternate.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int],
        parameters: int,
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        if self.latent_variable_size < 2:
            raise ValueError("a coupling moves half of the latent variables: it needs 2 or more, got 1")
        self.flip = flip
        self.half = self.latent_variable_size // 2
        second = self.latent_variable_size - self.half
        staying, self.moving = (second, self.half) if flip else (self.half, second)
        with self.name_scope():
            self.conditioner = Conditioner(staying, hidden_sizes, parameters * self.moving, act_type, context_size)

    def move(self, F: Any, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define move(F, x, parameters)")

    def move_back(self, F: Any, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define move_back(F, y, parameters)")

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return self._couple(F, z, context, self.move)

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return self._couple(F, z, context, self.move_back)

    def _couple(
        self, F: Any, z: Tensor, context: tuple[Tensor, ...], move: Callable[..., tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        first = F.slice_axis(z, axis=-1, begin=0, end=self.half)
        second = F.slice_axis(z, axis=-1, begin=self.half, end=None)
        staying, moving = (second, first) if self.flip else (first, second)
        moved, log_slope = move(F, moving, self.conditioner(staying, *context))
        halves = (moved, staying) if self.flip else (staying, moved)
        return F.concat(*halves, dim=-1), sum_last(log_slope)
