"""The evidence lower bound with a distance of the aggregate posterior to the prior."""

from __future__ import annotations

import math
from functools import cached_property
from typing import NamedTuple, Optional

from ..backend.operators import namespace, with_sample_axis
from ..backend.types import Label, Operators, Structure, Tensor, Weights
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS, Objective
from .elbo import check_kl_not_replaced
from .terms import Inputs, Terms


def _mean_kernel(x: Tensor, y: Tensor, scale: float) -> Tensor:
    """The mean over j of scale / (scale + |x_i - y_j|²), ``(k, B)`` for ``(k, B, D)`` each."""
    F = namespace(x)
    squares = F.broadcast_add(
        F.sum(F.square(x), axis=-1, keepdims=True), F.expand_dims(F.sum(F.square(y), axis=-1), axis=-2)
    )
    # (k, B, B); relu takes away a rounding below 0
    distances = F.relu(squares - 2 * F.batch_dot(x, y, transpose_b=True))
    return F.mean(scale / (scale + distances), axis=-1)


def maximum_mean_discrepancy(x: Tensor, y: Tensor, scale: float) -> Tensor:
    """Compute each row's share of the squared maximum mean discrepancy of two samples.

    The kernel is the inverse multiquadratic, scale / (scale + |x - y|²), as in Tolstikhin et al. 2018: a
    Gaussian one is 0, and so is its gradient, for latent states far from where they should be.

    Parameters
    ----------
    x, y : Tensor
        ``(k, B, D)``.
    scale : float

    Returns
    -------
    Tensor
        ``(k, B)``, whose mean over B is the V-statistic, never negative (Gretton et al. 2012, equation 5).
    """
    return _mean_kernel(x, x, scale) + _mean_kernel(y, y, scale) - 2 * _mean_kernel(x, y, scale)


class InfoNoise(NamedTuple):
    """The noise of :class:`InfoVAE`."""

    posterior: Structure
    prior: Structure


class InfoTerms(NamedTuple):
    """The two terms of the bound and the share of the MMD, ``(k, B)`` or ``(B,)`` each."""

    log_likelihood: Tensor
    kl: Tensor
    discrepancy: Tensor


@BOUNDS.register("info")
class InfoVAE(Objective):
    """E_q[log p(x | z)] - (1 - α) KL(q(z | x) || p(z)) - (α + λ - 1) MMD(q(z) || p(z)).

    q(z) is the posterior of the whole batch. Zhao, Song and Ermon 2019, with the squared maximum mean
    discrepancy, see :func:`maximum_mean_discrepancy`, for the divergence of q(z) to p(z): of one latent state
    and one draw from p(z) for each data point, and averaged over k such pairs. α = 1 is the MMD-VAE, without a
    KL. ``terms(data).bound`` is the evidence lower bound. The KL has its closed form where there is one. In the
    MMD p(z) stands still: a learned prior learns from the KL alone, and not at all where α = 1. The noise is
    :class:`InfoNoise`.

    Parameters
    ----------
    vae : VAE
        The model.
    alpha : float
        α, at most 1.
    lambda_ : float
        λ, not negative. Both may be set at any time.
    samples : int
        k.

    Raises
    ------
    ValueError
        If α + λ < 1, which would drive q(z) away from p(z).
    """

    of_single_rows = False
    alpha = Weight(-math.inf, 1.0)
    lambda_ = Weight()

    def __init__(self, vae: VAE, alpha: float = 0.0, lambda_: float = 1000.0, samples: int = 1) -> None:
        super().__init__(vae, samples)
        check_kl_not_replaced(vae, type(self).__name__)
        self.alpha, self.lambda_ = alpha, lambda_
        self._check_weights()

    def _check_weights(self) -> None:
        # as they were set: to read them from a device would wait for it
        alpha, lambda_ = self.__dict__["_alpha"], self.__dict__["_lambda_"]
        if alpha + lambda_ < 1:
            raise ValueError(
                f"alpha + lambda_ must be at least 1, got {alpha:g} + {lambda_:g}: less makes the MMD larger, "
                "not smaller"
            )

    @cached_property
    def noise(self) -> InfoNoise:
        return InfoNoise(self.vae.inference_net.noise, self.vae.prior.noise)

    def floats_per_sample(self, batch_size: int) -> int:
        # the kernel of a latent state and that of each data point
        return max(super().floats_per_sample(batch_size), batch_size)

    def terms(
        self, data: Tensor, noise: Optional[Structure] = None, label: Optional[Label] = None, validated: bool = False
    ) -> Terms:
        self._check_weights()
        return super().terms(data, noise, label, validated)

    def sampled_terms(self, F: Operators, x: Inputs, noise: InfoNoise) -> InfoTerms:
        q, p = self.posterior(x), self.prior(x)
        z, log_q = q.rsample_and_log_prob(noise.posterior)
        draws = p.sample(noise.prior)
        kl = self.vae.kl(q, p, z, log_q)
        # 2 D: the mean squared distance of two draws from N(0, 1)
        scale = 2.0 * self.vae.latent_variable_size
        discrepancy = maximum_mean_discrepancy(with_sample_axis(z), with_sample_axis(draws), scale)
        log_likelihood = self.log_likelihood(x, z)
        return InfoTerms(log_likelihood, kl, F.reshape_like(discrepancy, log_likelihood))

    def combine(self, F: Operators, terms: InfoTerms, weights: Weights) -> tuple[Tensor, ...]:
        mean = self.sample_mean(terms)
        excess = weights.alpha + weights.lambda_ - 1
        penalty = F.broadcast_mul(mean.kl, 1 - weights.alpha) + F.broadcast_mul(mean.discrepancy, excess)
        return Terms(mean.log_likelihood - penalty, mean.log_likelihood - mean.kl, mean.log_likelihood, mean.kl)
