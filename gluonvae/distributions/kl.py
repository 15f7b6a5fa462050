"""Kullback-Leibler divergences, in closed form or estimated from samples."""

from __future__ import annotations

from typing import Callable, Optional

from ..backend import compiled
from ..backend.operators import namespace, softplus
from ..backend.regions.availability import available
from ..backend.types import Structure, Tensor
from .base import Distribution
from .bernoulli import Bernoulli
from .categorical import OneHotCategorical
from .multivariate_normal import LowRankNormal, MultivariateNormal
from .normal import Normal, StandardNormal
from .transformed import Rotated

ClosedForm = Callable[..., Tensor]
"""A function of q and p."""

_CLOSED_FORMS: dict[tuple[type, type], tuple[ClosedForm, bool]] = {}
"""The closed forms by the types of q and p, each with whether it is by variable."""


def register_kl(q_type: type, p_type: type, by_variable: bool = False) -> Callable[[ClosedForm], ClosedForm]:
    """Register a closed form of KL(q || p), as a decorator of a function of q and p.

    It is also that of subclasses for which no other is registered.

    Parameters
    ----------
    q_type, p_type : type
        Classes of q and p.
    by_variable : bool, default False
        Whether the variables are independent in q and in p, and the function returns the divergence of each,
        ``(..., D)``, in nats; else it returns the divergence of all, ``(...)``.

    Returns
    -------
    callable
        The decorator, which returns the function.
    """

    def register(closed_form: ClosedForm) -> ClosedForm:
        _CLOSED_FORMS[q_type, p_type] = closed_form, by_variable
        return closed_form

    return register


def _nearest(q_type: type, p_type: type) -> tuple[Optional[ClosedForm], bool]:
    """Return the closed form of two types or of their nearest base classes, and whether it is by variable."""
    pairs = [(q, p) for q in q_type.__mro__ for p in p_type.__mro__ if (q, p) in _CLOSED_FORMS]
    distance = {(q, p): q_type.__mro__.index(q) + p_type.__mro__.index(p) for q, p in pairs}
    return _CLOSED_FORMS[min(pairs, key=distance.__getitem__)] if pairs else (None, False)


def has_closed_form_kl(q_type: type, p_type: type) -> bool:
    """Return whether :func:`kl_divergence` has a closed form.

    Parameters
    ----------
    q_type, p_type : type
        Classes of q and p.

    Returns
    -------
    bool
    """
    return _nearest(q_type, p_type)[0] is not None


def has_kl_by_variable(q_type: type, p_type: type) -> bool:
    """Return whether :func:`kl_by_variable` has a closed form.

    Parameters
    ----------
    q_type, p_type : type
        Classes of q and p.

    Returns
    -------
    bool
    """
    return _nearest(q_type, p_type)[1]


def kl_by_variable(q: Distribution, p: Distribution) -> Tensor:
    """Compute the KL divergence of each variable.

    Parameters
    ----------
    q, p : Distribution
        Distributions whose variables are independent.

    Returns
    -------
    Tensor
        ``(..., D)``, in nats, with sum KL(q || p).

    Raises
    ------
    TypeError
        If no closed form by variable is registered for them.
    """
    closed_form, by_variable = _nearest(type(q), type(p))
    if closed_form is None or not by_variable:
        raise TypeError(f"KL({type(q).__name__} || {type(p).__name__}) has no closed form for each variable")
    return closed_form(q, p)


def kl_divergence(q: Distribution, p: Distribution, noise: Optional[Structure] = None) -> Tensor:
    """Compute KL(q || p), in closed form where one is registered; else estimate it from a sample.

    Parameters
    ----------
    q, p : Distribution
        Any distributions.
    noise : Structure, optional
        The noise of a draw z from q, where there is no closed form: log q(z) - log p(z) is an unbiased estimate.

    Returns
    -------
    Tensor
        ``(...)``, in nats.

    Raises
    ------
    TypeError
        If there is neither a closed form nor noise.
    """
    closed_form, by_variable = _nearest(type(q), type(p))
    if closed_form is not None:
        divergence = closed_form(q, p)
        return namespace(divergence).sum(divergence, axis=-1) if by_variable else divergence
    if noise is None:
        raise TypeError(f"KL({type(q).__name__} || {type(p).__name__}) has no closed form: pass noise to estimate it")
    value = q.rsample(noise)
    return q.log_prob(value) - p.log_prob(value)


