"""Importance-weighted bounds: functions of the log weights of k samples."""

from __future__ import annotations

from typing import NamedTuple

from .. import checks
from ..backend.operators import log_mean_exp
from ..backend.runtime import mx
from ..backend.types import Operators, Structure, Tensor, Weights
from ..models import VAE
from ..networks import find_block
from .base import BOUNDS, Objective
from .elbo import check_importance_weights
from .estimators import GRADIENTS
from .terms import Inputs, Terms


class LogWeight(NamedTuple):
    """The two terms of a log importance weight, ``(k, B)`` each, in nats."""

    log_likelihood: Tensor
    log_ratio: Tensor
    """log p(z) - log q(z | x)."""


class ImportanceWeighted(Objective):
    """Base class of the bounds that are functions of the log weights log p(x, z) - log q(z | x).

    A kind defines

    - ``value(F, log_weight, weights)``, the objective, ``(B,)``, for log weights ``(k, B)``, k > 1;
    - ``path_share(F, log_weight, weights)``, ``(k, B)``: what each sample's path is multiplied by in the
      doubly reparametrised gradient;
    - where the objective is not the bound, ``lower_bound(F, log_weight, value)``.

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        k.
    gradient : {"standard", "stl", "dreg"}
        See :data:`gluonvae.objectives.estimators.GRADIENTS`; for "dreg" a step costs one more forward pass.
    """

    def __init__(self, vae: VAE, samples: int, gradient: str = "standard") -> None:
        super().__init__(vae, samples, checks.known_name("gradient", gradient, GRADIENTS))
        check_importance_weights(vae)
        self.scales_path = gradient == "dreg" and self.samples > 1
        if self.scales_path and find_block(vae, mx.gluon.nn.Dropout):
            raise ValueError(
                "gradient 'dreg' is made of two passes, in each of which Dropout draws anew: use another gradient, or "
                "a body without it"
            )

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> LogWeight:
        q, p = self.posterior(x), self.prior(x)
        z, log_q = q.rsample_and_log_prob(noise)
        return LogWeight(self.log_likelihood(x, z), p.log_prob(z) - log_q)

    def combine(self, F: Operators, terms: LogWeight, weights: Weights) -> tuple[Tensor, ...]:
        log_weight, mean = terms.log_likelihood + terms.log_ratio, self.sample_mean(terms)
        if self.samples == 1:
            # identity: an output of a graph may not stand for two heads
            return Terms(log_weight, F.identity(log_weight), mean.log_likelihood, -mean.log_ratio)
        value = self.value(F, log_weight, weights)
        return Terms(value, self.lower_bound(F, log_weight, value), mean.log_likelihood, -mean.log_ratio)

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        """Compute the objective, ``(B,)``."""
        raise NotImplementedError(f"{type(self).__name__} must define value(F, log_weight, weights)")

    def lower_bound(self, F: Operators, log_weight: Tensor, value: Tensor) -> Tensor:
        """Compute the lower bound on log p(x), ``(B,)``: the objective."""
        return F.identity(value)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        """Compute what each sample's path is multiplied by in the doubly reparametrised gradient, ``(k, B)``."""
        raise NotImplementedError(f"{type(self).__name__} must define path_share(F, log_weight, weights)")

    def path_scale(self, F: Operators, terms: LogWeight, weights: Weights) -> Tensor:
        return self.path_share(F, terms.log_likelihood + terms.log_ratio, weights)


@BOUNDS.register("iwae")
class IWAE(ImportanceWeighted):
    """The importance-weighted bound E[log 1/k Σ_i p(x, z_i) / q(z_i | x)], z_i ~ q(z | x).

    Burda, Grosse and Salakhutdinov 2016, equation 8. It rises with k towards log p(x), and is
    the ELBO with a sampled KL at k = 1.

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        k.
    gradient : {"standard", "stl", "dreg"}
        See :class:`ImportanceWeighted`.

    Examples
    --------
    >>> bound = gluonvae.IWAE(vae, samples=50)
    """

    def __init__(self, vae: VAE, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)

    def value(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        return log_mean_exp(log_weight)

    def path_share(self, F: Operators, log_weight: Tensor, weights: Weights) -> Tensor:
        return F.softmax(log_weight, axis=0)
