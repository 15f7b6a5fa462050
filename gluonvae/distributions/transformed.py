"""Distributions transformed by flows."""

from __future__ import annotations

from typing import Any, Optional

from ..backend.operators import namespace
from ..backend.types import Structure, Tensor
from .base import Distribution


class Transformed(Distribution):
    """The distribution of z' = f(z), where z is drawn from ``base``: its density is that of z over |det df/dz|.

    Parameters
    ----------
    base : Distribution
        The distribution of z; the noise is that which it takes.
    flow : gluonvae.flows.Flow
        f; several flows are one as a :class:`gluonvae.flows.Chain`.
    *context : Tensor
        Features that f depends on beside z, ``(..., C)``, with the leading axes of the base's parameters; left out
        for a flow without context.
    """

    def __init__(self, base: Distribution, flow: Any, *context: Tensor) -> None:
        self.base = base
        self.flow = flow
        self.context = context

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        for features in self.context:
            # (..., 1): a flow needs every leading axis of its context
            value = F.broadcast_add(value, F.zeros_like(F.slice_axis(features, axis=-1, begin=0, end=1)))
        value, log_det = self.flow.inverse(value, *self.context)
        return self.base.log_prob(value) - log_det

    def rsample(self, noise: Optional[Structure] = None) -> Tensor:
        return self.flow(self.base.rsample(noise), *self.context)[0]

    def rsample_and_log_prob(self, noise: Optional[Structure] = None) -> tuple[Tensor, Tensor]:
        value, log_prob = self.base.rsample_and_log_prob(noise)
        value, log_det = self.flow(value, *self.context)
        return value, log_prob - log_det


class Rotated(Transformed):
    """A Gaussian transformed by an orthogonal flow, which does not change KL(q || N(0, 1))."""

    @property
    def mean(self) -> Tensor:
        # the flow is linear
        return self.flow(self.base.mean, *self.context)[0]
