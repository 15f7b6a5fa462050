"""What every flow answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import checks
from ..backend.operators import Tensor, is_symbol, namespace
from ..backend.runtime import mx
from ..networks import Dense, ModelBlock

TINY = 1e-12
"""Floor of a squared length, so that there is a direction."""

NEAR_ZERO = 0.01
"""Standard deviation of the weights that a flow starts with where 0 would make it the identity."""


class Flow(ModelBlock):
    """An invertible map of a vector, with the logarithm of its Jacobian's determinant. Abstract: a kind
    of flow defines ``hybrid_forward(F, z, *context)`` and ``invert(F, z, *context)``.

    Parameters
    ----------
    latent_variable_size : D.
    context_size : C, the number of features of the data that the map depends on; 0 for a map that
        depends on nothing but its own parameters, and is called without a context.
    """

    def __init__(self, latent_variable_size: int, context_size: int = 0) -> None:
        super().__init__()
        self.latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
        self.context_size = checks.positive_int("context_size", context_size) if context_size else 0

    def forward(self, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """z' and log |det dz'/dz|, ``(..., D)`` and ``(...)``.

        Parameters
        ----------
        z : ``(..., D)``, of no fewer leading axes, and no shorter ones, than those of the context.
        context : ``(..., C)``, broadcast over the further axes of z, such as that of the samples.
        """
        self._check(z, context)
        z, log_det = super().forward(z, *context)
        return z, log_det

    def inverse(self, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """The z that :meth:`forward` maps to this one, and log |det| of the forward map there, of the
        shapes that it has; differentiable in z and in what the map depends on."""
        self._check(z, context)
        return self.invert(namespace(z), z, *context)

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, z, *context)")

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        """What :meth:`inverse` returns, for NDArrays and Symbols alike."""
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
    """Flows one after another.

    Parameters
    ----------
    flows : at least one, all of the same sizes.
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

    def hybrid_forward(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        log_dets = []
        for flow in self._children.values():
            z, log_det = flow(z, *context)
            log_dets.append(log_det)
        return z, F.add_n(*log_dets)

    def invert(self, F: Any, z: Tensor, *context: Tensor) -> tuple[Tensor, Tensor]:
        log_dets = []
        for flow in reversed(self._children.values()):
            z, log_det = flow.inverse(z, *context)
            log_dets.append(log_det)
        return z, F.add_n(*log_dets)


class Learned(mx.gluon.HybridBlock):
    """A vector to be learned, the same whatever it is called with: in the place of a layer of features."""

    def __init__(self, size: int, scale: float) -> None:
        super().__init__()
        with self.name_scope():
            self.values = self.params.get("values", shape=(size,), init=mx.init.Normal(scale))

    def forward(self, like: Tensor) -> Tensor:
        return self.values.var() if is_symbol(like) else self.values.data(like.context)


def near_zero(layer: Dense) -> Dense:
    """The layer, whose weights will start small whatever the others start with."""
    layer.weight.init = mx.init.Normal(NEAR_ZERO)
    return layer


class ParametricFlow(Flow):
    """A flow with a few parameters: each is a linear function of the context, or learned where there is none.

    Parameters
    ----------
    latent_variable_size, context_size : see :class:`Flow`.
    sizes : how many numbers each parameter has, by name.
    small : names of those that start near 0.
    """

    def __init__(
        self, latent_variable_size: int, context_size: int, sizes: Mapping[str, int], small: Iterable[str] = ()
    ) -> None:
        super().__init__(latent_variable_size, context_size)
        self._names = tuple(sizes)
        with self.name_scope():
            for name, size in sizes.items():
                setattr(self, name, self._source(size, name in small))

    def _source(self, size: int, small: bool) -> Any:
        if not self.context_size:
            return Learned(size, NEAR_ZERO if small else size**-0.5)
        layer = Dense(size, self.context_size)
        if small:
            return near_zero(layer)
        # a direction, for the context to change
        layer.bias.init = mx.init.Normal(size**-0.5)
        return layer

    def parameters(self, z: Tensor, *context: Tensor) -> tuple[Tensor, ...]:
        """The parameters' values, ``(..., size)`` for a context ``(..., C)`` and ``(size,)`` without."""
        return tuple(getattr(self, name)(*(context or (z,))) for name in self._names)


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The scalar product over the last axis, which it keeps: ``(..., D)`` to ``(..., 1)``."""
    F = namespace(x)
    return F.sum(F.broadcast_mul(x, y), axis=-1, keepdims=True)
