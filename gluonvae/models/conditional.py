"""A variational autoencoder of data with labels."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.operators import as_numpy, is_symbol
from ..backend.runtime import mx
from ..backend.types import Label, Structure, Tensor
from ..distributions import Distribution
from ..generator import Generator
from ..inference import InferenceNetwork
from ..labels import MISSING, Labels, as_labels, class_names, has_classes, numbered
from ..networks import XavierBlock
from ..prior import Prior
from .vae import VAE


class ConditionalVAE(VAE):
    """p(x | z, y), q(z | x, y) and p(z | y), for labels y (Sohn, Lee and Yan 2015, without their baseline).

    The networks see the label beside the latent state or the data; so does a prior that looks at labels,
    :class:`ConditionalPrior`. Wherever data are passed, so is ``label``:

    - whole numbers ``(B,)`` are classes, 0 to Y - 1;
    - rows ``(B, Y)`` are conditions as they stand, one-hot or any numbers;
    - where Y is 1, numbers ``(B,)`` are conditions as they stand.

    Parameters
    ----------
    generator : Generator
        p(x | z, y).
    inference_net : InferenceNetwork
        q(z | x, y).
    prior : Prior, optional
        p(z | y); a standard normal, whatever the label, where left out.
    label_size : int
        Y, the number of classes, or of numbers in a condition.

    Raises
    ------
    ValueError, TypeError
        As :class:`VAE` does.
    """

    least_class = 0
    class_names: Optional[tuple[Any, ...]] = None
    """What classes 0, 1, ... are called in the data, if it is not 0, 1, ...: texts, or other numbers."""
    classes_are_numbers = False
    """Whether the data that were met first have the classes 0, 1, ...: others then are not taken for theirs."""

    def __init__(
        self, generator: Generator, inference_net: InferenceNetwork, prior: Optional[Prior] = None, *, label_size: int
    ) -> None:
        XavierBlock.__init__(self)
        self.label_size = checks.positive_int("label_size", label_size)
        self._assemble(generator, inference_net, prior)

    def prior_distribution(self, like: Tensor, *label: Tensor) -> Distribution:
        """Return p(z | y)."""
        return self.prior.distribution(label[0] if self.prior.needs_label else like)

    def encode_label(self, label: Any, count: int) -> tuple[Tensor, ...]:
        """Return labels as ``(B, Y)``, classes one-hot, where the parameters are."""
        if is_symbol(label):
            return (label,)
        if label is None:
            label = self.missing_label(count)
        if isinstance(label, mx.nd.NDArray) and label.ndim == 2:
            checks.tensor("label", label, (count, self.label_size), self.dtype)
            return (label,)
        return (mx.nd.array(self.label_values(as_numpy(label), count), self.context, self.dtype),)

    def missing_label(self, count: int) -> np.ndarray:
        """Return the labels of data that were passed without: here they must not be missing."""
        raise TypeError(f"label is missing: {type(self).__name__} takes the data and its labels, label=...")

    def meet_classes(self, labels: Labels) -> None:
        """Remember the names of classes, of the first labels that have names or are no numbers from 0 to Y - 1.

        Raises
        ------
        ValueError
            If there are more than Y classes.
        """
        is_known = self.classes_are_numbers or self.class_names is not None
        if is_known or self.label_size == 1 or not has_classes(labels.values) or labels.values.ndim != 1:
            return
        highest = labels.values.max()
        if labels.names is None and highest < self.label_size:
            self.classes_are_numbers = bool(highest > MISSING)
            return
        names = class_names([labels])
        if names is not None and len(names) > self.label_size:
            raise ValueError(
                f"there are {len(names)} classes, such as {names[0]!r}, and label_size is {self.label_size}"
            )
        self.class_names = names

    def label_values(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return labels as rows, classes one-hot.

        Parameters
        ----------
        labels : numpy.ndarray
            ``(B,)``: classes by name or by number, those of :attr:`class_names` where there are any; ``(B, Y)``.
        count : int
            B.

        Returns
        -------
        numpy.ndarray
            ``(B, Y)``, float32.

        Raises
        ------
        ValueError
            For another shape, names that are no class, or numbers that are none.
        """
        if labels.dtype.kind in "SUO" or (self.class_names is not None and labels.shape == (count,)):
            labels = numbered(as_labels(labels, count, "data points"), self.class_names)
        return self.label_rows(labels, count)

    def label_rows(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Return labels as :meth:`label_values` does, of which classes are numbers from 0 to Y - 1."""
        size = self.label_size
        if labels.ndim == 1 and size == 1 and self.least_class == 0:
            labels = labels[:, None]
        if labels.shape == (count, size):
            return np.asarray(labels, np.float32)
        if labels.shape != (count,):
            raise ValueError(f"label must have shape ({count},) or ({count}, {size}), got {labels.shape}")
        missing = np.count_nonzero(labels == MISSING) if self.least_class == 0 else 0
        if missing and labels.min() == MISSING:
            raise ValueError(
                f"{missing} of {count} labels are missing: leave these data points out, or train a SemiSupervisedVAE, "
                "which takes such labels"
            )
        whole = labels.dtype.kind in "biu" or (labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)))
        if not whole or labels.min() < self.least_class or labels.max() >= size:
            raise ValueError(
                f"labels must be whole numbers from {self.least_class} to {size - 1}, got {labels.dtype} from "
                f"{labels.min()} to {labels.max()}" + ("" if whole else f": conditions are rows of {size} numbers")
            )
        return (labels[:, None] == np.arange(size)).astype(np.float32)

    def phantasize(
        self,
        n: int,
        image: str = "sample",
        noise: Optional[Structure] = None,
        label: Optional[Label] = None,
    ) -> Tensor:
        return super().phantasize(n, image, noise, self._for_all(label, n))

    def _for_all(self, label: Optional[Label], n: int) -> Label:
        """A label for each of ``n`` images: one class or one condition for all is repeated."""
        if label is None:
            raise TypeError(f"label is missing: which class of the {self.label_size} are the images to be of?")
        values = as_numpy(label)
        if values.ndim == 0:
            return np.full(n, values, values.dtype)
        one_condition = self.label_size > 1 and values.shape == (self.label_size,) and values.dtype.kind == "f"
        return np.tile(values, (n, 1)) if one_condition and not has_classes(values) else label
