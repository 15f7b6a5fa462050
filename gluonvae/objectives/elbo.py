"""The evidence lower bound."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import has_closed_form_kl
from ..models.vae import VAE, LogWeight
from .base import BOUNDS, Objective, Weight

KL = ("closed", "sampled")
"""How the KL divergence of :class:`TwoTermBound` may be computed."""

PATH_ONLY = ("standard", "stl")
"""Gradient estimators of :class:`TwoTermBound`: the one of the objective as it stands, or sticking the
landing (Roeder, Wu and Duvenaud 2017), which leaves out the score of q."""


class SampledTerms(LogWeight):
    """log p(x | z) and log q(z | x) - log p(z) at each sample, ``(k, B)`` each."""

    def hybrid_forward(self, F: Any, data: Tensor, noise: Tensor, *path_scale: Tensor) -> tuple[Tensor, Tensor]:
        log_likelihood, log_ratio = super().hybrid_forward(F, data, noise, *path_scale)
        return log_likelihood, -log_ratio


class TwoTermBound(Objective):
    """Base of the bounds made of log p(x | z) and KL(q(z | x) || p(z)): a kind defines
    ``weigh(F, log_likelihood, kl, *weights)``, the objective, of tensors ``(B,)``.

    Parameters
    ----------
    vae : the model.
    samples : k, the number of latent states that a term without a closed form is averaged over.
    kl : "closed" or "sampled"; left out, closed where there is such a form and the gradient is standard.
    gradient : one of :data:`PATH_ONLY`; "stl" is of the sampled KL.

    Raises ValueError for a closed form that there is not, or that the gradient has no use for.
    """

    def __init__(self, vae: VAE, samples: int = 1, kl: Optional[str] = None, gradient: str = "standard") -> None:
        checks.known_name("gradient", gradient, PATH_ONLY)
        if kl is not None:
            checks.known_name("kl", kl, KL)
        if kl == "closed" and gradient != "standard":
            raise ValueError("gradient 'stl' is of a sampled KL: a closed form has no score to leave out")
        sampled = kl == "sampled" or gradient != "standard"
        super().__init__(vae, samples, lambda vae: self.two_terms(vae, sampled, gradient == "standard"))
        if kl == "closed":
            check_known_kl(vae, has_closed_form_kl, "has no closed form: leave kl out, or say kl='sampled'")

    def two_terms(self, vae: VAE, sampled: bool, score: bool) -> Any:
        """The block of the two terms: what ``combine`` takes."""
        return SampledTerms(vae, score) if sampled else vae

    def combine(self, F: Any, log_likelihood: Tensor, kl: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        log_likelihood, kl = self._sample_mean(log_likelihood), self._sample_mean(kl)
        return self.weigh(F, log_likelihood, kl, *weights), log_likelihood - kl, log_likelihood, kl

    def weigh(self, F: Any, log_likelihood: Tensor, kl: Tensor, *weights: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define weigh(F, log_likelihood, kl, *weights)")


def check_known_kl(vae: VAE, known: Callable[[type, type], bool], missing: str) -> None:
    """ValueError, with what is ``missing``, where the types of the model's posterior and prior are declared
    and none whose KL is ``known``."""
    q, p = vae.inference_net.distribution_type, vae.prior.distribution_type
    if q is None or p is None or known(q, p):
        return
    raise ValueError(
        f"KL({q.__name__} || {p.__name__}), of {type(vae.inference_net).__name__} and {type(vae.prior).__name__}, "
        + missing
    )


def check_kl_not_replaced(vae: VAE, objective: str) -> None:
    """ValueError where the model has a KL of its own, which an objective that computes it would pass over."""
    if vae.kl_is_replaced:
        raise ValueError(f"{objective} computes the KL itself, and the model has another kl_divergence: use ELBO")


@BOUNDS.register("elbo")
class ELBO(TwoTermBound):
    """The evidence lower bound E_q[log p(x | z)] - β KL(q(z | x) || p(z)).

    Kingma and Welling 2014, equation 3; the weight β is Higgins et al. 2017, equation 4. With
    β other than 1 the objective is no longer the bound, and ``terms(data).bound`` still is.

    Parameters
    ----------
    vae : the model.
    beta : β, not negative. Set ``bound.beta`` at any time: it is an input of the graph.
    samples, kl, gradient : see :class:`TwoTermBound`.
    """

    beta = Weight()

    def __init__(
        self, vae: VAE, beta: float = 1.0, samples: int = 1, kl: Optional[str] = None, gradient: str = "standard"
    ) -> None:
        super().__init__(vae, samples, kl, gradient)
        self.beta = beta

    def weigh(self, F: Any, log_likelihood: Tensor, kl: Tensor, beta: Tensor) -> Tensor:
        return log_likelihood - F.broadcast_mul(kl, beta)
