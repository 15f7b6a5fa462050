"""Products of Bernoullis: binary pixels."""

from __future__ import annotations

from typing import Optional

from ..backend import log_probs
from ..backend.operators import namespace, softplus, stop_gradient, sum_last, with_sample_axis
from ..backend.regions.availability import available
from ..backend.types import Tensor
from .base import Distribution


class Bernoulli(Distribution):
    """Independent zeros and ones.

    Parameters
    ----------
    logits : Tensor
        log p(1) - log p(0), ``(..., X)``. The tutorial's softmax over two numbers per pixel is the same model with
        the difference of the two as the logit.
    """

    noise_kind = "uniform"

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    @property
    def mean(self) -> Tensor:
        return namespace(self.logits).Activation(self.logits, act_type="sigmoid")

    @property
    def mode(self) -> Tensor:
        return self.logits > 0

    def log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of zeros and ones, as the logarithm of the sigmoid of ±logit.

        It is never positive, and its gradient is also right at a logit of exactly 0, where that of
        ``gluon.loss.SigmoidBinaryCrossEntropyLoss`` is wrong.

        Parameters
        ----------
        value : Tensor
            ``(..., X)``, or of a shape that broadcasts to it. No gradient flows to it.

        Returns
        -------
        Tensor
            ``(...)``, in nats.
        """
        if available():
            return log_probs.bernoulli(self.logits, value)
        return _log_prob(self.logits, value)

    def component_log_prob(self, value: Tensor) -> Tensor:
        """Compute the log mass of each zero or one, ``(..., X)``; no gradient flows to values."""
        F = namespace(self.logits)
        return -softplus(F.broadcast_mul(self.logits, 1 - 2 * stop_gradient(value)))

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw zeros and ones.

        Parameters
        ----------
        noise : Tensor, optional
            Uniform in [0, 1), ``(..., X)``.

        Returns
        -------
        Tensor
            ``(..., X)``.
        """
        F, noise = namespace(self.logits), self._noise_for(self.logits, noise)
        return stop_gradient(F.broadcast_lesser(noise, self.mean))


def _log_prob(logits: Tensor, value: Tensor) -> Tensor:
    """Compute :func:`gluonvae.backend.log_probs.bernoulli` by MXNet's own operators."""
    F, shape = namespace(logits), logits
    # (k, B, X), with k = 1 where there is no sample axis
    logits, value = with_sample_axis(logits), with_sample_axis(stop_gradient(value))
    # broadcast_mul would also reduce a gradient for the data, which is not needed
    unlikely = logits * F.broadcast_like(1 - 2 * value, logits)
    # softrelu is differentiated, because its gradient is accurate and takes the fewest passes;
    # its value is replaced by that of softplus, through which no gradient flows
    rough = sum_last(F.Activation(unlikely, act_type="softrelu"))
    log_prob = (stop_gradient(rough) - sum_last(softplus(stop_gradient(unlikely)))) - rough
    return F.reshape_like(log_prob, shape, lhs_begin=0, lhs_end=2, rhs_begin=0, rhs_end=-1)
