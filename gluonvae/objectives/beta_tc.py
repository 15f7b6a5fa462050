"""The evidence lower bound whose KL divergence is taken apart, by the aggregate posterior."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .. import checks
from ..backend.operators import log_mean_exp, sum_last, with_sample_axis
from ..backend.types import Operators, Structure, Tensor, Weights
from ..distributions import Distribution
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS, Objective
from .elbo import check_kl_not_replaced
from .terms import Inputs, Terms


class DecomposedTerms(NamedTuple):
    """The log likelihood, the KL and two of its parts, ``(k, B)`` or ``(B,)`` each, in nats."""

    log_likelihood: Tensor
    kl: Tensor
    information: Tensor
    """log q(z | x) - log q(z)."""
    correlation: Tensor
    """log q(z) - Σ_d log q(z_d)."""


@BOUNDS.register("beta_tc")
class BetaTC(Objective):
    """E_q[log p(x | z)] - α MI - β TC - γ DW: the KL taken apart.

    Its parts are the mutual information of data and latent state, the total correlation of the latent variables
    and their KL divergences one by one (Chen et al. 2018). q(z) is of N data points, estimated from the M of
    the batch by minibatch-weighted sampling: log q(z_i) ~ log 1/(N M) Σ_j q(z_i | x_j), and q(z_d) likewise
    (section 4.1). With α = β = γ = 1 it is the evidence lower bound with a sampled KL, and
    ``terms(data).bound`` always is. An array of M × k × M × D numbers is made.

    Parameters
    ----------
    vae : VAE
        The model, whose posterior and prior are of independent latent variables.
    dataset_size : int
        N, the number of data points that are trained on.
    alpha, beta, gamma : float
        α, β and γ, not negative; they may be set at any time.
    samples : int
        k.

    Raises
    ------
    ValueError
        For a posterior or a prior that has no density of each latent variable.
    """

    of_single_rows = False
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
        super().__init__(vae, samples)
        self.log_size = math.log(checks.positive_int("dataset_size", dataset_size))
        check_kl_not_replaced(vae, type(self).__name__)
        self.alpha, self.beta, self.gamma = alpha, beta, gamma
        parts: dict[str, Any] = {"posterior": vae.inference_net, "prior": vae.prior}
        for name, part in parts.items():
            kind = part.distribution_type
            if kind is not None and kind.component_log_prob is Distribution.component_log_prob:
                raise ValueError(
                    f"BetaTC needs the density of each latent variable, and the {name} of {type(part).__name__}, a "
                    f"{kind.__name__}, has none: use one whose latent variables are independent"
                )

    def floats_per_sample(self, batch_size: int) -> int:
        # the density of each latent variable under the posterior of each data point
        return max(super().floats_per_sample(batch_size), batch_size * self.vae.latent_variable_size)

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> DecomposedTerms:
        net = self.vae.inference_net
        parameters = net(x.data, *x.label)
        q, p = net.distribution(*parameters), self.prior(x)
        z, log_q = q.rsample_and_log_prob(noise)
        # those of every data point for the latent states (k, B, D) of all: (M, k, B, D)
        of_each = net.distribution(*(F.reshape(parameter, shape=(0, 1, 1, -1)) for parameter in parameters))
        densities = of_each.component_log_prob(with_sample_axis(z))
        joint = F.reshape_like(log_mean_exp(F.sum(densities, axis=-1)), log_q) - self.log_size
        marginals = F.reshape_like(sum_last(log_mean_exp(densities) - self.log_size), log_q)
        return DecomposedTerms(self.log_likelihood(x, z), log_q - p.log_prob(z), log_q - joint, joint - marginals)

    def combine(self, F: Operators, terms: DecomposedTerms, weights: Weights) -> tuple[Tensor, ...]:
        mean = self.sample_mean(terms)
        # DW is what the other two leave of the KL: so nothing cancels where the weights are equal
        penalty = (
            F.broadcast_mul(mean.kl, weights.gamma)
            + F.broadcast_mul(mean.information, weights.alpha - weights.gamma)
            + F.broadcast_mul(mean.correlation, weights.beta - weights.gamma)
        )
        return Terms(mean.log_likelihood - penalty, mean.log_likelihood - mean.kl, mean.log_likelihood, mean.kl)
