"""Bounds with the score-function gradient: that of log q(z | x), with latent states, which may be discrete, fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from .. import checks
from ..backend.operators import log_mean_exp, log_sum_exp, softplus, stop_gradient
from ..backend.types import Operators, Structure, Tensor, Weights
from ..models import VAE
from ..networks import MLP, Dense, with_label
from ..weights import Weight
from .base import BOUNDS, Objective
from .elbo import check_importance_weights, check_kl_not_replaced
from .terms import Inputs, Terms


class BaselinedTerms(NamedTuple):
    """What :class:`NVIL` is made of, in nats."""

    log_likelihood: Tensor
    """``(k, B)``."""
    kl: Tensor
    """``(B,)`` in closed form where there is one, else ``(k, B)``."""
    log_posterior: Tensor
    """log q(z | x), ``(k, B)``."""
    baseline: Tensor
    """The network's, ``(B,)``."""


@BOUNDS.register("nvil")
class NVIL(Objective):
    """The evidence lower bound with the score-function gradient and a learned baseline.

    E_q[log p(x | z)] - β KL by neural variational inference and learning (Mnih and Gregor 2014, equation 8): the
    gradient in the parameters of q is that of log q(z | x), times the signal log p(x | z) - β KL less a baseline. A KL
    in closed form, where there is one, is differentiated as it stands.

    The baseline of a data point is the mean signal of the rest of the batch, in the place of the paper's running
    average, and what a network tells from the data of the distance to it, in units of the rest's spread. Signals are
    not scaled. No baseline changes the expected gradient.

    The network is a part of this block, and learns from the gradient of this block: a loop of your own trains
    ``bound.collect_params()``, not ``vae.collect_params()``. It is initialised as soon as the model is, and not saved
    with it.

    Parameters
    ----------
    vae : VAE
        The model.
    beta : float
        β, as in :class:`ELBO`.
    samples : int
        k.
    layer_sizes : sequence of int
        Widths of the hidden layers of the baseline's network.
    """

    score_function = True
    of_single_rows = False
    beta = Weight()

    def __init__(self, vae: VAE, beta: float = 1.0, samples: int = 1, layer_sizes: Sequence[int] = (100,)) -> None:
        super().__init__(vae, samples)
        check_kl_not_replaced(vae, type(self).__name__)
        self.beta = beta
        sizes = checks.layer_sizes("layer_sizes", layer_sizes)
        with self.name_scope():
            in_units = vae.inference_net.inputs_per_value * vae.data_dims + vae.label_size
            baseline = MLP(sizes, "tanh", in_units, prefix="baseline_")
            with baseline.name_scope():
                baseline.add(Dense(1, baseline.out_units))
        baseline.cast(vae.dtype)
        self.baseline = baseline
        self._initialize_own()

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> BaselinedTerms:
        q, p = self.posterior(x), self.prior(x)
        z = stop_gradient(q.rsample(noise))
        log_q = q.log_prob(z)
        kl = self.vae.kl(q, p, z, log_q)
        baseline = self.baseline(with_label(self.vae.inference_net.preprocess(x.data), *x.label))
        return BaselinedTerms(self.log_likelihood(x, z), kl, F.identity(log_q), F.squeeze(baseline, axis=-1))

    def combine(self, F: Operators, terms: BaselinedTerms, weights: Weights) -> tuple[Tensor, ...]:
        signal = stop_gradient(F.broadcast_sub(terms.log_likelihood, F.broadcast_mul(terms.kl, weights.beta)))
        mean, spread = _of_others(F, signal)
        surprise = F.broadcast_sub((signal - mean) / spread, terms.baseline)
        score = self.sample_mean(stop_gradient(surprise) * spread * _gradient_alone(terms.log_posterior))
        loss = 0.5 * self.sample_mean(F.square(surprise))
        log_likelihood, kl = self.sample_mean((terms.log_likelihood, terms.kl))
        objective = log_likelihood - F.broadcast_mul(kl, weights.beta) + score - _gradient_alone(loss)
        return Terms(objective, log_likelihood - kl, log_likelihood, kl)


