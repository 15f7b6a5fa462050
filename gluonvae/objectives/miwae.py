"""Bounds whose gradient for the inference network keeps its signal as the samples grow (Rainforth et al. 2018)."""

from __future__ import annotations

from typing import ClassVar

from .. import checks
from ..backend.operators import log_mean_exp, stop_gradient
from ..backend.types import Operators, Tensor, Weights
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS
from .importance import ImportanceWeighted

LEAST_SHARE = 1e-12
"""What is added to a sample's share in the gradient of :class:`PIWAE`, so that it can be divided by."""


class Grouped(ImportanceWeighted):
    """Base class of the bounds with samples in m groups.

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        m k, the number of latent states drawn for a data point, of all groups.
    groups : int
        m, the number of groups.
    gradient : {"standard", "stl", "dreg"}
        See :class:`ImportanceWeighted`.

    Raises
    ------
    ValueError
        For samples that do not fall into m groups.
    """

    fixed: ClassVar[tuple[str, ...]] = ("groups",)

    def __init__(self, vae: VAE, samples: int = 64, groups: int = 8, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        self.groups = checks.positive_int("groups", groups)
        if self.samples % self.groups:
            raise ValueError(f"{self.samples} samples do not fall into {self.groups} groups of one size")

    def _in_groups(self, F: Operators, x: Tensor) -> Tensor:
        """``(m k, B)`` as ``(k, m, B)``."""
        return F.reshape(x, shape=(-1, self.groups, 0), reverse=True)

    def _shares(self, F: Operators, log_weight: Tensor) -> Tensor:
        """The share of each sample's weight in those of its group, ``(m k, B)``."""
        return F.reshape_like(F.softmax(self._in_groups(F, log_weight), axis=0), log_weight)


@BOUNDS.register("miwae")
class MIWAE(Grouped):
    """The mean of m importance-weighted bounds of k samples each.

    Rainforth et al. 2018, equation 9. It is IWAE for m = 1, and the ELBO with a sampled KL for k = 1.

    Parameters
    ----------
    vae, samples, groups, gradient
        See :class:`Grouped`.
    """

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        return F.mean(log_mean_exp(self._in_groups(F, log_weight)), axis=0)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        return self._shares(F, log_weight)


@BOUNDS.register("piwae")
class PIWAE(Grouped):
    """IWAE of all m k samples for the generator and the prior, and MIWAE for the inference network.

    Rainforth et al. 2018. Value and bound are those of :class:`IWAE`, and so is the gradient of the generator and
    of the prior; that of the inference network is that of :class:`MIWAE`, by any of the estimators. A step costs
    one more forward pass.

    Parameters
    ----------
    vae, samples, groups, gradient
        See :class:`Grouped`.
    """

    def __init__(self, vae: VAE, samples: int = 64, groups: int = 8, gradient: str = "standard") -> None:
        super().__init__(vae, samples, groups, gradient)
        self.scales_path = self.samples > 1

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        # the second term is 0; it adds LEAST_SHARE to the gradient in each log weight
        return log_mean_exp(log_weight) + LEAST_SHARE * F.sum(log_weight - stop_gradient(log_weight), axis=0)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        shares = self._shares(F, log_weight)
        wanted = (F.square(shares) if self.gradient == "dreg" else shares) / self.groups
        return wanted / (F.softmax(log_weight, axis=0) + LEAST_SHARE)


@BOUNDS.register("ciwae")
class CIWAE(ImportanceWeighted):
    """β times the ELBO with a sampled KL and 1 - β times IWAE, of the same samples (Rainforth et al. 2018).

    Parameters
    ----------
    vae : VAE
        The model.
    beta : float
        β, from 0 to 1; it may be set at any time.
    samples : int
        k, at least 2: for one the two bounds are the same.
    gradient : {"standard", "stl", "dreg"}
        See :class:`ImportanceWeighted`.

    Raises
    ------
    ValueError
        For a single sample.
    """

    beta = Weight(0.0, 1.0)

    def __init__(self, vae: VAE, beta: float = 0.5, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)
        if self.samples == 1:
            raise ValueError("with samples=1 CIWAE is the ELBO whatever beta is: use more samples, or ELBO")
        self.beta = beta

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        of_mean = F.broadcast_mul(F.mean(log_weight, axis=0), weights.beta)
        return of_mean + F.broadcast_mul(log_mean_exp(log_weight), 1 - weights.beta)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        # the weights' shares, and what of the gradient in each log weight is IWAE's and the ELBO's
        shares = F.softmax(log_weight, axis=0)
        of_iwae, of_elbo = F.broadcast_mul(shares, 1 - weights.beta), weights.beta / self.samples
        wanted = F.broadcast_add(of_iwae * shares, of_elbo)
        return wanted / F.broadcast_add(of_iwae, of_elbo + 1e-30)
