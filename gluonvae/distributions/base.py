"""What every distribution answers."""

from __future__ import annotations

from typing import Optional

from ..backend.operators import Tensor


class Distribution:
    """A distribution over vectors; see the package's docstring for shapes.

    ``noise`` may be left out where the parameters are NDArrays, and is then drawn from
    :data:`gluonvae.noise.source`.
    """

    @property
    def mean(self) -> Tensor:
        """The expected value, ``(..., D)``."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value, ``(..., D)``."""
        raise NotImplementedError(f"{type(self).__name__} has no mode")

    def log_prob(self, value: Tensor) -> Tensor:
        """Log density (or mass) of ``value``, summed over the last axis, in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Log density of each component of ``value``, ``(..., D)``, in nats, where they are independent."""
        raise NotImplementedError(f"{type(self).__name__} has no density of each component")

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """A draw, through which no gradient flows."""
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def rsample_and_log_prob(self, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        """A draw as from :meth:`rsample`, and its log density; the gradient of the latter is that of
        ``log_prob(rsample(noise))``."""
        value = self.rsample(noise)
        return value, self.log_prob(value)

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """A draw that is a differentiable function of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no reparametrised sample")
