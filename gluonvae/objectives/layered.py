"""The KL divergence of each layer of latent variables."""

from __future__ import annotations

from typing import Any, cast

from ..backend.operators import Tensor, stop_gradient
from ..backend.runtime import mx
from ..distributions import Layered
from ..models.vae import VAE


def layers_of(vae: VAE) -> int:
    """L, how many layers of latent variables both the posterior and the prior have; 1 where one of them has none."""
    layered = vae.inference_net.distribution_type is vae.prior.distribution_type is Layered
    return len(vae.prior.latent_sizes) if layered else 1


def kl_of_layers(vae: VAE, inputs: Tensor, noise: Tensor, score: bool = True) -> tuple[Tensor, list[Tensor]]:
    """A latent state z, ``(..., D)``, and log q(z_l | its layer before, x) - log p(z_l | z_{l+1}) of each layer, z_1's
    first, ``(...)`` each: estimates of the layers' KL divergences, of which no single one need be positive.

    ``score`` is that of :meth:`VAE.log_weight`.
    """
    posterior, prior = cast(tuple[Layered, Layered], vae.distributions(inputs))
    latent_state, log_posterior = posterior.rsample_and_log_probs(noise)
    if not score:
        at_fixed_z = posterior.log_probs(stop_gradient(latent_state))
        log_posterior = [log - (fixed - stop_gradient(fixed)) for log, fixed in zip(log_posterior, at_fixed_z)]
    return latent_state, [q - p for q, p in zip(log_posterior, prior.log_probs(latent_state))]


class LayeredTerms(mx.gluon.HybridBlock):
    """log p(x | z), and the estimates of the KL divergence of each layer, ``(k, B)`` each."""

    def __init__(self, vae: VAE, score: bool) -> None:
        super().__init__()
        self.vae = vae
        self.score = score

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        latent_state, of_layers = kl_of_layers(self.vae, inputs, noise, self.score)
        return (self.vae.log_likelihood(latent_state, inputs), *of_layers)
