"""Gradient estimators of the parameters of q(z | x), by draws whose values are the same and whose gradients differ."""

from __future__ import annotations

from typing import Any, Optional

from ..backend.operators import is_symbol, namespace, scale_gradient, stop_gradient
from ..backend.runtime import mx
from ..backend.types import Structure, Tensor
from ..distributions import Distribution

GRADIENTS = ("standard", "stl", "dreg")
"""Gradient estimators: the gradient of the objective as it stands; sticking the landing (Roeder, Wu and
Duvenaud 2017), which leaves out the score of q (biased for more than one weighted sample); doubly reparametrised
(Tucker et al. 2019), which replaces it by what has the same expectation."""


class GradientEstimator(Distribution):
    """A distribution with the draws and densities of another, and other gradients.

    Parameters
    ----------
    q : Distribution
    score : bool
        Whether the gradient has the score, that of log q in its own parameters at a fixed value, which is 0 in
        expectation (Roeder, Wu and Duvenaud 2017, equation 8).
    path_scale : Tensor, optional
        What the gradient in the parameters of q is multiplied by, ``(k, B)``, for each sample.
    """

    def __init__(self, q: Distribution, score: bool, path_scale: Optional[Tensor] = None) -> None:
        self.q: Any = q
        self.score = score
        self.path_scale = path_scale

    def rsample(self, noise: Optional[Structure] = None) -> Tensor:
        return self._scaled(self.q.rsample(noise))

    def rsample_and_log_prob(self, noise: Optional[Structure] = None) -> tuple[Tensor, Tensor]:
        value, log_prob = self.q.rsample_and_log_prob(noise)
        if not self.score:
            log_prob = _without(log_prob, self.q.log_prob(stop_gradient(value)))
        return self._scaled(value), log_prob if self.path_scale is None else scale_gradient(log_prob, self.path_scale)

    def rsample_and_log_probs(self, noise: Optional[Structure] = None) -> tuple[Tensor, list[Tensor]]:
        """Draw a value, and return it with the log density of each of its layers."""
        value, log_probs = self.q.rsample_and_log_probs(noise)
        if not self.score:
            log_probs = list(map(_without, log_probs, self.q.log_probs(stop_gradient(value))))
        return value, log_probs

    def log_prob(self, value: Tensor) -> Tensor:
        if not self.score:
            value_only = self.q.log_prob(value)
            return _without(value_only, self.q.log_prob(stop_gradient(value)))
        return self.q.log_prob(value)

    def _scaled(self, value: Tensor) -> Tensor:
        if self.path_scale is None:
            return value
        return scale_gradient(value, namespace(self.path_scale).expand_dims(self.path_scale, axis=-1))


def _without(x: Tensor, y: Tensor) -> Tensor:
    """``x``, whose gradient lacks that of ``y``."""
    return x - (y - stop_gradient(y))


def without_gradient(x: Any) -> Tensor:
    """Return ``x``, of which no gradient is computed.

    That of a graph is stopped where it begins: zeros from its end would be sent back through every layer, which
    takes as long as a gradient.
    """
    if not is_symbol(x):
        return stop_gradient(x)
    inputs = x.get_internals()
    return x(**{name: mx.sym.BlockGrad(inputs[name]) for name in x.list_arguments()})
