"""A prior over the codes of vector quantisation."""

from __future__ import annotations

from typing import ClassVar

from .. import checks
from ..backend.types import Model, Structure, Tensor
from ..distributions import CodeVectors, Quantized
from ..noise import NoiseSpec
from .base import PRIORS, Prior


@PRIORS.register("codebook")
class CodebookPrior(Prior):
    """p(z) of :class:`gluonvae.VectorQuantizedInferenceNetwork`: V independent codes, whose probabilities start equal.

    Parameters
    ----------
    latent_variable_size : int
        See :class:`Prior`.
    learned : bool
        Whether the probabilities of each of the V codes are learned; else they stay equal, as while the models
        of van den Oord, Vinyals and Kavukcuoglu 2017 are trained.
    """

    distribution_type = CodeVectors
    posterior_type = Quantized
    supports_bfloat16 = False

    fixed: ClassVar[tuple[str, ...]] = ("positions", "codes")

    def __init__(self, latent_variable_size: int = 0, learned: bool = True) -> None:
        super().__init__(latent_variable_size)
        self.positions = self.codes = 0
        self._learn("logits", ("positions", "codes"), "zeros")
        if not checks.boolean("learned", learned):
            self.logits.grad_req = "null"

    def bind(self, model: Model) -> None:
        if model.inference_net.distribution_type is Quantized:
            family = model.inference_net.family
            self.positions, self.codes = family.positions, family.codebook.codes
            # a method, not the block itself: parameters stay the inference network's alone
            self._vectors = family.codebook.vectors
        super().bind(model)

    @property
    def noise(self) -> Structure:
        return NoiseSpec(CodeVectors.noise_kind, self.positions)

    @property
    def floats_per_sample(self) -> int:
        # which code of each is drawn
        return self.positions * self.codes

    def distribution(self, like: Tensor) -> CodeVectors:
        return CodeVectors(self._learned("logits", like), self._vectors(like))
