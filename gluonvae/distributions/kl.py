"""The table of closed-form Kullback-Leibler divergences."""

from __future__ import annotations

from typing import Callable, Optional

from ..backend.operators import Tensor, namespace, softplus
from .base import Distribution
from .bernoulli import Bernoulli
from .codes import BinaryCodes, OneHotCodes
from .low_rank import LowRankNormal
from .multivariate_normal import MultivariateNormal
from .normal import Normal, StandardNormal
from .transformed import Rotated

ClosedForm = Callable[..., Tensor]

_CLOSED_FORMS: dict[tuple[type, type], ClosedForm] = {}
_BY_VARIABLE: dict[tuple[type, type], ClosedForm] = {}


def register_kl(q_type: type, p_type: type, by_variable: bool = False) -> Callable[[ClosedForm], ClosedForm]:
    """Decorator: this function of ``(q, p)`` is the closed form for the two types, ``(...)``; or, where
    the variables of both are independent, ``by_variable``, ``(..., D)``, whose sum that is."""

    def register(closed_form: ClosedForm) -> ClosedForm:
        _CLOSED_FORMS[q_type, p_type] = _summed(closed_form) if by_variable else closed_form
        if by_variable:
            _BY_VARIABLE[q_type, p_type] = closed_form
        return closed_form

    return register


def _summed(by_variable: ClosedForm) -> ClosedForm:
    def closed_form(q: Distribution, p: Distribution) -> Tensor:
        divergences = by_variable(q, p)
        return namespace(divergences).sum(divergences, axis=-1)

    return closed_form


def has_closed_form_kl(q_type: type, p_type: type) -> bool:
    """Whether :func:`kl_divergence` needs no noise for a q and a p of these types."""
    return (q_type, p_type) in _CLOSED_FORMS


def has_kl_by_variable(q_type: type, p_type: type) -> bool:
    """Whether there is a :func:`kl_by_variable` for a q and a p of these types."""
    return (q_type, p_type) in _BY_VARIABLE


def kl_by_variable(q: Distribution, p: Distribution) -> Tensor:
    """The KL divergence of each variable in nats, ``(..., D)``, whose sum is KL(q || p).

    Raises TypeError where the variables are not known to be independent in both, with a closed form each.
    """
    by_variable = _BY_VARIABLE.get((type(q), type(p)))
    if by_variable is None:
        raise TypeError(f"KL({type(q).__name__} || {type(p).__name__}) has no closed form for each variable")
    return by_variable(q, p)


def kl_divergence(q: Distribution, p: Distribution, noise: Optional[Tensor] = None) -> Tensor:
    """KL(q || p) in nats, ``(...)``.

    The closed form where one is registered; else log q(z) - log p(z) at one z = q.rsample(noise)
    for each row of ``noise``, an unbiased estimate. Raises TypeError where there is neither a
    closed form nor noise.
    """
    closed_form = _CLOSED_FORMS.get((type(q), type(p)))
    if closed_form is not None:
        return closed_form(q, p)
    if noise is None:
        raise TypeError(
            f"KL({type(q).__name__} || {type(p).__name__}) has no closed form here: "
            "pass noise to estimate it from a sample"
        )
    value = q.rsample(noise)
    return q.log_prob(value) - p.log_prob(value)


def _gaussian_kl(distance: Tensor, ratio: Tensor) -> Tensor:
    """KL of Gaussians, by variable, whose means differ by ``distance`` standard deviations of p and
    whose standard deviations have ``ratio`` q / p.

    (r - 1)(r + 1) keeps the digits that r**2 - 1 loses near 1, and relu, which changes neither
    value nor gradient where exact arithmetic is positive, takes away the last rounding below 0.
    """
    F = namespace(distance)
    spread = F.relu(0.5 * ((ratio - 1) * (ratio + 1)) - F.log(ratio))
    return F.broadcast_add(0.5 * F.square(distance), spread)


