"""A posterior that is one of a codebook's vectors."""

from __future__ import annotations

from typing import Any, Optional

from .. import checks
from ..backend.operators import Tensor
from ..distributions import CodeVectors, Quantized
from ..networks import Activation, Layers
from .base import POSTERIORS, DenseInferenceNetwork
from .codebook import Codebook


@POSTERIORS.register("vectorQuantized")
class VectorQuantizedInferenceNetwork(DenseInferenceNetwork):
    """V encodings of d numbers each, for each of which the nearest vector of a codebook is taken: a point mass
    (van den Oord, Vinyals and Kavukcuoglu 2017). Its parameters are ``(encodings, vectors)``, ``(B, V * d)`` and
    ``(K, d)``; :class:`gluonvae.VQELBO` trains it, and :class:`gluonvae.CodebookPrior` is its prior.

    Nothing is drawn: of the one number of noise that each latent state takes, as all do, the value does not matter.

    Parameters
    ----------
    latent_variable_size : D = V * d.
    layer_sizes, act_type, data_dims, data_transform : see :class:`GaussianInferenceNetwork`.
    code_size : d.
    codes : K.
    codebook : "averages", the code vectors are moving averages of the encodings nearest to them, or "gradient".
    """

    distribution_type = Quantized
    deterministic = True
    bears_bfloat16 = False

    def __init__(
        self,
        latent_variable_size: int,
        layer_sizes: Layers,
        act_type: Activation = "tanh",
        data_dims: int = 0,
        data_transform: Optional[str] = None,
        code_size: int = 8,
        codes: int = 64,
        codebook: str = "averages",
    ) -> None:
        size = checks.positive_int("latent_variable_size", latent_variable_size)
        if size % checks.positive_int("code_size", code_size):
            raise ValueError(f"latent_variable_size must be a multiple of code_size {code_size}, got {size}")
        super().__init__(size, layer_sizes, act_type, data_dims, {"encodings": size}, None, data_transform)
        with self.name_scope():
            self.codebook = Codebook(codes, code_size, codebook)

    @property
    def noise_size(self) -> int:
        return 1

    @property
    def width(self) -> int:
        return self.latent_variable_size

    def join(self, prior: Any) -> None:
        """Tell the prior how many codes there are; ValueError for one that is not over codes."""
        if prior.distribution_type is not CodeVectors:
            raise ValueError(
                f"{type(self).__name__} needs a prior over its codes, got {type(prior).__name__}: use CodebookPrior, "
                "'codebook' by name"
            )
        prior.codes, prior.positions = self.codebook.codes, self.latent_variable_size // self.codebook.code_size

    def hybrid_forward(self, F: Any, data: Tensor) -> tuple[Tensor, ...]:
        return self.encodings_head(self.shared(data)), self.codebook.vectors(data)

    def distribution(self, encodings: Tensor, vectors: Tensor) -> Quantized:
        return Quantized(encodings, vectors, self.codebook.codes, self.codebook.code_size)
