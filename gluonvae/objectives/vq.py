"""The objective of vector quantisation."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor, is_symbol, stop_gradient
from ..backend.runtime import mx
from ..distributions import kl_divergence
from ..inference import VectorQuantizedInferenceNetwork
from ..inference.codebook import Codebook
from ..models.vae import VAE
from .base import BOUNDS, Objective, Terms, Weight


class QuantizedTerms(mx.gluon.HybridBlock):
    """Of each data point: log p(x | z), KL(q(z | x) || p(z)), the commitment and the dictionary loss of its
    encodings, ``(B,)`` each, the encodings ``(B, D)`` and their codes ``(B, V)``."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        q: Any
        q, prior = self.vae.distributions(inputs)
        log_likelihood = self.vae.log_likelihood(q.rsample(noise), inputs)
        return log_likelihood, kl_divergence(q, prior), q.commitment, q.dictionary_loss, q.encodings, q.codes


@BOUNDS.register("vq")
class VQELBO(Objective):
    """log p(x | z) + log p(z) - β |z_e - sg(z)|² - |sg(z_e) - z|², for encodings z_e and the code vectors z nearest
    to them, in which log p(x | z) has its gradient straight through to the encodings (van den Oord, Vinyals and
    Kavukcuoglu 2017, equation 3). ``terms(data).bound`` is the evidence lower bound, the first two terms.

    Where code vectors are moving averages the last term is left out, and each call in training mode, as all that
    are recorded, moves them, after the gradient's values are fixed (ibid., appendix A.1).

    Parameters
    ----------
    vae : the model, with a :class:`gluonvae.VectorQuantizedInferenceNetwork`.
    commitment : β, not negative; an input of the graph that may be set at any time.
    decay : γ, how much of the moving averages a batch leaves; of no use to a codebook trained by gradient, as the
        next.
    revive_below : a code that is used less than this many times as often as the average one is dead, and put on an
        encoding of the batch; 0 leaves all where they are. ``bound.revived`` counts them.
    """

    commitment = Weight()

    def __init__(self, vae: VAE, commitment: float = 0.25, decay: float = 0.99, revive_below: float = 0.1) -> None:
        super().__init__(vae, 1, QuantizedTerms)
        for name, value in (("decay", decay), ("revive_below", revive_below)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
        self.commitment, self.decay, self.revive_below = commitment, decay, revive_below
        self._revived: Any = 0

    def check_posterior(self, net: Any) -> None:
        if not isinstance(net, VectorQuantizedInferenceNetwork):
            raise ValueError(
                f"{type(self).__name__} trains a codebook, and {type(net).__name__} has none: use "
                "VectorQuantizedInferenceNetwork, 'vectorQuantized' by name"
            )

    @property
    def codebook(self) -> Codebook:
        """The model's."""
        net: Any = self.vae.inference_net
        return net.codebook

    @property
    def revived(self) -> int:
        """How many dead codes have been revived so far."""
        return int(self._revived if isinstance(self._revived, int) else self._revived.asscalar())

    def combine(
        self,
        F: Any,
        log_likelihood: Tensor,
        kl: Tensor,
        commitment: Tensor,
        dictionary_loss: Tensor,
        encodings: Tensor,
        codes: Tensor,
        weight: Tensor,
    ) -> tuple[Tensor, ...]:
        bound = log_likelihood - kl
        objective = bound - F.broadcast_mul(commitment, weight)
        if self.codebook.trained_by == "gradient":
            return objective - dictionary_loss, bound, log_likelihood, kl
        return objective, bound, log_likelihood, kl, stop_gradient(encodings), codes

    def computed(self, *outputs: Tensor) -> Terms:
        if len(outputs) > 4 and mx.autograd.is_training() and not is_symbol(outputs[0]):
            encodings, codes = outputs[4:]
            with mx.autograd.pause():
                self._revived = self._revived + self.codebook.follow(encodings, codes, self.decay, self.revive_below)
        return Terms(*outputs[:4])