@register_kl(Normal, StandardNormal, by_variable=True)
def _normal_standard_normal(q: Normal, p: StandardNormal) -> Tensor:
    return _gaussian_kl(q.mean, q.std)


@register_kl(Normal, Normal, by_variable=True)
def _normal_normal(q: Normal, p: Normal) -> Tensor:
    F = namespace(q.mean)
    return _gaussian_kl(F.broadcast_div(F.broadcast_sub(q.mean, p.mean), p.std), F.broadcast_div(q.std, p.std))


@register_kl(BinaryCodes, BinaryCodes, by_variable=True)
@register_kl(Bernoulli, Bernoulli, by_variable=True)
def _bernoulli_bernoulli(q: Bernoulli, p: Bernoulli) -> Tensor:
    F = namespace(q.logits)
    expected = F.broadcast_mul(q.mean, F.broadcast_sub(q.logits, p.logits))
    normalisers = F.broadcast_sub(softplus(p.logits), softplus(q.logits))
    return F.relu(expected + normalisers)


@register_kl(OneHotCodes, OneHotCodes)
def _one_hot_one_hot(q: OneHotCodes, p: OneHotCodes) -> Tensor:
    F = namespace(q.logits)
    log_ratios = F.broadcast_sub(q.log_probabilities, p.log_probabilities)
    return F.relu(F.sum(F.broadcast_mul(q.mean, log_ratios), axis=-1))


@register_kl(MultivariateNormal, StandardNormal)
def _multivariate_normal_standard_normal(q: MultivariateNormal, p: StandardNormal) -> Tensor:
    return _multivariate_kl(q.mean, q.factor)


@register_kl(MultivariateNormal, Normal)
def _multivariate_normal_normal(q: MultivariateNormal, p: Normal) -> Tensor:
    F = namespace(q.mean)
    distance = F.broadcast_div(F.broadcast_sub(q.mean, p.mean), p.std)
    return _multivariate_kl(distance, F.broadcast_div(q.factor, F.expand_dims(p.std, axis=-1)))


def _multivariate_kl(mean: Tensor, factor: Tensor) -> Tensor:
    """KL to a standard normal of the Gaussian with this mean and Cholesky factor."""
    F = namespace(mean)
    std = F.linalg.extractdiag(factor)
    correlations = 0.5 * F.sum(F.square(factor - F.linalg.makediag(std)), axis=(-2, -1))
    return F.sum(_gaussian_kl(mean, std), axis=-1) + correlations


@register_kl(LowRankNormal, StandardNormal)
def _low_rank_normal_standard_normal(q: LowRankNormal, p: StandardNormal) -> Tensor:
    return _low_rank_kl(q.mean, q.std, q)


@register_kl(LowRankNormal, Normal)
def _low_rank_normal_normal(q: LowRankNormal, p: Normal) -> Tensor:
    F = namespace(q.mean)
    distance = F.broadcast_div(F.broadcast_sub(q.mean, p.mean), p.std)
    return _low_rank_kl(distance, F.broadcast_div(q.std, p.std), q)


def _low_rank_kl(distance: Tensor, ratio: Tensor, q: LowRankNormal) -> Tensor:
    """KL to a diagonal Gaussian, in whose units ``distance`` and ``ratio`` are: see :func:`_gaussian_kl`."""
    F = namespace(distance)
    common = F.broadcast_mul(F.expand_dims(ratio, axis=-1), q.factor)
    correlations = 0.5 * F.sum(F.square(common), axis=(-2, -1)) - F.linalg.sumlogdiag(q.inner_factor())
    return F.sum(_gaussian_kl(distance, ratio), axis=-1) + correlations


@register_kl(Rotated, StandardNormal)
def _rotated_standard_normal(q: Rotated, p: StandardNormal) -> Tensor:
    # no rotation changes a standard normal
    return kl_divergence(q.base, p)
