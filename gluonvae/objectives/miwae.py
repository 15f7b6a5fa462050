"""Bounds whose gradient for the inference network keeps its signal as the samples grow (Rainforth et al. 2018)."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..backend.operators import Tensor, log_mean_exp, stop_gradient
from ..models.vae import VAE
from .base import BOUNDS, Weight
from .importance import ImportanceWeighted

LEAST_SHARE = 1e-12
"""What is added to a sample's share in the gradient of :class:`PIWAE`, so that it can be divided by."""


class Grouped(ImportanceWeighted):
    """Base of the bounds of samples in m groups.

    Parameters
    ----------
    vae : the model.
    samples : of all groups, m k.
    groups : m.
    gradient : one of :data:`gluonvae.objectives.importance.GRADIENTS`.

    Raises ValueError for samples that do not fall into m groups.
    """

    def __init__(self, vae: VAE, samples: int = 64, groups: int = 8, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        self.groups = checks.positive_int("groups", groups)
        if self.samples % self.groups:
            raise ValueError(f"{self.samples} samples do not fall into {self.groups} groups of one size")

    def _in_groups(self, F: Any, x: Tensor) -> Tensor:
        """``(m k, B)`` as ``(k, m, B)``."""
        return F.reshape(x, shape=(-1, self.groups, 0), reverse=True)

    def _shares(self, F: Any, log_weight: Tensor) -> Tensor:
        """The share of each sample's weight in those of its group, ``(m k, B)``."""
        return F.reshape_like(F.softmax(self._in_groups(F, log_weight), axis=0), log_weight)


@BOUNDS.register("miwae")
class MIWAE(Grouped):
    """The mean of m importance-weighted bounds of k samples each (Rainforth et al. 2018): IWAE for
    m = 1, the ELBO with a sampled KL for k = 1. Takes the arguments of :class:`Grouped`."""

    def value(self, F: Any, log_weight: Tensor) -> Tensor:
        return F.mean(log_mean_exp(self._in_groups(F, log_weight)), axis=0)

    def path_share(self, F: Any, log_weight: Tensor) -> Tensor:
        return self._shares(F, log_weight)


@BOUNDS.register("piwae")
class PIWAE(Grouped):
    """IWAE of all m k samples for the generator and the prior, and :class:`MIWAE` for the inference network
    (Rainforth et al. 2018): value and bound are IWAE's, and so is the generator's gradient; the
    inference network's is MIWAE's, by any of the estimators. A step costs one more forward pass. Takes the
    arguments of :class:`Grouped`."""

    def __init__(self, vae: VAE, samples: int = 64, groups: int = 8, gradient: str = "standard") -> None:
        super().__init__(vae, samples, groups, gradient)
        self.scales_path = self.samples > 1

    def value(self, F: Any, log_weight: Tensor) -> Tensor:
        # the second term is 0; it adds LEAST_SHARE to the gradient in each log weight
        return log_mean_exp(log_weight) + LEAST_SHARE * F.sum(log_weight - stop_gradient(log_weight), axis=0)

    def path_share(self, F: Any, log_weight: Tensor) -> Tensor:
        shares = self._shares(F, log_weight)
        wanted = (F.square(shares) if self.gradient == "dreg" else shares) / self.groups
        return wanted / (F.softmax(log_weight, axis=0) + LEAST_SHARE)


@BOUNDS.register("ciwae")
class CIWAE(ImportanceWeighted):
    """β times the ELBO with a sampled KL and 1 - β times IWAE, of the same samples (Rainforth et al. 2018).

    Parameters
    ----------
    vae : the model.
    beta : β, from 0 to 1: an input of the graph, that may be set at any time.
    samples : k, at least 2: the two are the same for one.
    gradient : one of :data:`gluonvae.objectives.importance.GRADIENTS`.
    """

    beta = Weight(0.0, 1.0)

    def __init__(self, vae: VAE, beta: float = 0.5, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        if self.samples == 1:
            raise ValueError("with samples=1 CIWAE is the ELBO whatever beta is: use more samples, or ELBO")
        self.beta = beta

    def value(self, F: Any, log_weight: Tensor, beta: Tensor) -> Tensor:
        of_mean = F.broadcast_mul(F.mean(log_weight, axis=0), beta)
        return of_mean + F.broadcast_mul(log_mean_exp(log_weight), 1 - beta)

    def path_share(self, F: Any, log_weight: Tensor, beta: Tensor) -> Tensor:
        # the weights' shares, and what of the gradient in each log weight is IWAE's and the ELBO's
        shares = F.softmax(log_weight, axis=0)
        of_iwae, of_elbo = F.broadcast_mul(shares, 1 - beta), beta / self.samples
        wanted = F.broadcast_add(of_iwae * shares, of_elbo)
        return wanted / F.broadcast_add(of_iwae, of_elbo + 1e-30)
