"""The base class of the coupling layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from .. import checks
from ..backend.operators import sum_last
from ..backend.types import Operators, Tensor
from ..networks import Activation
from .base import Flow
from .conditioner import Conditioner


class Coupling(Flow):
    """Base class of the coupling layers, which transform one half of a vector conditioned on the other half.

    A subclass defines :meth:`move` and :meth:`move_back`, an elementwise monotone map and its inverse.

    Dinh, Krueger and Bengio 2015, section 3.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector, at least 2.
    hidden_sizes : Sequence[int], default (100,)
        Widths of the hidden layers of the network that computes the parameters of the map.
    act_type : str or callable, default "tanh"
        Activation of the hidden layers, see :data:`gluonvae.networks.ACTIVATIONS`.
    context_size : int, default 0
        C, the number of context features; 0 for an unconditional flow.
    flip : bool, default False
        Transform the first half instead of the second. Successive couplings should alternate.
    parameters : int, default 2
        Number of parameters of the map for each transformed value.

    Raises
    ------
    ValueError
        If ``latent_variable_size`` is below 2.
    """

    def __init__(
        self,
        latent_variable_size: int,
        hidden_sizes: Sequence[int] = (100,),
        act_type: Activation = "tanh",
        context_size: int = 0,
        flip: bool = False,
        parameters: int = 2,
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        if self.latent_variable_size < 2:
            raise ValueError("a coupling moves half of the latent variables: it needs 2 or more, got 1")
        self.flip = checks.boolean("flip", flip)
        self.half = self.latent_variable_size // 2
        second = self.latent_variable_size - self.half
        staying, self.moving = (second, self.half) if flip else (self.half, second)
        with self.name_scope():
            self.conditioner = Conditioner(staying, hidden_sizes, parameters * self.moving, act_type, context_size)

    def move(self, F: Operators, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the elementwise map; defined by each kind of coupling.

        Parameters
        ----------
        F : Operators
            ``mx.nd`` or ``mx.sym``.
        x : Tensor
            The transformed half, ``(..., d)``.
        parameters : Tensor
            Output of the network, ``(..., parameters * d)``.

        Returns
        -------
        y : Tensor
            The mapped values, ``(..., d)``.
        log_slope : Tensor
            log dy/dx, ``(..., d)``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define move(F, x, parameters)")

    def move_back(self, F: Operators, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Invert the elementwise map; defined by each kind of coupling.

        Parameters
        ----------
        F : Operators
            ``mx.nd`` or ``mx.sym``.
        y : Tensor
            Mapped values, ``(..., d)``.
        parameters : Tensor
            Output of the network, ``(..., parameters * d)``.

        Returns
        -------
        x : Tensor
            The values that :meth:`move` maps to ``y``, ``(..., d)``.
        log_slope : Tensor
            log dy/dx there, as :meth:`move` returns it, ``(..., d)``.
        """
        raise NotImplementedError(f"{type(self).__name__} must define move_back(F, y, parameters)")

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return self._couple(F, z, context, self.move)

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return self._couple(F, z, context, self.move_back)

    def _couple(
        self, F: Operators, z: Tensor, context: tuple[Tensor, ...], move: Callable[..., tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """Apply ``move`` to one half of z, with parameters computed from the other half."""
        # not split_v2: MXNet cannot draw its graph
        first = F.slice_axis(z, axis=-1, begin=0, end=self.half)
        second = F.slice_axis(z, axis=-1, begin=self.half, end=None)
        staying, moving = (second, first) if self.flip else (first, second)
        moved, log_slope = move(F, moving, self.conditioner(staying, *context))
        halves = (moved, staying) if self.flip else (staying, moved)
        return F.concat(*halves, dim=-1), sum_last(log_slope)
