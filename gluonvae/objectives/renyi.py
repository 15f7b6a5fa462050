"""Bounds from Rényi's divergence."""

from __future__ import annotations

from .. import checks
from ..backend.operators import log_mean_exp
from ..backend.types import Operators, Tensor, Weights
from ..models import VAE
from .base import BOUNDS
from .importance import ImportanceWeighted

NEAREST_ORDER = 1e-4
"""How near 1 the order α may come without being 1: closer, float32 has rounded the bound away."""


@BOUNDS.register("renyi")
class Renyi(ImportanceWeighted):
    """The variational Rényi bound E[1/(1 - α) log 1/k Σ_i w_i^(1 - α)], w_i = p(x, z_i) / q(z_i | x).

    Li and Turner 2016. It falls with α: IWAE at α = 0, the ELBO with a sampled KL at α = 1. For
    α < 0 it is no lower bound on log p(x), and ``terms(data).bound`` is the IWAE bound of the same samples.

    Parameters
    ----------
    vae : VAE
        The model.
    alpha : float
        The order α, any finite number.
    samples : int
        k.
    gradient : {"standard", "stl", "dreg"}
        See :class:`ImportanceWeighted`; "dreg" multiplies a sample's path by α + (1 - α) v_i, where v_i is its
        share in Σ w^(1 - α).

    Raises
    ------
    ValueError
        For an order that is not finite, or too near 1 without being 1.
    """

    def __init__(self, vae: VAE, alpha: float = 0.5, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        alpha = checks.finite_number("alpha", alpha)
        if 0 < abs(1 - alpha) < NEAREST_ORDER:
            raise ValueError(f"alpha must be 1 or {NEAREST_ORDER:g} away from it, got {alpha}: use 1")
        self._alpha = alpha

    @property
    def alpha(self) -> float:
        """The order α; it is fixed, since the graph depends on it."""
        return self._alpha

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        if self.alpha == 1:
            return F.mean(log_weight, axis=0)
        return log_mean_exp((1 - self.alpha) * log_weight) / (1 - self.alpha)

    def lower_bound(self, F: Operators, log_weight: Tensor, value: Tensor) -> Tensor:
        return log_mean_exp(log_weight) if self.alpha < 0 else super().lower_bound(F, log_weight, value)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        return self.alpha + (1 - self.alpha) * F.softmax((1 - self.alpha) * log_weight, axis=0)
