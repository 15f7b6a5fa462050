"""Binary data: a product of Bernoullis."""

from __future__ import annotations

import numpy as np

from .. import checks
from ..distributions import Bernoulli
from ..ops import Tensor
from .generator import LIKELIHOODS, DenseGenerator


@LIKELIHOODS.register("bernoulliProd")
class ProductOfBernoullisGenerator(DenseGenerator):
    """Independent binary pixels; returns their logits ``(..., X)``. Takes the arguments of
    :class:`DenseGenerator`."""

    pixels = "dynamic"
    heads = ("logits",)

    def distribution(self, logits: Tensor) -> Bernoulli:
        return Bernoulli(logits)

    def check_support(self, name: str, values: np.ndarray) -> None:
        """ValueError where ``values`` are not all 0 or 1."""
        # Cheap in the usual case; what is wrong is looked for afterwards.
        if values.dtype == bool or np.count_nonzero(values != 0) == np.count_nonzero(values == 1):
            return
        checks.finite(name, values)
        wrong = values[(values != 0) & (values != 1)]
        low, high = float(values.min()), float(values.max())
        kind = "negative" if low < 0 else "grey"
        raise ValueError(
            f"{name} must be 0 or 1 everywhere for a product of Bernoullis, got {kind} values such "
            f"as {float(wrong[0]):.3g} ({wrong.size} of {values.size}, range {low:.3g} to {high:.3g}): "
            "binarise the images, as gluonvae.data.Dataset(images, shape, 'dynamic') does at each use"
        )
