"""The evidence lower bound with a part of its KL divergence for free."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..backend.runtime import mx
from ..distributions import has_kl_by_variable, kl_by_variable
from ..distributions.layered import total
from ..models.vae import VAE
from .base import BOUNDS, Weight
from .elbo import TwoTermBound, check_kl_not_replaced, check_known_kl
from .layered import LayeredTerms, layers_of


class GroupedTerms(mx.gluon.HybridBlock):
    """log p(x | z), ``(k, B)`` or ``(B,)``; KL(q(z | x) || p(z)), ``(B,)``; and the batch's mean of the
    KL of each group of latent variables, ``(G,)``."""

    def __init__(self, vae: VAE, groups: int) -> None:
        super().__init__()
        self.vae = vae
        self.groups = groups

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        posterior, prior = self.vae.distributions(inputs)
        log_likelihood = self.vae.log_likelihood(posterior.rsample(noise), inputs)
        # (B, G), from (B, G, D / G)
        kl = F.sum(F.reshape(kl_by_variable(posterior, prior), shape=(0, self.groups, -1)), axis=-1)
        return log_likelihood, F.sum(kl, axis=-1), F.mean(kl, axis=0)


@BOUNDS.register("free_bits")
class FreeBitsELBO(TwoTermBound):
    """E_q[log p(x | z)] - β Σ_g max(λ, batch mean of KL_g), over groups g of latent variables: a group has
    no gradient from its KL as long as that is below λ.

    Kingma et al. 2016, equation 15, where β is 1; β rises over a warm-up, ``fit(bound, train,
    weights={"beta": gluonvae.schedules.linear(0, 1, steps)})`` (Sønderby et al. 2016). The sum is the same for each
    data point of a batch. ``terms(data).bound`` is the evidence lower bound.

    Parameters
    ----------
    vae : the model.
    free_bits : λ in nats a group, not negative: an input of the graph, that may be set at any time.
    groups : into how many equal groups, of neighbours, the latent variables fall; left out, each is its
        own, and 1 is the latent state as a whole. More than one need a KL in closed form for each variable. Where
        posterior and prior have layers, the groups are these, each with a sampled KL.
    samples, kl, gradient : see :class:`TwoTermBound`; a sampled KL, which "stl" is of, has one group without layers.
    beta : β, not negative: an input of the graph as well.

    Raises ValueError for groups that the latent variables do not fall into, and where the KL is not known
    for each variable.
    """

    free_bits = Weight()
    beta = Weight()

    def __init__(
        self,
        vae: VAE,
        free_bits: float = 0.25,
        groups: Optional[int] = None,
        samples: int = 1,
        kl: Optional[str] = None,
        gradient: str = "standard",
        beta: float = 1.0,
    ) -> None:
        self.groups = 0 if groups is None else checks.positive_int("groups", groups)
        super().__init__(vae, samples, kl, gradient)
        self.free_bits, self.beta = free_bits, beta

    def two_terms(self, vae: VAE, sampled: bool, score: bool) -> Any:
        layers = layers_of(vae)
        self.groups = self.groups or (layers if layers > 1 else vae.latent_variable_size)
        self.by_variable = False
        if self.groups == 1:
            return super().two_terms(vae, sampled, score)
        if self.groups == layers:
            check_kl_not_replaced(vae, type(self).__name__)
            return LayeredTerms(vae, score)
        if vae.latent_variable_size % self.groups:
            raise ValueError(
                f"{vae.latent_variable_size} latent variables do not fall into {self.groups} groups of one size"
            )
        if sampled:
            raise ValueError("a sampled KL is that of the whole latent state: use groups=1, or the closed form")
        check_kl_not_replaced(vae, type(self).__name__)
        check_known_kl(vae, has_kl_by_variable, "has no closed form for each latent variable: use groups=1")
        self.by_variable = True
        return GroupedTerms(vae, self.groups)

    def combine(self, F: Any, log_likelihood: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        *divergences, free_bits, beta = rest
        if self.by_variable:
            kl, means = divergences
        else:
            kl, means = total(divergences), F.concat(*map(F.mean, divergences), dim=0)
        log_likelihood, kl = self._sample_mean(log_likelihood), self._sample_mean(kl)
        penalty = F.sum(F.broadcast_maximum(means, free_bits), axis=0, keepdims=True) * beta
        return F.broadcast_sub(log_likelihood, penalty), log_likelihood - kl, log_likelihood, kl
