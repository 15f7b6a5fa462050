"""Code vectors of a codebook: those nearest to encodings, and those drawn with given probabilities."""

from __future__ import annotations

from functools import cached_property
from typing import Optional

from ..backend.operators import Tensor, namespace, stop_gradient
from .base import Distribution
from .kl import register_kl
from .mixture import picked


class Quantized(Distribution):
    """The point mass on the code vectors nearest to V encodings of d numbers each (van den Oord, Vinyals and
    Kavukcuoglu 2017, equation 1).

    Parameters
    ----------
    encodings : ``(B, V * d)``.
    vectors : the codebook, ``(K, d)``.
    codes, code_size : K and d, which a graph does not know.
    """

    def __init__(self, encodings: Tensor, vectors: Tensor, codes: int, code_size: int) -> None:
        self.encodings = encodings
        self.vectors = vectors
        self.number_of_codes = codes
        self.code_size = code_size

    @cached_property
    def codes(self) -> Tensor:
        """The numbers of the nearest code vectors, ``(B, V)``, from 0 to K - 1; the first of those as near."""
        F, vectors = namespace(self.encodings), stop_gradient(self.vectors)
        rows = F.reshape(stop_gradient(self.encodings), shape=(0, -1, self.code_size))
        # (B, V, K), z'e - |e|²/2: minus half the squared distances, but for the encodings' own squares
        nearness = F.FullyConnected(
            rows, vectors, -0.5 * F.sum(F.square(vectors), axis=-1), num_hidden=self.number_of_codes, flatten=False
        )
        return stop_gradient(F.argmax(nearness, axis=-1))

    @cached_property
    def mode(self) -> Tensor:
        """The code vectors, ``(B, V * d)``; their gradient is the codebook's."""
        F = namespace(self.encodings)
        return F.reshape_like(F.take(self.vectors, self.codes), self.encodings)

    @property
    def mean(self) -> Tensor:
        """The same: there is no other value."""
        return self.mode

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The code vectors, through which no gradient flows; see :meth:`rsample`."""
        return stop_gradient(self.rsample(noise))

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """The code vectors, with the gradient straight through to the encodings. Of ``noise``, ``(..., B, 1)``,
        only the leading axes matter: one copy each."""
        F = namespace(self.encodings)
        value = stop_gradient(self.mode) + (self.encodings - stop_gradient(self.encodings))
        return value if noise is None else F.broadcast_add(F.zeros_like(noise), value)

    @property
    def commitment(self) -> Tensor:
        """The squared distance of the encodings from the code vectors, ``(B,)``, whose gradient moves the encodings."""
        return self._distance(self.encodings, stop_gradient(self.mode))

    @property
    def dictionary_loss(self) -> Tensor:
        """The same distance, whose gradient moves the code vectors (ibid., equation 3)."""
        return self._distance(stop_gradient(self.encodings), self.mode)

    @staticmethod
    def _distance(encodings: Tensor, vectors: Tensor) -> Tensor:
        return namespace(encodings).sum(namespace(encodings).square(encodings - vectors), axis=-1)


class CodeVectors(Distribution):
    """V independent code vectors, each one of a codebook's K.

    Parameters
    ----------
    logits : ``(V, K)``; the softmax of a row are its probabilities.
    vectors : the codebook, ``(K, d)``.
    """

    def __init__(self, logits: Tensor, vectors: Tensor) -> None:
        self.logits = logits
        self.vectors = vectors

    def code_log_prob(self, codes: Tensor) -> Tensor:
        """Log mass of codes ``(B, V)``, numbers from 0 to K - 1, summed over V, ``(B,)``, in nats."""
        F, fixed = namespace(self.logits), stop_gradient(self.logits)
        log_probabilities = F.reshape(F.log_softmax(self.logits, axis=-1), shape=(-1,))
        # (V,), where the row of each code begins
        begins = F.slice_axis(F.reshape_like(F.contrib.arange_like(F.reshape(fixed, shape=(-1,))), fixed), 1, 0, 1)
        places = F.broadcast_add(codes, F.reshape(begins, shape=(1, -1)))
        return F.sum(F.take(log_probabilities, places), axis=-1)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """A draw ``(n, V * d)``, through which no gradient flows. ``noise`` is standard normal, ``(n, V)``, and must
        be given."""
        if noise is None:
            raise TypeError("CodeVectors needs its noise: it cannot tell how many draws are wanted")
        F = namespace(noise)
        codes = picked(F.expand_dims(noise, axis=-1), F.softmax(self.logits, axis=-1))
        return stop_gradient(F.reshape(F.take(self.vectors, codes), shape=(0, -1)))


@register_kl(Quantized, CodeVectors)
def _quantized_code_vectors(q: Quantized, p: CodeVectors) -> Tensor:
    # of a point mass; under equal probabilities V log K, whatever the data
    return -p.code_log_prob(q.codes)
