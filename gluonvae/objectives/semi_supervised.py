"""The objective of a model that sums missing labels out."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..backend.types import Operators, Structure, Tensor, Weights
from ..models import SemiSupervisedVAE
from ..weights import Weight
from .base import BOUNDS, Objective
from .terms import Inputs, Terms


class LabelledTerms(NamedTuple):
    """The two terms of the bound, and log q(y | x) of the labels that are known, ``(B,)`` each, in nats."""

    log_likelihood: Tensor
    kl: Tensor
    log_label: Tensor


@BOUNDS.register("semi_supervised")
class SemiSupervisedELBO(Objective):
    """The evidence lower bound of a :class:`gluonvae.SemiSupervisedVAE`, and α log q(y | x) of known labels.

    Without the latter the classifier would learn from data points whose label is missing alone. Kingma et al.
    2014, equation 9, for one data point: there α is 0.1 times the number of data points over that of labelled
    ones. ``terms(data).bound`` is the bound.

    Parameters
    ----------
    vae : SemiSupervisedVAE
        The model.
    alpha : float
        α, not negative; it may be set at any time.
    beta : float
        See :class:`ELBO`.
    """

    beta = Weight()
    alpha = Weight()

    def __init__(self, vae: SemiSupervisedVAE, alpha: float = 1.0, beta: float = 1.0) -> None:
        if not isinstance(vae, SemiSupervisedVAE):
            raise TypeError(f"vae must be a SemiSupervisedVAE, got {type(vae).__name__}")
        super().__init__(vae)
        self.alpha, self.beta = alpha, beta

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> LabelledTerms:
        vae: Any = self.vae
        return LabelledTerms(*vae.labelled_terms(x.data, noise, *x.label))

    def combine(self, F: Operators, terms: LabelledTerms, weights: Weights) -> tuple[Tensor, ...]:
        log_likelihood, kl, log_label = terms
        objective = log_likelihood - F.broadcast_mul(kl, weights.beta) + F.broadcast_mul(log_label, weights.alpha)
        return Terms(objective, log_likelihood - kl, log_likelihood, kl)
