"""Products of Bernoullis: binary pixels."""

from __future__ import annotations

from typing import Optional

from .. import noise as _noise
from ..ops import Tensor, log_sigmoid, namespace
from .distribution import Distribution


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
        F = namespace(self.logits)
        sign = 2 * F.BlockGrad(value) - 1
        return F.sum(log_sigmoid(F.broadcast_mul(self.logits, sign)), axis=-1)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Zeros and ones; ``noise`` is uniform in [0, 1), ``(..., X)``."""
        F = namespace(self.logits)
        noise = _noise.uniform_for(self.logits, noise)
        return F.BlockGrad(F.broadcast_lesser(noise, self.mean))
