"""The evidence lower bound with a part of its KL divergence for free."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Optional

from .. import checks
from ..backend.types import Operators, Structure, Tensor, Weights
from ..distributions import has_kl_by_variable, kl_by_variable
from ..distributions.layered import total
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS
from .elbo import TwoTermBound, TwoTerms, check_kl_not_replaced, check_known_kl
from .layered_kl import kl_of_layers, layers_of
from .terms import Inputs, Terms


class GroupedKL(NamedTuple):
    """A KL divergence that is known for each latent variable, in nats."""

    total: Tensor
    """``(B,)``."""
    means: Tensor
    """The batch's mean of each group, ``(G,)``."""


@BOUNDS.register("free_bits")
class FreeBitsELBO(TwoTermBound):
    """E_q[log p(x | z)] - β Σ_g max(λ, batch mean of KL_g), over groups g of latent variables.

    A group has no gradient from its KL as long as that is below λ. Kingma et al. 2016, equation 15, where β is
    1; β rises over a warm-up, ``fit(bound, train, weights={"beta": gluonvae.schedules.linear(0, 1, steps)})``
    (Sønderby et al. 2016). The sum is the same for each data point of a batch. ``terms(data).bound`` is the
    evidence lower bound.

    Parameters
    ----------
    vae : VAE
        The model.
    free_bits : float
        λ in nats a group, not negative; it may be set at any time.
    groups : int, optional
        Into how many equal groups, of neighbours, the latent variables fall; left out, each is its own, and 1
        is the latent state as a whole. More than one need a KL in closed form for each variable. Where
        posterior and prior have layers, the groups are these, each with a sampled KL.
    samples, kl, gradient
        See :class:`TwoTermBound`; a sampled KL, which "stl" is of, has one group without layers.
    beta : float
        β, not negative; it may be set at any time.

    Raises
    ------
    ValueError
        For groups that the latent variables do not fall into, and where the KL is not known for each variable.
    """

    of_single_rows = False
    free_bits = Weight()
    beta = Weight()

    fixed: ClassVar[tuple[str, ...]] = ("groups",)

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
        groups = None if groups is None else checks.positive_int("groups", groups)
        super().__init__(vae, samples, kl, gradient)
        self.free_bits, self.beta = free_bits, beta
        self.layers = layers_of(vae)
        self.groups = groups or (self.layers if self.layers > 1 else vae.latent_variable_size)
        self.by_variable = self.groups not in (1, self.layers)
        if self.groups > 1:
            self._check_groups(vae)

    def _check_groups(self, vae: VAE) -> None:
        if self.by_variable and vae.latent_variable_size % self.groups:
            raise ValueError(
                f"{vae.latent_variable_size} latent variables do not fall into {self.groups} groups of one size"
            )
        if self.by_variable and self.kl_is_sampled:
            raise ValueError("a sampled KL is that of the whole latent state: use groups=1, or the closed form")
        check_kl_not_replaced(vae, type(self).__name__)
        if self.by_variable:
            check_known_kl(vae, has_kl_by_variable, "has no closed form for each latent variable: use groups=1")

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> TwoTerms:
        if self.groups == 1:
            log_likelihood, kl = super().sampled_terms(F, x, noise)
            return TwoTerms(log_likelihood, (kl,))
        q, p = self.posterior(x), self.prior(x)
        if not self.by_variable:
            z, of_layers = kl_of_layers(q, p, noise)
            return TwoTerms(self.log_likelihood(x, z), tuple(of_layers))
        # (B, G), from (B, G, D / G)
        kl = F.sum(F.reshape(kl_by_variable(q, p), shape=(0, self.groups, -1)), axis=-1)
        return TwoTerms(self.log_likelihood(x, q.rsample(noise)), GroupedKL(F.sum(kl, axis=-1), F.mean(kl, axis=0)))

    def combine(self, F: Operators, terms: TwoTerms, weights: Weights) -> tuple[Tensor, ...]:
        if self.by_variable:
            kl, means = terms.kl
        else:
            kl, means = total(terms.kl), F.concat(*map(F.mean, terms.kl), dim=0)
        log_likelihood, kl = self.sample_mean((terms.log_likelihood, kl))
        penalty = F.sum(F.broadcast_maximum(means, weights.free_bits), axis=0, keepdims=True) * weights.beta
        return Terms(F.broadcast_sub(log_likelihood, penalty), log_likelihood - kl, log_likelihood, kl)
