"""Bounds whose gradient in the parameters of q(z | x) is that of its log density, the score function: latent
states, which may be discrete, are not differentiated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor, log_mean_exp, log_sum_exp, softplus, stop_gradient
from ..backend.runtime import mx
from ..distributions import Distribution, has_closed_form_kl, kl_divergence
from ..models.vae import VAE
from ..networks import MLP, Dense, XavierOrUniform
from .base import BOUNDS, Objective, Terms, Weight
from .elbo import check_kl_not_replaced


def _drawn(posterior: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
    """A latent state that nothing is differentiated through, and its log density, which has a gradient."""
    latent_state = stop_gradient(posterior.rsample(noise))
    return latent_state, posterior.log_prob(latent_state)


def _gradient_alone(x: Tensor) -> Tensor:
    """0, with the gradient of ``x``."""
    return x - stop_gradient(x)


class BaselinedTerms(mx.gluon.HybridBlock):
    """log p(x | z), ``(k, B)``; KL(q(z | x) || p(z)), ``(B,)`` in closed form where there is one, else ``(k, B)``;
    log q(z | x), ``(k, B)``; and a network's baseline, ``(B,)``."""

    def __init__(self, vae: VAE, layer_sizes: Sequence[int]) -> None:
        super().__init__()
        self.vae = vae
        with self.name_scope():
            sizes = checks.layer_sizes("layer_sizes", layer_sizes)
            self.baseline = MLP(sizes, "tanh", vae.data_dims + vae.label_size, prefix="baseline_")
            with self.baseline.name_scope():
                self.baseline.add(Dense(1, self.baseline.out_units))
        self.baseline.cast(vae.dtype)

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        posterior, prior = self.vae.distributions(inputs)
        latent_state, log_posterior = _drawn(posterior, noise)
        if has_closed_form_kl(type(posterior), type(prior)):
            kl = kl_divergence(posterior, prior)
        else:
            kl = log_posterior - prior.log_prob(latent_state)
        seen = self.vae.inference_net.as_seen(inputs, self.vae.label_size)
        baseline = F.squeeze(self.baseline(seen), axis=-1)
        return self.vae.log_likelihood(latent_state, inputs), kl, F.identity(log_posterior), baseline


@BOUNDS.register("nvil")
class NVIL(Objective):
    """The evidence lower bound E_q[log p(x | z)] - β KL, whose gradient in the parameters of q is that of
    log q(z | x), times the signal log p(x | z) - β KL less a baseline: neural variational inference and learning
    (Mnih and Gregor 2014, equation 8). A KL in closed form, where there is one, is differentiated as it stands.

    The baseline of a data point is the mean signal of the rest of the batch, in the place of the paper's running
    average, and what a network tells from the data of the distance to it, in units of the rest's spread. Signals are
    not scaled. No baseline changes the expected gradient.

    The network is a part of this block, and learns from the gradient of this block: a loop of your own trains
    ``bound.collect_params()``, not ``vae.collect_params()``. It is initialised as soon as the model is, and not saved
    with it.

    Parameters
    ----------
    vae : the model.
    beta : β, as in :class:`ELBO`.
    samples : k.
    layer_sizes : widths of the hidden layers of the baseline's network.
    """

    score_function = True
    beta = Weight()

    def __init__(self, vae: VAE, beta: float = 1.0, samples: int = 1, layer_sizes: Sequence[int] = (100,)) -> None:
        super().__init__(vae, samples, lambda vae: BaselinedTerms(vae, layer_sizes))
        check_kl_not_replaced(vae, type(self).__name__)
        self.beta = beta
        self._initialize_baseline()

    def _initialize_baseline(self) -> None:
        """As soon as the model is."""
        if "parts" not in self._children:
            return
        own = next(iter(self.parts.baseline.collect_params().values()))
        of_model = next(iter(self.vae.collect_params().values()))
        if not _is_initialized(own) and _is_initialized(of_model):
            self.parts.baseline.initialize(XavierOrUniform(), self.vae.context)

    def collect_params(self, select: Optional[str] = None) -> Any:
        self._initialize_baseline()
        return super().collect_params(select)

    def unchecked_terms(self, inputs: Tensor, noise: Tensor) -> Terms:
        self._initialize_baseline()
        return super().unchecked_terms(inputs, noise)

    def combine(
        self, F: Any, log_likelihood: Tensor, kl: Tensor, log_posterior: Tensor, baseline: Tensor, beta: Tensor
    ) -> tuple[Tensor, ...]:
        signal = stop_gradient(F.broadcast_sub(log_likelihood, F.broadcast_mul(kl, beta)))
        mean, spread = _of_others(F, signal)
        surprise = F.broadcast_sub((signal - mean) / spread, baseline)
        score = self._sample_mean(stop_gradient(surprise) * spread * _gradient_alone(log_posterior))
        loss = 0.5 * self._sample_mean(F.square(surprise))
        log_likelihood, kl = self._sample_mean(log_likelihood), self._sample_mean(kl)
        objective = log_likelihood - F.broadcast_mul(kl, beta) + score - _gradient_alone(loss)
        return objective, log_likelihood - kl, log_likelihood, kl


