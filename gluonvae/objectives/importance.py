"""Importance-weighted bounds: functions of the log weights of k samples."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..ops import Tensor, log_mean_exp
from ..vae import VAE, LogWeight
from .objective import BOUNDS, Objective

GRADIENTS = ("standard", "stl", "dreg")
"""Gradient estimators: the one of the objective as it stands; sticking the landing (Roeder, Wu and
Duvenaud 2017), which leaves out the score of q (biased for more than one sample); doubly reparametrised
(Tucker et al. 2019), which puts in its place what has the same expectation."""


class ImportanceWeighted(Objective):
    """Base of the bounds that are a function of log weights: a kind defines

    - ``bound(F, log_weight)``, ``(B,)`` for log weights ``(k, B)``;
    - ``doubly(F, log_weight)``, ``(k, B)``: what each sample's path is multiplied by in the doubly
      reparametrised gradient.

    Parameters
    ----------
    vae : the model.
    samples : k.
    gradient : one of :data:`GRADIENTS`.
    """

    def __init__(self, vae: VAE, samples: int, gradient: str = "standard") -> None:
        self.gradient = checks.known_name("gradient", gradient, GRADIENTS)
        super().__init__(vae, samples, lambda vae: LogWeight(vae, gradient == "standard"))

    def bound(self, F: Any, log_weight: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define bound(F, log_weight)")

    def doubly(self, F: Any, log_weight: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define doubly(F, log_weight)")

    def combine(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor) -> tuple[Tensor, ...]:
        log_weight = log_likelihood + log_ratio
        bound = log_weight if self.samples == 1 else self.bound(F, log_weight)
        # identity: an output of a graph may not stand for two heads
        return (bound, F.identity(bound), self._sample_mean(log_likelihood), -self._sample_mean(log_ratio))

    def path_scale(self, F: Any, log_likelihood: Tensor, log_ratio: Tensor) -> Optional[Tensor]:
        if self.gradient != "dreg" or self.samples == 1:
            return None
        return self.doubly(F, F.BlockGrad(log_likelihood + log_ratio))


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

    def bound(self, F: Any, log_weight: Tensor) -> Tensor:
        return log_mean_exp(log_weight)

    def doubly(self, F: Any, log_weight: Tensor) -> Tensor:
        return F.softmax(log_weight, axis=0)
