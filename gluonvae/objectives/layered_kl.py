"""The KL divergence of each layer of latent variables."""

from __future__ import annotations

from typing import Any

from ..backend.types import Structure, Tensor
from ..distributions import Layered
from ..models import VAE


def layers_of(vae: VAE) -> int:
    """Return L, how many layers of latent variables posterior and prior have; 1 where one of them has none."""
    layered = vae.inference_net.distribution_type is vae.prior.distribution_type is Layered
    return len(vae.prior.latent_sizes) if layered else 1


def kl_of_layers(q: Any, p: Any, noise: Structure) -> tuple[Tensor, list[Tensor]]:
    """Draw a latent state and estimate the KL divergence of each layer.

    Parameters
    ----------
    q, p : Layered
        Posterior and prior.
    noise : Tensor
        ``(..., D)``.

    Returns
    -------
    latent_state : Tensor
        ``(..., D)``.
    kl : list of Tensor
        log q(z_l | its layer before, x) - log p(z_l | z_{l+1}), z_1's first, ``(...)`` each, of which no single
        one need be positive.
    """
    z, log_q = q.rsample_and_log_probs(noise)
    return z, [of_q - of_p for of_q, of_p in zip(log_q, p.log_probs(z))]
