"""The evidence lower bound with a target for its KL divergence."""

from __future__ import annotations

from typing import Optional

from ..backend.types import Operators, Tensor, Weights
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS
from .elbo import TwoTermBound


@BOUNDS.register("capacity")
class CapacityELBO(TwoTermBound):
    """E_q[log p(x | z)] - γ |KL(q(z | x) || p(z)) - C|, for each data point.

    Burgess et al. 2018, equation 8, where C rises over the training: ``fit(bound, train,
    weights={"capacity": gluonvae.schedules.linear(0, 25, steps)})``. With a sampled KL the absolute value
    is that of the samples' mean. ``terms(data).bound`` is the evidence lower bound.

    Parameters
    ----------
    vae : VAE
        The model.
    gamma : float
        γ, not negative.
    capacity : float
        C in nats, not negative. Both may be set at any time.
    samples, kl, gradient
        See :class:`TwoTermBound`.
    """

    gamma = Weight()
    capacity = Weight()

    def __init__(
        self,
        vae: VAE,
        gamma: float = 1000.0,
        capacity: float = 25.0,
        samples: int = 1,
        kl: Optional[str] = None,
        gradient: str = "standard",
    ) -> None:
        super().__init__(vae, samples, kl, gradient)
        self.gamma, self.capacity = gamma, capacity

    def objective(self, F: Operators, log_likelihood: Tensor, kl: Tensor, weights: Weights) -> Tensor:
        return log_likelihood - F.broadcast_mul(F.abs(F.broadcast_sub(kl, weights.capacity)), weights.gamma)