def _gradient_alone(x: Tensor) -> Tensor:
    """0, with the gradient of ``x``."""
    return x - stop_gradient(x)


def _of_others(F: Operators, x: Tensor) -> tuple[Tensor, Tensor]:
    """For each number in ``x`` the mean of all others and their spread, the root of their variance plus 1; 0 and 1
    where there are none."""
    count = F.maximum(F.sum(F.ones_like(x), keepdims=True) - 1, 1)

    def mean(y: Tensor) -> Tensor:
        return F.broadcast_div(F.broadcast_sub(F.sum(y, keepdims=True), y), count)

    near_zero = F.broadcast_sub(x, F.mean(x, keepdims=True))  # else squares lose what tells them apart
    return mean(x), F.sqrt(F.relu(mean(F.square(near_zero)) - F.square(mean(near_zero))) + 1)


class ScoredTerms(NamedTuple):
    """What :class:`VIMCO` is made of, ``(k, B)`` each, in nats."""

    log_likelihood: Tensor
    log_ratio: Tensor
    """log p(z) - log q(z | x)."""
    log_posterior: Tensor
    """log q(z | x)."""


@BOUNDS.register("vimco")
class VIMCO(Objective):
    """The importance-weighted bound, see :class:`IWAE`, with the score-function gradient.

    The gradient in the parameters of q is that of each log q(z_i | x) times what the sample adds to the bound:
    the bound less that with the geometric mean of the other weights in the place of its own (Mnih and Rezende
    2016, equations 10 and 11).

    Parameters
    ----------
    vae : VAE
        The model.
    samples : int
        k, at least 2.

    Raises
    ------
    ValueError
        For a single sample.
    """

    score_function = True

    def __init__(self, vae: VAE, samples: int = 5) -> None:
        super().__init__(vae, samples)
        check_importance_weights(vae)
        if self.samples == 1:
            raise ValueError("a single sample has no others to be compared with: use more samples, or NVIL")

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> ScoredTerms:
        q, p = self.posterior(x), self.prior(x)
        z = stop_gradient(q.rsample(noise))
        log_q = q.log_prob(z)
        return ScoredTerms(self.log_likelihood(x, z), p.log_prob(z) - log_q, F.identity(log_q))

    def combine(self, F: Operators, terms: ScoredTerms, weights: Weights) -> tuple[Tensor, ...]:
        log_weight = terms.log_likelihood + terms.log_ratio
        bound = log_mean_exp(log_weight)
        added = F.broadcast_sub(stop_gradient(bound), self.without_each(F, stop_gradient(log_weight)))
        score = F.sum(added * _gradient_alone(terms.log_posterior), axis=0)
        return Terms(
            bound + score, F.identity(bound), F.mean(terms.log_likelihood, axis=0), -F.mean(terms.log_ratio, axis=0)
        )

    def without_each(self, F: Operators, log_weight: Tensor) -> Tensor:
        """Compute the bound with the geometric mean of the others in the place of each weight, ``(k, B)``."""
        own = F.broadcast_sub(F.sum(log_weight, axis=0, keepdims=True), log_weight) / (self.samples - 1)
        # log(Σ_j w_j + exp(own)), for j ≠ i
        return own + softplus(_log_sum_of_others(F, log_weight) - own) - math.log(self.samples)


def _log_sum_of_others(F: Operators, x: Tensor) -> Tensor:
    """For each of ``x``, ``(k, B)``, the logarithm of the sum of the others' exp, over axis 0."""
    place = F.expand_dims(F.contrib.arange_like(x, axis=0), axis=-1)
    largest = F.broadcast_equal(place, F.argmax(x, axis=0, keepdims=True))
    top = F.max(x, axis=0, keepdims=True)
    shares = F.exp(F.broadcast_sub(x, top))
    # the largest share, 1, is among the others of all but itself: of these nothing cancels
    others = F.broadcast_add(F.log(F.broadcast_sub(F.sum(shares, axis=0, keepdims=True), shares) + largest), top)
    others_of_largest = log_sum_exp(x - 1e30 * largest, axis=0)
    return F.where(largest, F.broadcast_add(F.zeros_like(x), others_of_largest), others)
