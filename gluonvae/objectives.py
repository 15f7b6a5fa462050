"""Bounds on log p(x), as HybridBlocks over a model: to be maximised, in nats per data point."""

from __future__ import annotations

import math
from typing import Any, Callable, NamedTuple, Optional

import numpy as np

from . import checks
from .chunks import in_chunks
from .networks import XavierBlock
from .ops import Tensor, is_symbol, log_mean_exp
from .runtime import mx
from .vae import VAE, LogWeight

PIXELS_AT_ONCE = 2**25
"""How many pixels, of all samples of a batch, a graph computes at once: 128 MB an array of float32, of
which a training graph holds half a dozen."""


class Terms(NamedTuple):
    """What an objective computes for each data point, ``(B,)`` each, in nats."""

    objective: Tensor
    """What is maximised."""
    bound: Tensor
    """The lower bound on log p(x): the same, but for a weight on one of the terms."""
    log_likelihood: Tensor
    """log p(x | z), averaged over the samples."""
    kl: Tensor
    """KL(q(z | x) || p(z)), or the average of log q(z | x) - log p(z) over the samples."""


class Objective(XavierBlock):
    """Base of the bounds. A kind of bound says

    - what it is made of: ``parts``, a block of ``(data, noise)`` that returns tensors ``(k, B)``, one
      number a sample, or ``(B,)``, the same for every sample (k = 1 has no sample axis);
    - what it makes of them: ``combine(F, *parts, *weights)``, the four tensors of :class:`Terms`.

    Where ``(k, B, X)`` would be too large for memory the samples are taken in chunks: the parts are
    computed without their graph, and each chunk once more when the gradient is wanted. Bound and
    gradient are the same to rounding, of a network that is a function of its inputs; data and noise
    have no gradient then.

    Parameters
    ----------
    vae : the model.
    samples : k, the number of latent states drawn for a data point.
    parts : see above.
    """

    def __init__(self, vae: VAE, samples: int, parts: Callable[[VAE], Any]) -> None:
        super().__init__()
        if not isinstance(vae, VAE):
            raise TypeError(f"vae must be a VAE, got {type(vae).__name__}")
        self.vae = vae
        self.samples = checks.positive_int("samples", samples)
        self.parts = parts(vae)

    def forward(self, data: Tensor, noise: Optional[Tensor] = None) -> Tensor:
        """The objective, ``(B,)``, for data ``(B, X)`` and standard normal noise ``(B, D)``, or
        ``(k, B, D)`` where k > 1; the noise is drawn where left out."""
        return self.terms(data, noise).objective

    def terms(self, data: Tensor, noise: Optional[Tensor] = None) -> Terms:
        """The objective and what it is made of; takes what :meth:`forward` takes."""
        return self.unchecked_terms(data, self.vae.checked_noise(data, noise, self.samples))

    def unchecked_terms(self, data: Tensor, noise: Tensor) -> Terms:
        """:meth:`terms`, for who knows that data and noise fit: the values are not looked at."""
        weights = self.weights(data)
        if not is_symbol(data):
            chunk = max(1, PIXELS_AT_ONCE // (len(data) * self.vae.data_dims))
            if chunk < self.samples:
                return Terms(*in_chunks(self.parts, self.combine, data, noise, weights, chunk))
        return Terms(*super().forward(data, noise, *weights))

    def weights(self, data: Tensor) -> tuple[Tensor, ...]:
        """Further inputs of the graph, on the device of ``data``: what may change from one step
        to the next without a new trace."""
        return ()

    def hybrid_forward(self, F: Any, data: Tensor, noise: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        return self.combine(F, *self.parts(data, noise), *weights)

    def combine(self, F: Any, *parts_and_weights: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError(f"{type(self).__name__} must define combine(F, *parts, *weights)")

    def _sample_mean(self, F: Any, x: Tensor) -> Tensor:
        """The mean over the sample axis, where there is one."""
        return x if self.samples == 1 else F.mean(x, axis=0)


class ELBO(Objective):
    """The evidence lower bound E_q[log p(x | z)] - β KL(q(z | x) || p(z)).

    Kingma and Welling 2014, equation 3; the weight β is Higgins et al. 2017, equation 4. With
    β other than 1 the objective is no longer the bound, and ``terms(data).bound`` still is.

    Parameters
    ----------
    vae : the model.
    beta : β, not negative. Set ``bound.beta`` at any time: it is an input of the graph.
    samples : k, the number of latent states that the first term is averaged over.
    """

    def __init__(self, vae: VAE, beta: float = 1.0, samples: int = 1) -> None:
        super().__init__(vae, samples, lambda vae: vae)
        self.beta = beta

    @property
    def beta(self) -> float:
        return self._beta

    @beta.setter
    def beta(self, value: float) -> None:
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"beta must be a finite number, not negative, got {value}")
        self._beta = float(value)
        self._beta_tensors: dict[Any, Any] = {}

    def weights(self, data: Tensor) -> tuple[Tensor, ...]:
        if is_symbol(data):
            return (mx.sym.full((1,), self._beta),)
        place = data.context, np.dtype(data.dtype)
        if place not in self._beta_tensors:
            self._beta_tensors[place] = mx.nd.full((1,), self._beta, data.context).astype(data.dtype, copy=False)
        return (self._beta_tensors[place],)

    def combine(self, F: Any, log_likelihood: Tensor, kl: Tensor, beta: Tensor) -> tuple[Tensor, ...]:
        log_likelihood = self._sample_mean(F, log_likelihood)
        weighted = log_likelihood - F.broadcast_mul(kl, beta)
        return weighted, log_likelihood - kl, log_likelihood, kl


class IWAE(Objective):
    """The importance-weighted bound E[log 1/k Σ_i p(x, z_i) / q(z_i | x)], z_i ~ q(z | x).

    Burda, Grosse and Salakhutdinov 2016, equation 8. It rises with k towards log p(x), and is
    the ELBO with a sampled KL at k = 1.

    Parameters
    ----------
    vae : the model.
    samples : k.
    """

    def __init__(self, vae: VAE, samples: int = 50) -> None:
        super().__init__(vae, samples, LogWeight)

    def combine(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor) -> tuple[Tensor, ...]:
        log_weight = log_likelihood + log_ratio
        bound = log_weight if self.samples == 1 else log_mean_exp(log_weight)
        # identity: an output of a graph may not stand for two heads
        return (bound, F.identity(bound), self._sample_mean(F, log_likelihood), -self._sample_mean(F, log_ratio))
