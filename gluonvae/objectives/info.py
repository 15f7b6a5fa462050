"""The evidence lower bound with a distance of the aggregate posterior to the prior."""

from __future__ import annotations

import math
from typing import Any

from ..backend.operators import Tensor, namespace, with_sample_axis
from ..backend.runtime import mx
from ..distributions import has_closed_form_kl, kl_divergence
from ..models.vae import VAE
from .base import BOUNDS, Objective, Terms, Weight
from .elbo import check_kl_not_replaced


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
    """Each row's share of the squared maximum mean discrepancy of ``x`` and ``y``, ``(k, B, D)`` each:
    ``(k, B)``, whose mean over B is its V-statistic, never negative (Gretton et al. 2012, equation 5).

    The kernel is the inverse multiquadratic, scale / (scale + |x - y|²), as in Tolstikhin et al. 2018: a
    Gaussian one is 0, and so is its gradient, for latent states far from where they should be.
    """
    return _mean_kernel(x, x, scale) + _mean_kernel(y, y, scale) - 2 * _mean_kernel(x, y, scale)


class InfoTerms(mx.gluon.HybridBlock):
    """log p(x | z), KL(q(z | x) || p(z)) and the share of the MMD, ``(k, B)`` or ``(B,)`` each, for noise
    of the posterior and, in its last axis behind it, of the prior."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        vae, size = self.vae, self.vae.inference_net.noise_size
        posterior, prior = vae.distributions(inputs)
        latent_state, log_posterior = posterior.rsample_and_log_prob(F.slice_axis(noise, axis=-1, begin=0, end=size))
        draws = prior.sample(F.slice_axis(noise, axis=-1, begin=size, end=None))
        log_likelihood = vae.log_likelihood(latent_state, inputs)
        if has_closed_form_kl(type(posterior), type(prior)):
            kl = kl_divergence(posterior, prior)
        else:
            kl = log_posterior - prior.log_prob(latent_state)
        # 2 D: the mean squared distance of two draws from N(0, 1)
        discrepancy = maximum_mean_discrepancy(
            with_sample_axis(latent_state), with_sample_axis(draws), 2.0 * vae.latent_variable_size
        )
        return log_likelihood, kl, F.reshape_like(discrepancy, log_likelihood)


@BOUNDS.register("info")
class InfoVAE(Objective):
    """E_q[log p(x | z)] - (1 - α) KL(q(z | x) || p(z)) - (α + λ - 1) MMD(q(z) || p(z)), where q(z) is the
    posterior of the whole batch.

    Zhao, Song and Ermon 2019, with the squared maximum mean discrepancy, see
    :func:`maximum_mean_discrepancy`, for the divergence of q(z) to p(z): of one latent state and one draw
    from p(z) for each data point, and averaged over k such pairs. α = 1 is the MMD-VAE, without a KL.
    ``terms(data).bound`` is the evidence lower bound. The KL has its closed form where there is one. In the
    MMD p(z) stands still: a learned prior learns from the KL alone, and not at all where α = 1.

    Parameters
    ----------
    vae : the model.
    alpha : α, at most 1.
    lambda_ : λ, not negative. Both are inputs of the graph, and may be set at any time.
    samples : k.

    Raises ValueError where α + λ < 1, which would drive q(z) away from p(z).
    """

    alpha = Weight(-math.inf, 1.0)
    lambda_ = Weight()

    def __init__(self, vae: VAE, alpha: float = 0.0, lambda_: float = 1000.0, samples: int = 1) -> None:
        super().__init__(vae, samples, InfoTerms)
        check_kl_not_replaced(vae, type(self).__name__)
        self.alpha, self.lambda_ = alpha, lambda_
        self._check_weights()

    def _check_weights(self) -> None:
        if self.alpha + self.lambda_ < 1:
            raise ValueError(
                f"alpha + lambda_ must be at least 1, got {self.alpha:g} + {self.lambda_:g}: less makes the MMD "
                "larger, not smaller"
            )

    def unchecked_terms(self, data: Tensor, noise: Tensor) -> Terms:
        self._check_weights()
        return super().unchecked_terms(data, noise)

    def noise_shape(self, batch: int) -> tuple[int, ...]:
        """Shape of the standard normal noise that a batch of so many data points needs: the posterior's and,
        behind it in the last axis, the prior's."""
        *leading, size = super().noise_shape(batch)
        return (*leading, size + self.vae.prior.noise_size)

    def width(self, batch: int) -> int:
        # the kernel of a latent state and that of each data point
        return max(super().width(batch), batch)

    def combine(
        self, F: Any, log_likelihood: Tensor, kl: Tensor, discrepancy: Tensor, alpha: Tensor, lambda_: Tensor
    ) -> tuple[Tensor, ...]:
        log_likelihood, kl, discrepancy = (self._sample_mean(part) for part in (log_likelihood, kl, discrepancy))
        penalty = F.broadcast_mul(kl, 1 - alpha) + F.broadcast_mul(discrepancy, alpha + lambda_ - 1)
        return log_likelihood - penalty, log_likelihood - kl, log_likelihood, kl
