"""Importance-weighted bounds: functions of the log weights of k samples."""

from __future__ import annotations

from typing import Any

from .. import checks
from ..backend.operators import Tensor, log_mean_exp
from ..backend.runtime import mx
from ..models.vae import VAE, LogWeight
from ..networks import find
from .base import BOUNDS, Objective

GRADIENTS = ("standard", "stl", "dreg")
"""Gradient estimators: the one of the objective as it stands; sticking the landing (Roeder, Wu and
Duvenaud 2017), which leaves out the score of q (biased for more than one sample); doubly reparametrised
(Tucker et al. 2019), which puts in its place what has the same expectation."""


class ImportanceWeighted(Objective):
    """Base of the bounds that are a function of log weights: a kind defines

    - ``value(F, log_weight, *weights)``, the objective, ``(B,)`` for log weights ``(k, B)``, k > 1;
    - ``path_share(F, log_weight, *weights)``, ``(k, B)``: what each sample's path is multiplied by in the
      doubly reparametrised gradient;
    - where the objective is not the bound, ``lower_bound(F, log_weight, value)``.

    Parameters
    ----------
    vae : the model.
    samples : k.
    gradient : one of :data:`GRADIENTS`; for "dreg" a step costs one more forward pass.
    """

    def __init__(self, vae: VAE, samples: int, gradient: str = "standard") -> None:
        self.gradient = checks.known_name("gradient", gradient, GRADIENTS)
        super().__init__(vae, samples, lambda vae: LogWeight(vae, gradient == "standard"))
        self.scales_path = gradient == "dreg" and self.samples > 1
        if self.scales_path and find(vae, mx.gluon.nn.Dropout):
            raise ValueError(
                "gradient 'dreg' is made of two passes, in each of which Dropout draws anew: use another gradient, or "
                "a body without it"
            )

    def value(self, F: Any, *log_weight_and_weights: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define value(F, log_weight, *weights)")

    def path_share(self, F: Any, *log_weight_and_weights: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define path_share(F, log_weight, *weights)")

    def lower_bound(self, F: Any, log_weight: Tensor, value: Tensor) -> Tensor:
        # identity: an output of a graph may not stand for two heads
        return F.identity(value)

    def combine(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        log_weight = log_likelihood + log_ratio
        if self.samples == 1:
            value, bound = log_weight, F.identity(log_weight)
        else:
            value = self.value(F, log_weight, *weights)
            bound = self.lower_bound(F, log_weight, value)
        return value, bound, self._sample_mean(log_likelihood), -self._sample_mean(log_ratio)

    def path_scale(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor, *weights: Tensor) -> Tensor:
        return self.path_share(F, log_likelihood + log_ratio, *weights)


@BOUNDS.register("iwae")
class IWAE(ImportanceWeighted):
    """The importance-weighted bound E[log 1/k Σ_i p(x, z_i) / q(z_i | x)], z_i ~ q(z | x).

    Burda, Grosse and Salakhutdinov 2016, equation 8. It rises with k towards log p(x), and is
    the ELBO with a sampled KL at k = 1.

    Parameters
    ----------
    vae : the model.
    samples : k.
    gradient : one of :data:`GRADIENTS`.
    """

    def __init__(self, vae: VAE, samples: int = 50, gradient: str = "standard") -> None:
        super().__init__(vae, samples, gradient)

    def value(self, F: Any, log_weight: Tensor) -> Tensor:
        return log_mean_exp(log_weight)

    def path_share(self, F: Any, log_weight: Tensor) -> Tensor:
        return F.softmax(log_weight, axis=0)