def rsample_and_kl(q: Distribution, p: Distribution, noise: Structure) -> tuple[Tensor, Tensor]:
    """Draw from q, and compute KL(q || p).

    Parameters
    ----------
    q, p : Distribution
        Any distributions.
    noise : Structure
        The noise of a draw z from q.

    Returns
    -------
    draw : Tensor
        ``(..., D)``.
    kl : Tensor
        In nats: in closed form where one is registered, and log q(z) - log p(z) otherwise.
    """
    if type(q) is Normal and q.is_aligned and type(p) is StandardNormal and available():
        return compiled.normal_draw_and_kl(q.mean, q.std, noise)
    if has_closed_form_kl(type(q), type(p)):
        return q.rsample(noise), kl_divergence(q, p)
    draw, log_q = q.rsample_and_log_prob(noise)
    return draw, log_q - p.log_prob(draw)


def _gaussian_kl(distance: Tensor, ratio: Tensor) -> Tensor:
    """Compute the KL divergence of each variable of two Gaussians, ``(..., D)``.

    Parameters
    ----------
    distance : Tensor
        The difference of the means over the standard deviation of p.
    ratio : Tensor
        The ratio of the standard deviations, of q to p.
    """
    F = namespace(distance)
    # (r - 1)(r + 1) keeps digits that r**2 - 1 loses near 1; relu removes a rounding below 0, and changes neither
    # value nor gradient where exact arithmetic is positive
    spread = F.relu(0.5 * ((ratio - 1) * (ratio + 1)) - F.log(ratio))
    return F.broadcast_add(0.5 * F.square(distance), spread)


def _relative(mean: Tensor, std: Tensor, p: Distribution) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviations after the affine map that makes p a standard normal; KL is invariant."""
    if not isinstance(p, Normal):
        return mean, std
    F = namespace(mean)
    return F.broadcast_div(F.broadcast_sub(mean, p.mean), p.std), F.broadcast_div(std, p.std)


@register_kl(Normal, StandardNormal, by_variable=True)
@register_kl(Normal, Normal, by_variable=True)
def _normal(q: Normal, p: Distribution) -> Tensor:
    return _gaussian_kl(*_relative(q.mean, q.std, p))


@register_kl(LowRankNormal, StandardNormal)
@register_kl(LowRankNormal, Normal)
def _low_rank_normal(q: LowRankNormal, p: Distribution) -> Tensor:
    F = namespace(q.mean)
    distance, ratio = _relative(q.mean, q.std, p)
    common = F.broadcast_mul(F.expand_dims(ratio, axis=-1), q.factor)
    correlations = 0.5 * F.sum(F.square(common), axis=(-2, -1)) - F.linalg.sumlogdiag(q.inner_factor())
    return F.sum(_gaussian_kl(distance, ratio), axis=-1) + correlations


@register_kl(MultivariateNormal, StandardNormal)
@register_kl(MultivariateNormal, Normal)
def _multivariate_normal(q: MultivariateNormal, p: Distribution) -> Tensor:
    F = namespace(q.mean)
    std = F.linalg.extractdiag(q.factor)
    below = q.factor - F.linalg.makediag(std)
    distance, ratio = _relative(q.mean, std, p)
    if isinstance(p, Normal):
        below = F.broadcast_div(below, F.expand_dims(p.std, axis=-1))
    return F.sum(_gaussian_kl(distance, ratio), axis=-1) + 0.5 * F.sum(F.square(below), axis=(-2, -1))


@register_kl(Bernoulli, Bernoulli, by_variable=True)
def _bernoulli(q: Bernoulli, p: Bernoulli) -> Tensor:
    F = namespace(q.logits)
    expected = F.broadcast_mul(q.mean, F.broadcast_sub(q.logits, p.logits))
    normalisers = F.broadcast_sub(softplus(p.logits), softplus(q.logits))
    return F.relu(expected + normalisers)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_categorical(q: OneHotCategorical, p: OneHotCategorical) -> Tensor:
    F = namespace(q.logits)
    log_ratios = F.broadcast_sub(q.log_probabilities, p.log_probabilities)
    return F.relu(F.sum(F.broadcast_mul(q.mean, log_ratios), axis=-1))


@register_kl(Rotated, StandardNormal)
def _rotated(q: Rotated, p: StandardNormal) -> Tensor:
    # the standard normal is invariant under rotations
    return kl_divergence(q.base, p)
