"""A posterior that is one of a codebook's vectors."""

from __future__ import annotations

from .. import checks
from ..backend.types import Model, Tensor
from ..distributions import CodeVectors, Distribution, Family, Quantized
from .base import POSTERIORS
from .codebook import Codebook
from .network import FamilyInferenceNetwork


class QuantizedFamily(Family):
    """The vectors of a codebook that are nearest to V encodings of d numbers each: point masses.

    The parameters are ``(encodings, vectors)``, ``(B, V * d)`` and ``(K, d)``.

    Parameters
    ----------
    latent_variable_size : int
        D = V * d.
    code_size : int
        d, the length of a code vector.
    codes : int
        K, the number of code vectors.
    codebook : {"averages", "gradient"}
        How code vectors are trained, see :class:`gluonvae.inference.codebook.Codebook`.
    """

    distribution_type = Quantized
    deterministic = True
    supports_bfloat16 = False
    not_in_parameters = "the choice of the vectors that are nearest to the encodings, which are the latent state"

    def __init__(
        self, latent_variable_size: int, code_size: int = 8, codes: int = 64, codebook: str = "averages"
    ) -> None:
        super().__init__(latent_variable_size)
        if self.size % checks.positive_int("code_size", code_size):
            near = code_size * max(1, self.size // code_size)
            raise ValueError(
                f"latent_variable_size must be a multiple of code_size {code_size}, got {self.size}: take {near} or "
                f"{near + code_size}, or another code_size"
            )
        with self.name_scope():
            self.codebook = Codebook(codes, code_size, codebook)

    @property
    def heads(self) -> dict[str, int]:
        return {"encodings": self.size}

    @property
    def positions(self) -> int:
        """V."""
        return self.size // self.codebook.code_size

    @property
    def floats_per_sample(self) -> int:
        # how near each code of each position is
        return max(self.size, self.positions * self.codebook.codes)

    def parameters(self, encodings: Tensor) -> tuple[Tensor, ...]:
        return encodings, self.codebook.vectors(encodings)

    def distribution(self, encodings: Tensor, vectors: Tensor) -> Distribution:
        return Quantized(encodings, vectors, self.codebook.codes, self.codebook.code_size)

    def bind(self, model: Model) -> None:
        if model.prior.distribution_type is not CodeVectors:
            raise ValueError(
                f"{type(model.inference_net).__name__} needs a prior over its codes, got "
                f"{type(model.prior).__name__}: use CodebookPrior, 'codebook' by name"
            )


@POSTERIORS.register("vector_quantized")
class VectorQuantizedInferenceNetwork(FamilyInferenceNetwork):
    """A vector-quantised posterior (van den Oord, Vinyals and Kavukcuoglu 2017), see :class:`QuantizedFamily` and
    :class:`FamilyInferenceNetwork`.

    :class:`gluonvae.VQELBO` trains it, and :class:`gluonvae.CodebookPrior` is its prior.
    """

    family_type = QuantizedFamily