def _is_initialized(parameter: Any) -> bool:
    return parameter._data is not None or bool(parameter._deferred_init)


def _of_others(F: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """For each number in ``x`` the mean of all others and their spread, the root of their variance plus 1; 0 and 1
    where there are none."""
    count = F.maximum(F.sum(F.ones_like(x), keepdims=True) - 1, 1)

    def mean(y: Tensor) -> Tensor:
        return F.broadcast_div(F.broadcast_sub(F.sum(y, keepdims=True), y), count)

    near_zero = F.broadcast_sub(x, F.mean(x, keepdims=True))  # else squares lose what tells them apart
    return mean(x), F.sqrt(F.relu(mean(F.square(near_zero)) - F.square(mean(near_zero))) + 1)


class ScoredTerms(mx.gluon.HybridBlock):
    """log p(x | z), log p(z) - log q(z | x) and log q(z | x), ``(k, B)`` each."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        vae.check_importance_weights()
        self.vae = vae

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        posterior, prior = self.vae.distributions(inputs)
        latent_state, log_posterior = _drawn(posterior, noise)
        log_ratio = prior.log_prob(latent_state) - log_posterior
        return self.vae.log_likelihood(latent_state, inputs), log_ratio, F.identity(log_posterior)


@BOUNDS.register("vimco")
class VIMCO(Objective):
    """The importance-weighted bound, see :class:`IWAE`, whose gradient in the parameters of q is that of each
    log q(z_i | x) times what the sample adds to the bound: the bound less that with the geometric mean of the
    other weights in the place of its own (Mnih and Rezende 2016, equations 10 and 11).

    Parameters
    ----------
    vae : the model.
    samples : k, at least 2.

    Raises ValueError for a single sample.
    """

    score_function = True

    def __init__(self, vae: VAE, samples: int = 5) -> None:
        super().__init__(vae, samples, ScoredTerms)
        if self.samples == 1:
            raise ValueError("a single sample has no others to be compared with: use more samples, or NVIL")

    def combine(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor, log_posterior: Tensor) -> tuple[Tensor, ...]:
        log_weight = log_likelihood + log_ratio
        bound = log_mean_exp(log_weight)
        added = F.broadcast_sub(stop_gradient(bound), self.without_each(F, stop_gradient(log_weight)))
        score = F.sum(added * _gradient_alone(log_posterior), axis=0)
        return bound + score, F.identity(bound), F.mean(log_likelihood, axis=0), -F.mean(log_ratio, axis=0)

    def without_each(self, F: Any, log_weight: Tensor) -> Tensor:
        """The bound with the geometric mean of the others in the place of each weight, ``(k, B)`` for ``(k, B)``."""
        own = F.broadcast_sub(F.sum(log_weight, axis=0, keepdims=True), log_weight) / (self.samples - 1)
        # log(Σ_j w_j + exp(own)), for j ≠ i
        return own + softplus(_log_sum_of_others(F, log_weight) - own) - math.log(self.samples)


def _log_sum_of_others(F: Any, x: Tensor) -> Tensor:
    """For each of ``x``, ``(k, B)``, the logarithm of the sum of the others' exp, over axis 0."""
    place = F.expand_dims(F.contrib.arange_like(x, axis=0), axis=-1)
    largest = F.broadcast_equal(place, F.argmax(x, axis=0, keepdims=True))
    top = F.max(x, axis=0, keepdims=True)
    shares = F.exp(F.broadcast_sub(x, top))
    # the largest share, 1, is among the others of all but itself: of these nothing cancels
    others = F.broadcast_add(F.log(F.broadcast_sub(F.sum(shares, axis=0, keepdims=True), shares) + largest), top)
    others_of_largest = log_sum_exp(x - 1e30 * largest, axis=0)
    return F.where(largest, F.broadcast_add(F.zeros_like(x), others_of_largest), others)
