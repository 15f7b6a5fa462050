"""The base class of the flows, and their composition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable, ClassVar

from .. import checks
from ..backend.operators import is_symbol, namespace
from ..backend.runtime import mx
from ..backend.types import Operators, Tensor
from ..networks import Dense, ModelBlock

Map = Callable[..., tuple[Tensor, Tensor]]

NEAR_ZERO = 0.01
"""Initial standard deviation of weights that make the flow the identity where they are 0."""


class Flow(ModelBlock):
    """Base class of the normalising flows: an invertible map of a vector and its log-determinant.

    Calling a flow applies it; :meth:`inverse` inverts it. A subclass defines
    ``hybrid_forward(F, z, *context)`` and ``invert(F, z, *context)``.

    Parameters
    ----------
    latent_variable_size : int
        D, the size of the vector.
    context_size : int, default 0
        C, the number of features that the map is conditioned on; 0 for an unconditional flow, which is called
        without a context.
    """

    fixed: ClassVar[tuple[str, ...]] = ("latent_variable_size", "context_size")

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.context_size = checks.positive_int("context_size", context_size) if context_size else 0

    def forward(self, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the flow.

        Parameters
        ----------
        z : Tensor
            ``(..., D)``.
        *context : Tensor
            Features ``(..., C)`` of a conditional flow. ``z`` may have further leading axes, such as that of
            the samples, over which the context is broadcast.

        Returns
        -------
        z : Tensor
            The transformed vector z', ``(..., D)``.
        log_det : Tensor
            log |det dz'/dz|, ``(...)``.

        Raises
        ------
        TypeError
            If the context is missing or unexpected, or a tensor is no NDArray of the flow's dtype.
        ValueError
            If the last axis of a tensor has another size.
        """
        self._check(z, context)
        z, log_det = super().forward(z, *context)
        return z, log_det

    def inverse(self, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """Invert the flow. Gradients flow to ``z``, to the context and to the parameters.

        Parameters
        ----------
        z : Tensor
            A transformed vector, ``(..., D)``.
        *context : Tensor
            As in :meth:`forward`.

        Returns
        -------
        z : Tensor
            The vector that :meth:`forward` maps to the argument, ``(..., D)``.
        log_det : Tensor
            The log-determinant of the forward map at that vector, ``(...)``.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`forward`.
        """
        self._check(z, context)
        return self.invert(namespace(z), z, *context)

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the result of :meth:`forward`; defined by each kind of flow.

        Parameters
        ----------
        F : Operators
            ``mx.nd`` or ``mx.sym``.
        z : Tensor
            ``(..., D)``, an NDArray or a Symbol.
        *context : Tensor
            Features ``(..., C)`` of a conditional flow.

        Returns
        -------
        z, log_det : Tensor
            As in :meth:`forward`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, z, *context)")

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the result of :meth:`inverse`; defined by each kind of flow.

        Parameters
        ----------
        F : Operators
            ``mx.nd`` or ``mx.sym``.
        z : Tensor
            A transformed vector, ``(..., D)``, an NDArray or a Symbol.
        *context : Tensor
            Features ``(..., C)`` of a conditional flow.

        Returns
        -------
        z, log_det : Tensor
            As in :meth:`inverse`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define invert(F, z, *context)")

    def _check(self, z: Tensor, context: tuple[Tensor, ...]) -> None:
        if len(context) != (self.context_size > 0):
            wanted = f"a context (..., {self.context_size})" if self.context_size else "no context"
            raise TypeError(f"{type(self).__name__} takes {wanted}, got {len(context)} of them")
        if is_symbol(z):
            return
        checks.tensor("z", z, (..., self.latent_variable_size), self.dtype)
        for features in context:
            checks.tensor("context", features, (..., self.context_size), self.dtype)


class Chain(Flow):
    """Composition of flows, the first one applied first.

    Parameters
    ----------
    flows : Iterable[Flow]
        One or more flows of the same ``latent_variable_size`` and ``context_size``.

    Raises
    ------
    ValueError
        If there is no flow, or their sizes differ.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        flows = list(flows)
        sizes = {(flow.latent_variable_size, flow.context_size) for flow in flows}
        if len(sizes) != 1:
            raise ValueError(
                "a chain is of flows of one latent_variable_size and one context_size, got "
                + (", ".join(f"({D}, {C})" for D, C in sorted(sizes)) or "no flow")
            )
        super().__init__(*sizes.pop())
        for flow in flows:
            self.register_child(flow)

    def hybrid_forward(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return _compose(F, self._children.values(), z, context)

    def invert(self, F: Operators, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        return _compose(F, [flow.inverse for flow in reversed(self._children.values())], z, context)


def _compose(F: Operators, maps: Iterable[Map], z: Tensor, context: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Apply one map after another, and add up their log-determinants."""
    log_dets = []
    for one in maps:
        z, log_det = one(z, *context)
        log_dets.append(log_det)
    return z, F.add_n(*log_dets)


def near_zero(layer: Dense) -> Dense:
    """Set the weights of a layer to be initialised close to zero, whatever initialiser the model is given.

    Parameters
    ----------
    layer : Dense
        A layer that is not initialised yet.

    Returns
    -------
    Dense
        The same layer.
    """
    layer.weight.init = mx.init.Normal(NEAR_ZERO)
    return layer
