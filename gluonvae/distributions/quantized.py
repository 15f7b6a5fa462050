"""Code vectors of a codebook: those nearest to encodings, and those drawn with given probabilities."""

from __future__ import annotations

from functools import cached_property
from typing import Optional

from ..backend.operators import log_softmax, namespace, stop_gradient
from ..backend.types import Tensor
from ..noise import NoiseSpec
from .base import Distribution
from .kl import register_kl
from .mixture import pick


class Quantized(Distribution):
    """The point mass on the code vectors nearest to V encodings of d numbers each.

    Van den Oord, Vinyals and Kavukcuoglu 2017, equation 1.

    Parameters
    ----------
    encodings : Tensor
        ``(B, V * d)``.
    vectors : Tensor
        The codebook, ``(K, d)``.
    codes, code_size : int
        K and d, as a graph does not know shapes.
    """

    noise_kind = "none"

    def __init__(self, encodings: Tensor, vectors: Tensor, codes: int, code_size: int) -> None:
        self.encodings = encodings
        self.vectors = vectors
        self.number_of_codes = codes
        self.code_size = code_size

    @classmethod
    def noise(cls, size: int) -> NoiseSpec:
        """Return the spec of a single number, which is ignored: its leading axes tell the number of copies.

        Parameters
        ----------
        size : int
            D.

        Returns
        -------
        NoiseSpec
        """
        return NoiseSpec(cls.noise_kind, 1)

    @cached_property
    def codes(self) -> Tensor:
        """Indices of the nearest code vectors, from 0 to K - 1, ``(B, V)``; the first where several are as near."""
        F, vectors = namespace(self.encodings), stop_gradient(self.vectors)
        rows = F.reshape(stop_gradient(self.encodings), shape=(0, -1, self.code_size))
        bias = -0.5 * F.sum(F.square(vectors), axis=-1)
        # (B, V, K), z'e - |e|²/2: minus half the squared distance, without the encoding's own square
        nearness = F.FullyConnected(rows, vectors, bias, num_hidden=self.number_of_codes, flatten=False)
        return stop_gradient(F.argmax(nearness, axis=-1))

    @cached_property
    def mode(self) -> Tensor:
        """The code vectors, ``(B, V * d)``; their gradient flows to the codebook."""
        F = namespace(self.encodings)
        return F.reshape_like(F.take(self.vectors, self.codes), self.encodings)

    @property
    def mean(self) -> Tensor:
        """The code vectors, as the only value."""
        return self.mode

    def rsample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Return the code vectors, with the straight-through gradient to the encodings.

        Parameters
        ----------
        noise : Tensor, optional
            ``(..., B, 1)``, which adds its leading axes to the result. Left out, none are added.

        Returns
        -------
        Tensor
            ``(..., B, V * d)``.
        """
        F = namespace(self.encodings)
        value = stop_gradient(self.mode) + (self.encodings - stop_gradient(self.encodings))
        return value if noise is None else F.broadcast_add(F.zeros_like(noise), value)

    @property
    def commitment(self) -> Tensor:
        """The squared distance of encodings and code vectors, ``(B,)``; its gradient flows to the encodings."""
        return self._distance(self.encodings, stop_gradient(self.mode))

    @property
    def dictionary_loss(self) -> Tensor:
        """The same distance; its gradient flows to the code vectors (ibid., equation 3)."""
        return self._distance(stop_gradient(self.encodings), self.mode)

    @staticmethod
    def _distance(encodings: Tensor, vectors: Tensor) -> Tensor:
        return namespace(encodings).sum(namespace(encodings).square(encodings - vectors), axis=-1)


class CodeVectors(Distribution):
    """V independent code vectors, each one of the K of a codebook.

    Parameters
    ----------
    logits : Tensor
        ``(V, K)``. The probabilities of the codes are the softmax of each row.
    vectors : Tensor
        The codebook, ``(K, d)``.
    """

    noise_kind = "uniform"

    def __init__(self, logits: Tensor, vectors: Tensor) -> None:
        self.logits = logits
        self.vectors = vectors

    def code_log_prob(self, codes: Tensor) -> Tensor:
        """Compute the log mass of codes.

        Parameters
        ----------
        codes : Tensor
            Indices from 0 to K - 1, ``(B, V)``.

        Returns
        -------
        Tensor
            The sum over V, ``(B,)``, in nats.
        """
        F, fixed = namespace(self.logits), stop_gradient(self.logits)
        log_probabilities = F.reshape(log_softmax(self.logits), shape=(-1,))
        # (V,), the index of the first number of each row
        begins = F.slice_axis(F.reshape_like(F.contrib.arange_like(F.reshape(fixed, shape=(-1,))), fixed), 1, 0, 1)
        places = F.broadcast_add(codes, F.reshape(begins, shape=(1, -1)))
        return F.sum(F.take(log_probabilities, places), axis=-1)

    def sample(self, noise: Optional[Tensor] = None) -> Tensor:
        """Draw values, through which no gradient flows.

        Parameters
        ----------
        noise : Tensor
            Uniform in [0, 1), ``(n, V)``.

        Returns
        -------
        Tensor
            ``(n, V * d)``.

        Raises
        ------
        TypeError
            If there is no noise, which alone tells the number of draws.
        """
        if noise is None:
            raise TypeError("CodeVectors needs its noise: it cannot tell how many draws are wanted")
        F = namespace(noise)
        codes = pick(F.expand_dims(noise, axis=-1), F.softmax(self.logits, axis=-1))
        return stop_gradient(F.reshape(F.take(self.vectors, codes), shape=(0, -1)))


@register_kl(Quantized, CodeVectors)
def _quantized_code_vectors(q: Quantized, p: CodeVectors) -> Tensor:
    # q is a point mass, so this is V log K, whatever the data, where all codes are equally probable
    return -p.code_log_prob(q.codes)
