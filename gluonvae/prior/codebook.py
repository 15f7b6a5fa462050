"""A prior over the codes of vector quantisation."""

from __future__ import annotations

from typing import Any

from ..backend.operators import Tensor
from ..distributions import CodeVectors, Quantized
from .base import PRIORS, Prior


@PRIORS.register("codebook")
class CodebookPrior(Prior):
    """p(z) of :class:`gluonvae.VectorQuantizedInferenceNetwork`: V independent codes, whose probabilities start equal.

    Parameters
    ----------
    latent_variable_size, data_dims : see :class:`Prior`.
    learned : whether the probabilities are learned, those of each of the V codes by themselves; else they stay
        equal, as while the models of van den Oord, Vinyals and Kavukcuoglu 2017 are trained.
    """

    distribution_type = CodeVectors
    posterior_type = Quantized
    bears_bfloat16 = False

    def __init__(self, latent_variable_size: int = 0, data_dims: int = 0, learned: bool = True) -> None:
        super().__init__(latent_variable_size, data_dims)
        self.positions = self.codes = 0
        """V and K; the inference network tells."""
        self._learn("logits", ("positions", "codes"), "zeros")
        if not learned:
            self.logits.grad_req = "null"

    @property
    def noise_size(self) -> int:
        return self._known("positions")

    def distribution(self, like: Tensor, inference_net: Any) -> CodeVectors:
        return CodeVectors(self._learned("logits", like), inference_net.codebook.vectors(like))
