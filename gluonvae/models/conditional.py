"""A variational autoencoder of data with labels."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.operators import Tensor, is_symbol, namespace
from ..backend.runtime import mx
from ..distributions import Distribution
from ..generator import Generator
from ..inference import InferenceNetwork
from ..prior import Prior
from .vae import VAE


class ConditionalVAE(VAE):
    """p(x | z, y), q(z | x, y) and p(z | y), for labels y: the generator is given the latent state and the label,
    ``(..., D + Y)``, the inference network the data and the label, ``(B, X + Y)``, and a prior that looks at labels,
    :class:`ConditionalPrior`, the label (Sohn, Lee and Yan 2015, without their baseline).

    Parameters
    ----------
    generator : p(x | z, y), of any kind. Its ``latent_variable_size`` is left out, or D + Y.
    inference_net : q(z | x, y), of any kind. Its ``data_dims`` is left out, or X + Y.
    prior : p(z | y); a standard normal, whatever the label, where left out.
    label_size : Y, the number of classes, or of numbers in a condition.

    Wherever data are passed, so is ``label``: classes, whole numbers ``(B,)``, or ``(B, Y)``: one-hot, or any
    numbers. Raises as :class:`VAE` does.
    """

    bears_missing_labels = False
    """Whether a label may be missing: -1, or a row of zeros."""

    def __init__(
        self, generator: Generator, inference_net: InferenceNetwork, prior: Optional[Prior] = None, *, label_size: int
    ) -> None:
        # before the parts are told sizes that depend on it
        self.label_size = checks.positive_int("label_size", label_size)
        super().__init__(generator, inference_net, prior)

    def inputs(self, data: Tensor, label: Optional[Tensor] = None) -> Tensor:
        """Data ``(B, X)`` and its label side by side, ``(B, X + Y)``; what is so already is returned as it is."""
        if label is None:
            if is_symbol(data) or data.shape[1:] == (self.data_dims + self.label_size,):
                return data
            raise TypeError(f"label is missing: {type(self).__name__} takes the data and its labels, label=...")
        if is_symbol(data):
            return mx.sym.concat(data, label, dim=-1)
        checks.tensor("data", data, ("B", self.data_dims), self.dtype)
        return mx.nd.concat(data, self._label(len(data), label), dim=-1)

    def data_of(self, inputs: Tensor) -> Tensor:
        return namespace(inputs).slice_axis(inputs, axis=-1, begin=0, end=self.data_dims)

    def label_of(self, inputs: Tensor) -> Tensor:
        return namespace(inputs).slice_axis(inputs, axis=-1, begin=self.data_dims, end=None)

    def check_inputs(self, inputs: Tensor) -> None:
        checks.tensor("data beside its label", inputs, ("B", self.data_dims + self.label_size), self.dtype)
        super().check_inputs(self.data_of(inputs))

    def prior_distribution(self, like: Tensor, label: Optional[Tensor] = None) -> Distribution:
        """p(z | y) for labels ``(B, Y)``."""
        return self.prior.given(label, self.inference_net)

    def generator_input(self, latent_state: Tensor, label: Optional[Tensor] = None) -> Tensor:
        """Latent states with the label behind each, ``(..., D + Y)``."""
        F, latent_state = namespace(latent_state), super().generator_input(latent_state)
        # (..., B, 1)
        column = F.slice_axis(latent_state, axis=-1, begin=0, end=1)
        return F.concat(latent_state, F.broadcast_add(F.zeros_like(column), label), dim=-1)

    def wanted_label(self, n: int, label: Optional[Any]) -> Tensor:
        """``label``, one class for all images or a label for each, as ``(n, Y)``."""
        if label is None:
            raise TypeError(f"label is missing: which class of the {self.label_size} are the images to be of?")
        return self._label(n, np.full(n, label) if np.ndim(label) == 0 else label)

    def _label(self, count: int, label: Any) -> Tensor:
        """Classes ``(B,)`` as one-hot rows, or ``(B, Y)`` as they are, where the parameters are."""
        values = label.asnumpy() if isinstance(label, mx.nd.NDArray) and label.ndim == 1 else label
        if np.ndim(values) == 1:
            return mx.nd.array(self.one_hot(count, np.asarray(values)), self.context, self.dtype)
        if not isinstance(label, mx.nd.NDArray):
            label = mx.nd.array(label, self.context, self.dtype)
        checks.tensor("label", label, (count, self.label_size), self.dtype)
        return label

    def one_hot(self, count: int, classes: np.ndarray) -> np.ndarray:
        """Classes ``(B,)`` as rows ``(B, Y)``; ValueError for another number of them, or what is no class."""
        if classes.shape != (count,):
            raise ValueError(f"label must have shape ({count},) or ({count}, {self.label_size}), got {classes.shape}")
        least = -1 if self.bears_missing_labels else 0
        whole = classes.dtype.kind in "biu" or (classes.dtype.kind == "f" and np.array_equal(classes, np.rint(classes)))
        if not whole or classes.min() < least or classes.max() >= self.label_size:
            raise ValueError(
                f"labels must be whole numbers from {least} to {self.label_size - 1}, got {classes.dtype} from "
                f"{classes.min()} to {classes.max()}"
            )
        return (classes[:, None] == np.arange(self.label_size)).astype(np.float32)
