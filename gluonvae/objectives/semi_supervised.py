"""The objective of a model that sums labels out and is told some."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..backend.runtime import mx
from ..models.semi_supervised import SemiSupervisedVAE
from ..models.vae import VAE
from .base import BOUNDS, Weight
from .elbo import ELBO


class LabelledTerms(mx.gluon.HybridBlock):
    """The two terms of the bound, and log q(y | x) of the labels that are known, ``(B,)`` each."""

    def __init__(self, vae: SemiSupervisedVAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        return self.vae.terms(inputs, noise)


@BOUNDS.register("semi_supervised")
class SemiSupervisedELBO(ELBO):
    """The evidence lower bound of a :class:`gluonvae.SemiSupervisedVAE`, and α log q(y | x) for data points whose
    label is known, without which the classifier would learn from those that are not alone.

    Kingma et al. 2014, equation 9, for one data point: there α is 0.1 times the number of data points over that of
    labelled ones. ``terms(data).bound`` is the bound.

    Parameters
    ----------
    vae : the model.
    alpha : α, not negative: an input of the graph, that may be set at any time.
    beta : see :class:`ELBO`.
    """

    alpha = Weight()

    def __init__(self, vae: SemiSupervisedVAE, alpha: float = 1.0, beta: float = 1.0) -> None:
        if not isinstance(vae, SemiSupervisedVAE):
            raise TypeError(f"vae must be a SemiSupervisedVAE, got {type(vae).__name__}")
        super().__init__(vae, beta)
        self.alpha = alpha

    def two_terms(self, vae: VAE, sampled: bool, score: bool) -> Any:
        return LabelledTerms(vae)

    def combine(self, F: Any, log_likelihood: Tensor, kl: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        known, beta, alpha = rest
        objective, *others = super().combine(F, log_likelihood, kl, beta)
        return objective + F.broadcast_mul(known, alpha), *others
