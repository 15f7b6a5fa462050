"""What a flow makes of a distribution."""

from __future__ import annotations

from typing import Any, Optional

from ..backend.operators import Tensor, namespace, stop_gradient
from .base import Distribution


class Transformed(Distribution):
    """The distribution of z' = f(z) for z drawn from ``base``: its density is that of z over |det df/dz|.

    Parameters
    ----------
    base : the distribution of z; the noise is what it takes.
    flow : f, a :class:`gluonvae.flows.Flow`, several of them as a :class:`gluonvae.flows.Chain`.
    context : ``(..., C)``, what f depends on beside z, of the leading axes of the base's parameters;
        left out for a flow without one.
    """

    def __init__(self, base: Distribution, flow: Any, *context: Tensor) -> None:
        self.base = base
        self.flow = flow
        self.context = context

    def log_prob(self, value: Tensor) -> Tensor:
        F = namespace(value)
        for features in self.context:
            # (..., 1): a flow wants every leading axis of its context
            value = F.broadcast_add(value, F.zeros_like(F.slice_axis(features, axis=-1, begin=0, end=1)))
        value, log_det = self.flow.inverse(value, *self.context)
        return self.base.log_prob(value) - log_det

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        value, _ = self.flow(self.base.rsample(noise), *self.context)
        return value

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        value, log_prob = self.base.rsample_and_log_prob(noise)
        value, log_det = self.flow(value, *self.context)
        return value, log_prob - log_det

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        value = self.rsample(noise)
        return stop_gradient(value)


class Rotated(Transformed):
    """What an orthogonal flow makes of a Gaussian. It leaves KL(q || N(0, 1)) as it is."""
