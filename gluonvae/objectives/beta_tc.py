"""The evidence lower bound whose KL divergence is taken apart, by the aggregate posterior."""

from __future__ import annotations

import math
from typing import Any

from .. import checks
from ..backend.operators import Tensor, log_mean_exp, sum_last, with_sample_axis
from ..backend.runtime import mx
from ..distributions import Distribution
from ..models.vae import VAE
from .base import BOUNDS, Objective, Weight
from .elbo import check_kl_not_replaced


class DecomposedTerms(mx.gluon.HybridBlock):
    """log p(x | z), log q(z | x) - log p(z), and the latter's parts that are log q(z | x) - log q(z) and
    log q(z) - Σ_d log q(z_d), ``(k, B)`` or ``(B,)`` each.

    q(z) is of N data points, estimated from the M of the batch by minibatch-weighted sampling:
    log q(z_i) ~ log 1/(N M) Σ_j q(z_i | x_j), and q(z_d) likewise (Chen et al. 2018, section 4.1).
    """

    def __init__(self, vae: VAE, dataset_size: int) -> None:
        super().__init__()
        self.vae = vae
        self.log_size = math.log(dataset_size)

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        vae = self.vae
        parameters = vae.inference_net(inputs)
        posterior = vae.inference_net.distribution(*parameters)
        latent_state, log_posterior = posterior.rsample_and_log_prob(noise)
        log_likelihood = vae.log_likelihood(latent_state, inputs)
        prior = vae.prior_distribution(inputs, vae.label_of(inputs))
        kl = log_posterior - prior.log_prob(latent_state)
        # those of every data point for the latent states (k, B, D) of all: (M, k, B, D)
        of_each = vae.inference_net.distribution(*(F.reshape(p, shape=(0, 1, 1, -1)) for p in parameters))
        densities = of_each.component_log_prob(with_sample_axis(latent_state))
        joint = F.reshape_like(log_mean_exp(F.sum(densities, axis=-1)), log_posterior) - self.log_size
        by_variable = log_mean_exp(densities) - self.log_size
        marginals = F.reshape_like(sum_last(by_variable), log_posterior)
        return log_likelihood, kl, log_posterior - joint, joint - marginals


@BOUNDS.register("beta_tc")
class BetaTC(Objective):
    """E_q[log p(x | z)] - α MI - β TC - γ DW: the KL taken apart into the mutual information of data and
    latent state, the total correlation of the latent variables and their KL divergences one by one.

    Chen et al. 2018, by minibatch-weighted sampling; with α = β = γ = 1 it is the evidence lower
    bound with a sampled KL, and ``terms(data).bound`` always is. An array of M × k × M × D numbers is made,
    for batches of M.

    Parameters
    ----------
    vae : the model, whose posterior and prior are of independent latent variables.
    dataset_size : N, the number of data points that are trained on.
    alpha, beta, gamma : α, β and γ, not negative: inputs of the graph, that may be set at any time.
    samples : k.

    Raises ValueError for a posterior or a prior that has no density of each latent variable.
    """

    alpha = Weight()
    beta = Weight()
    gamma = Weight()

    def __init__(
        self,
        vae: VAE,
        dataset_size: int,
        alpha: float = 1.0,
        beta: float = 6.0,
        gamma: float = 1.0,
        samples: int = 1,
    ) -> None:
        size = checks.positive_int("dataset_size", dataset_size)
        super().__init__(vae, samples, lambda vae: DecomposedTerms(vae, size))
        check_kl_not_replaced(vae, type(self).__name__)
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        for name, part in (("posterior", vae.inference_net), ("prior", vae.prior)):
            kind = part.distribution_type
            if kind is not None and kind.component_log_prob is Distribution.component_log_prob:
                raise ValueError(
                    f"BetaTC needs the density of each latent variable, and the {name} of {type(part).__name__}, a "
                    f"{kind.__name__}, has none: use one whose latent variables are independent"
                )

    def width(self, batch: int) -> int:
        # the density of each latent variable under the posterior of each data point
        return max(super().width(batch), batch * self.vae.latent_variable_size)

    def combine(
        self,
        F: Any,
        log_likelihood: Tensor,
        kl: Tensor,
        information: Tensor,
        correlation: Tensor,
        alpha: Tensor,
        beta: Tensor,
        gamma: Tensor,
    ) -> tuple[Tensor, ...]:
        parts = (log_likelihood, kl, information, correlation)
        log_likelihood, kl, information, correlation = (self._sample_mean(part) for part in parts)
        # DW is what the other two leave of the KL: so nothing cancels where the weights are equal
        penalty = (
            F.broadcast_mul(kl, gamma)
            + F.broadcast_mul(information, alpha - gamma)
            + F.broadcast_mul(correlation, beta - gamma)
        )
        return log_likelihood - penalty, log_likelihood - kl, log_likelihood, kl
