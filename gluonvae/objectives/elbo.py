"""The evidence lower bound."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional

from .. import checks
from ..backend.types import Operators, Structure, Tensor, Weights
from ..distributions import has_closed_form_kl
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS, Objective
from .terms import Inputs, Terms

KL = ("closed", "sampled")
"""How the KL divergence of :class:`TwoTermBound` may be computed."""


class TwoTerms(NamedTuple):
    """The two terms of the evidence lower bound, ``(k, B)`` or ``(B,)`` each, in nats."""

    log_likelihood: Tensor
    kl: Structure


class TwoTermBound(Objective):
    """Base class of the bounds made of log p(x | z) and KL(q(z | x) || p(z)).

    A kind defines ``objective(F, log_likelihood, kl, weights)``, of tensors ``(B,)``.

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        k, the number of latent states that a term without a closed form is averaged over.
    kl : {"closed", "sampled"}, optional
        Left out, closed where there is such a form and the gradient is standard.
    gradient : {"standard", "stl"}
        See :data:`gluonvae.objectives.estimators.GRADIENTS`; "stl" is of the sampled KL.

    Raises
    ------
    ValueError
        For a closed form that there is not, or that the gradient has no use for.
    """

    def __init__(self, vae: VAE, samples: int = 1, kl: Optional[str] = None, gradient: str = "standard") -> None:
        checks.known_name("gradient", gradient, ("standard", "stl"))
        if kl is not None:
            checks.known_name("kl", kl, KL)
        if kl == "closed" and gradient != "standard":
            raise ValueError("gradient 'stl' is of a sampled KL: a closed form has no score to leave out")
        super().__init__(vae, samples, gradient)
        self.kl_is_sampled = kl == "sampled" or gradient != "standard"
        if self.kl_is_sampled:
            check_importance_weights(vae)
        if kl == "closed":
            check_known_kl(vae, has_closed_form_kl, "has no closed form: leave kl out, or say kl='sampled'")

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> Structure:
        if not self.kl_is_sampled:
            # the same, with a closed form of the KL where there is one
            return TwoTerms(*self.vae.two_terms(x.data, noise, *x.label))
        q, p = self.posterior(x), self.prior(x)
        z, log_q = q.rsample_and_log_prob(noise)
        return TwoTerms(self.log_likelihood(x, z), log_q - p.log_prob(z))

    def combine(self, F: Operators, terms: Structure, weights: Weights) -> tuple[Tensor, ...]:
        log_likelihood, kl = self.sample_mean(terms)
        return Terms(self.objective(F, log_likelihood, kl, weights), log_likelihood - kl, log_likelihood, kl)

    def objective(self, F: Operators, log_likelihood: Tensor, kl: Tensor, weights: Weights) -> Tensor:
        """Compute what is maximised, ``(B,)``."""
        raise NotImplementedError(f"{type(self).__name__} must define objective(F, log_likelihood, kl, weights)")


@BOUNDS.register("elbo")
class ELBO(TwoTermBound):
    """The evidence lower bound E_q[log p(x | z)] - β KL(q(z | x) || p(z)).

    Kingma and Welling 2014, equation 3; the weight β is Higgins et al. 2017, equation 4. With
    β other than 1 the objective is no longer the bound, and ``terms(data).bound`` still is.

    Parameters
    ----------
    vae : VAE
        The model.
    beta : float
        β, not negative. It may be set at any time, ``bound.beta = 0.5``.
    samples, kl, gradient
        See :class:`TwoTermBound`.

    Examples
    --------
    >>> bound = gluonvae.ELBO(vae)
    >>> with autograd.record():
    ...     loss = -bound(data)
    """

    beta = Weight()

    def __init__(
        self, vae: VAE, beta: float = 1.0, samples: int = 1, kl: Optional[str] = None, gradient: str = "standard"
    ) -> None:
        super().__init__(vae, samples, kl, gradient)
        self.beta = beta

    def objective(self, F: Operators, log_likelihood: Tensor, kl: Tensor, weights: Weights) -> Tensor:
        return log_likelihood - F.broadcast_mul(kl, weights.beta)


def check_importance_weights(vae: VAE) -> None:
    """Raise ValueError where the model has no importance weights p(x, z) / q(z | x)."""
    if not vae.has_importance_weights:
        raise ValueError(
            f"{type(vae).__name__} sums labels out, and has no importance weights: use ELBO or SemiSupervisedELBO"
        )


def check_known_kl(vae: VAE, known: Callable[[type, type], bool], missing: str) -> None:
    """Raise ValueError, with what is ``missing``, where the KL of the model's posterior and prior is not ``known``."""
    q, p = vae.inference_net.distribution_type, vae.prior.distribution_type
    if q is None or p is None or known(q, p):
        return
    raise ValueError(
        f"KL({q.__name__} || {p.__name__}), of {type(vae.inference_net).__name__} and {type(vae.prior).__name__}, "
        + missing
    )


def check_kl_not_replaced(vae: VAE, objective: str) -> None:
    """Raise ValueError where the model has a KL of its own, which an objective that computes it would pass over."""
    if vae.kl_is_replaced:
        raise ValueError(f"{objective} computes the KL itself, and the model has another kl_divergence: use ELBO")
