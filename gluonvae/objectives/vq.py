"""The objective of vector quantisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..backend.operators import is_symbol, stop_gradient
from ..backend.runtime import mx
from ..backend.types import Operators, Structure, Tensor, Weights
from ..distributions import Quantized, kl_divergence
from ..inference import InferenceNetwork
from ..inference.codebook import Codebook
from ..models import VAE
from ..weights import Weight
from .base import BOUNDS, Objective
from .terms import Inputs, Terms


class QuantizedTerms(NamedTuple):
    """What :class:`VQELBO` is made of, ``(B,)`` each but for the last two."""

    log_likelihood: Tensor
    kl: Tensor
    commitment: Tensor
    dictionary_loss: Tensor
    encodings: Tensor
    """``(B, D)``."""
    codes: Tensor
    """``(B, V)``."""


@BOUNDS.register("vq")
class VQELBO(Objective):
    """log p(x | z) + log p(z) - β |z_e - sg(z)|² - |sg(z_e) - z|², for encodings z_e and their nearest code vectors z.

    log p(x | z) has its gradient straight through to the encodings (van den Oord, Vinyals and Kavukcuoglu 2017,
    equation 3). ``terms(data).bound`` is the evidence lower bound, the first two terms. Where code vectors are
    moving averages the last term is left out, and each call in training mode, as all that are recorded, moves
    them, after the gradient's values are fixed (ibid., appendix A.1).

    Parameters
    ----------
    vae : VAE
        The model, with a :class:`gluonvae.VectorQuantizedInferenceNetwork`.
    commitment : float
        β, not negative; it may be set at any time.
    decay : float
        γ, how much of the moving averages a batch leaves; of no use to a codebook trained by gradient, as the
        next.
    revive_below : float
        A code that is used less than this many times as often as the average one is dead, and put on an
        encoding of the batch; 0 leaves all where they are. ``bound.revived`` counts them.
    """

    in_parts_instead = "with a codebook that learns by gradient, codebook='gradient' of the inference network"
    commitment = Weight()

    def __init__(self, vae: VAE, commitment: float = 0.25, decay: float = 0.99, revive_below: float = 0.1) -> None:
        super().__init__(vae)
        for name, value in (("decay", decay), ("revive_below", revive_below)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, got {value}")
        self.commitment, self.decay, self.revive_below = commitment, decay, revive_below
        self._revived: Any = 0

    def check_posterior(self, net: InferenceNetwork) -> None:
        if net.distribution_type is not Quantized:
            raise ValueError(
                f"{type(self).__name__} trains a codebook, and {type(net).__name__} has none: use "
                "VectorQuantizedInferenceNetwork, 'vector_quantized' by name"
            )

    @property
    def of_single_rows(self) -> bool:  # type: ignore[override]
        """Whether the codebook learns by gradient: moving averages are of a batch as a whole."""
        return self.codebook.trained_by == "gradient"

    @property
    def codebook(self) -> Codebook:
        """The model's codebook."""
        return self.vae.inference_net.family.codebook

    @property
    def revived(self) -> int:
        """How many dead codes have been revived so far."""
        return int(self._revived if isinstance(self._revived, int) else self._revived.asscalar())

    def state(self) -> dict[str, Any]:
        return {"revived": self.revived}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._revived = int(state["revived"])

    def sampled_terms(self, F: Operators, x: Inputs, noise: Structure) -> QuantizedTerms:
        q: Any
        q, p = self.posterior(x), self.prior(x)
        log_likelihood = self.log_likelihood(x, q.rsample(noise))
        return QuantizedTerms(
            log_likelihood, kl_divergence(q, p), q.commitment, q.dictionary_loss, q.encodings, q.codes
        )

    def combine(self, F: Operators, terms: QuantizedTerms, weights: Weights) -> tuple[Tensor, ...]:
        bound = terms.log_likelihood - terms.kl
        objective = bound - F.broadcast_mul(terms.commitment, weights.commitment)
        if self.codebook.trained_by == "gradient":
            return Terms(objective - terms.dictionary_loss, bound, terms.log_likelihood, terms.kl)
        averaged = stop_gradient(terms.encodings), terms.codes
        return (*Terms(objective, bound, terms.log_likelihood, terms.kl), *averaged)

    def finish(self, outputs: Sequence[Tensor]) -> Terms:
        if len(outputs) > len(Terms._fields) and mx.autograd.is_training() and not is_symbol(outputs[0]):
            encodings, codes = outputs[4:]
            with mx.autograd.pause():
                self._revived = self._revived + self.codebook.follow(encodings, codes, self.decay, self.revive_below)
        return Terms(*outputs[:4])
