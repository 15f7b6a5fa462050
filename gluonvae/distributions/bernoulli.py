"""Products of Bernoullis: binary pixels."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..backend import compiled
from ..backend.operators import Tensor, namespace, softplus, stop_gradient, sum_last, with_sample_axis
from .base import Distribution


class Bernoulli(Distribution):
    """Independent zeros and ones.

    Parameters
    ----------
    logits : ``(..., X)``, log p(1) - log p(0). The tutorial's softmax over two numbers a pixel
        is the same model with the difference of the two as the logit.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    @property
    def mean(self) -> Tensor:
        return namespace(self.logits).Activation(self.logits, act_type="sigmoid")

    @property
    def mode(self) -> Tensor:
        return self.logits > 0

    def log_prob(self, value: Tensor) -> Tensor:
        """Log mass of ``value``, zeros and ones, ``(..., X)`` or broadcast to it.

        The logarithm of the sigmoid of ±logit: never positive, with the right gradient also at a
        logit of exactly 0, which ``gluon.loss.SigmoidBinaryCrossEntropyLoss`` has not. No gradient
        flows to ``value``.
        """
        if compiled.available():
            return compiled.bernoulli_log_prob(self.logits, value)
        return _log_prob(self.logits, value)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Zeros and ones; ``noise`` is uniform in [0, 1), ``(..., X)``."""
        F = namespace(self.logits)
        noise = _noise.uniform_for(self.logits, noise)
        return stop_gradient(F.broadcast_lesser(noise, self.mean))


def _log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """What :func:`gluonvae.backend.compiled.bernoulli_log_prob` does, by MXNet's own operators."""
    F = namespace(logits)
    shape = logits
    # (k, B, X), with k = 1 where there is no sample axis
    logits, value = with_sample_axis(logits), with_sample_axis(stop_gradient(value))
    # broadcast_mul would reduce a gradient for the data, which nobody asks for
    unlikely = logits * F.broadcast_like(1 - 2 * value, logits)
    # Differentiated is softrelu, whose gradient is right to a rounding in the fewest passes;
    # its value is mended by softplus, which no gradient goes through.
    rough = sum_last(F.Activation(unlikely, act_type="softrelu"))
    log_prob = (stop_gradient(rough) - sum_last(softplus(stop_gradient(unlikely)))) - rough
    return F.reshape_like(log_prob, shape, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=-1)
