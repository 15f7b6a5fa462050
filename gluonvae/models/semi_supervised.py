"""A variational autoencoder of data few of which have labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Callable, NamedTuple, Optional

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.operators import as_numpy, log_softmax, namespace, stop_gradient
from ..backend.runtime import mx
from ..backend.structures import map_structure
from ..backend.types import Label, Operators, Structure, Tensor
from ..distributions.mixture import pick
from ..generator import Generator
from ..inference import InferenceNetwork
from ..networks import MLP, Activation, Dense
from ..noise import NoiseSpec
from ..prior import Prior
from .conditional import ConditionalVAE


class Classifier(MLP):
    """The logits of q(y | x), ``(B, Y)``, of data that it transforms as the inference network does, in its graph."""

    preprocess: Callable[[Tensor], Tensor]

    def hybrid_forward(self, F: Operators, x: Tensor) -> Tensor:
        return super().hybrid_forward(F, self.preprocess(x))


class ClassAndLatent(NamedTuple):
    """Noise of a latent state whose class may be missing: of the class, and of the state given the class."""

    label: Structure
    latent: Structure


class SemiSupervisedVAE(ConditionalVAE):
    """A :class:`ConditionalVAE` whose label is a latent variable where it is missing.

    The model M2 of Kingma, Rezende, Mohamed and Welling 2014, with uniform p(y) and a classifier q(y | x).
    ``log_likelihood, kl = vae(data, noise, label)`` are, where the label is known, log p(x | z, y) and the KL
    divergence of q(z | x, y) less log p(y): their difference is a bound on log p(x, y) (equation 6). Where it is
    missing they are means over q(y | x), and the KL is that of q(y, z | x) to p(y, z): their difference is a
    bound on log p(x) (equation 7). Every class is computed for every data point. A label is missing where it
    is left out, -1, or a row of zeros.

    Parameters
    ----------
    generator, inference_net, prior, label_size
        See :class:`ConditionalVAE`.
    classifier_layer_sizes : sequence of int
        Widths of the hidden layers of the classifier.
    classifier_act_type : str or callable
        Activation of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.

    Raises
    ------
    ValueError
        As :class:`VAE` does, and for an inference network whose latent states cannot be differentiated: no bound
        would train it.
    """

    least_class = -1

    def __init__(
        self,
        generator: Generator,
        inference_net: InferenceNetwork,
        prior: Optional[Prior] = None,
        *,
        label_size: int,
        classifier_layer_sizes: Sequence[int] = (500,),
        classifier_act_type: Activation = "relu",
    ) -> None:
        super().__init__(generator, inference_net, prior, label_size=label_size)
        if inference_net.deterministic or not inference_net.reparametrized:
            raise ValueError(
                f"{type(self).__name__} differentiates latent states, and those of {type(inference_net).__name__} are "
                "discrete: use a relaxed posterior"
            )
        sizes = checks.layer_sizes("classifier_layer_sizes", classifier_layer_sizes)
        with self.name_scope():
            self.classifier = Classifier(
                sizes, classifier_act_type, inference_net.inputs_per_value * self.data_dims, prefix="classifier_"
            )
            self.classifier.preprocess = inference_net.preprocess
            if generator.standardization is not None:
                generator.standardization.lend_to(self.classifier)
            self.classifier.add(Dense(self.label_size, self.classifier.out_units))

    @property
    def floats_per_sample(self) -> int:
        """Length of the longest tensor that one latent state takes, of all classes together."""
        return self.label_size * super().floats_per_sample

    @property
    def floats_per_row(self) -> int:
        """Length of the longest tensor that one data point takes, of all classes together."""
        return max(self.floats_per_sample, self.label_size * self.inference_net.floats_per_row)

    @property
    def kl_is_replaced(self) -> bool:
        """True: it is that of label and latent state together."""
        return True

    @property
    def has_importance_weights(self) -> bool:
        """False, as labels are summed out."""
        return False

    def missing_label(self, count: int) -> np.ndarray:
        return np.full(count, -1)

    def _for_all(self, label: Optional[Label], n: int) -> Label:
        # of p(y), where it is left out
        if label is None:
            label = _noise.own.rng.integers(self.label_size, size=n)
            if self.class_names is not None:
                label = np.asarray(self.class_names)[label]
        return super()._for_all(label, n)

    @property
    def posterior_noise(self) -> Structure:
        """The noise of a class, which is drawn from q(y | x) where it is missing, and of a latent state."""
        return ClassAndLatent(NoiseSpec("uniform", 1), super().posterior_noise)

    def _closed_mean(self, data: Tensor, *label: Tensor) -> Tensor:
        """The mean over q(y | x) of the means of q(z | x, y)."""
        return self._over_classes(data, label[0], self._class_probabilities(data, label[0]), super()._closed_mean)

    def posterior_sample(self, data: Tensor, noise: Structure, *label: Tensor) -> Tensor:
        """Draw latent states, each of a class of its own drawn from q(y | x) where the label is missing."""
        number = pick(noise.label, self._class_probabilities(data, label[0]))
        drawn = namespace(data).one_hot(number, self.label_size, dtype=np.dtype(self.dtype).name)

        def of_class(data: Tensor, label: Tensor) -> Tensor:
            return super(SemiSupervisedVAE, self).posterior_sample(data, noise.latent, label)

        return self._over_classes(data, label[0], drawn, of_class)

    def _class_probabilities(self, data: Tensor, label: Tensor) -> Tensor:
        """q(y | x), ``(B, Y)``, and the label itself where it is known."""
        F = namespace(data)
        return label + F.broadcast_mul(F.softmax(self.classifier(data)), _is_missing(label))

    def _over_classes(
        self, data: Tensor, label: Tensor, weights: Tensor, states: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """The sum over the classes of latent states ``(..., B, D)`` given the data and a class, times their weights,
        ``(..., B, Y)``."""
        F, number = namespace(data), namespace(data).contrib.arange_like(label, axis=1)
        parts = []
        for place in range(self.label_size):
            of_class = F.broadcast_mul(_is_missing(label), F.expand_dims(number == place, axis=0))
            weight = F.slice_axis(weights, axis=-1, begin=place, end=place + 1)
            parts.append(F.broadcast_mul(states(data, label + of_class), weight))
        return F.add_n(*parts)

    def two_terms(self, data: Tensor, noise: Structure, *label: Tensor) -> tuple[Tensor, Tensor]:
        log_likelihood, kl, _ = self.labelled_terms(data, noise, *label)
        return log_likelihood, kl

    def labelled_terms(self, data: Tensor, noise: Structure, label: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the two terms of the bound, and log q(y | x) of the labels that are known.

        Parameters
        ----------
        data : Tensor
            ``(B, X)``.
        noise : Tensor
            The noise of the posterior, ``(B, size)`` or ``(k, B, size)``; all classes share it.
        label : Tensor
            ``(B, Y)``, rows of zeros where it is missing.

        Returns
        -------
        log_likelihood, kl : Tensor
            ``(B,)`` or ``(k, B)``.
        log_label : Tensor
            log q(y | x), 0 where the label is missing, ``(B,)``.
        """
        F = namespace(data)
        # (B, Y) each
        log_q = log_softmax(self.classifier(data))
        missing = _is_missing(label)
        q = label + F.broadcast_mul(F.exp(log_q), missing)
        label_kl = F.broadcast_mul(F.exp(log_q) * log_q, missing) + q * math.log(self.label_size)
        # (B,) or (k, B) each
        log_likelihood, kl = (_mean_over_classes(F, q, term) for term in self._of_classes(F, data, noise, label))
        return log_likelihood, F.broadcast_add(kl, F.sum(label_kl, axis=-1)), F.sum(label * log_q, axis=-1)

    def _of_classes(self, F: Operators, data: Tensor, noise: Structure, label: Tensor) -> tuple[Tensor, Tensor]:
        """The two terms of a :class:`ConditionalVAE` for each class and data point, ``(Y * B,)`` or ``(k, Y * B)``."""
        number = F.contrib.arange_like(label, axis=1)
        # (Y, Y): one-hot rows
        classes = F.broadcast_equal(F.expand_dims(number, axis=1), F.expand_dims(number, axis=0))
        # (Y, B, Y)
        labels = F.broadcast_add(F.expand_dims(classes, axis=1), F.zeros_like(F.expand_dims(label, axis=0)))
        # (Y * B, ...): joined, since MXNet broadcasts over a new axis at a small part of the speed
        data, noise = map_structure(lambda x: F.concat(*[x] * self.label_size, dim=-2), (data, noise))
        return super().two_terms(data, noise, F.reshape(labels, shape=(-3, 0)))

    def classify(self, data: Tensor) -> Tensor:
        """Compute q(y | x), probabilities ``(B, Y)``, for data ``(B, X)``."""
        self.generator.check_data(data)
        return namespace(data).softmax(self.classifier(data))

    def generate_reconstructions(
        self,
        data: Tensor,
        n: int,
        image: str = "sample",
        noise: Optional[Structure] = None,
        label: Optional[Label] = None,
    ) -> Tensor:
        """See :meth:`VAE.generate_reconstructions`; a label that is missing is the most probable one."""
        probable = as_numpy(self.classify(data)).argmax(axis=1)
        (known,) = map(as_numpy, self.encode_label(label, len(data)))
        classes = np.where(known.sum(axis=1) > 0, known.argmax(axis=1), probable)
        # rows, as the numbers may not be what the classes are called
        rows = mx.nd.array(self.label_rows(classes, len(data)), self.context, self.dtype)
        return super().generate_reconstructions(data, n, image, noise, rows)


def _is_missing(label: Tensor) -> Tensor:
    """1 where the label is missing, a row of zeros, and else 0; ``(B, 1)``."""
    return 1 - namespace(label).sum(label, axis=-1, keepdims=True)


def _mean_over_classes(F: Operators, q: Tensor, term: Tensor) -> Tensor:
    """The mean of ``term``, ``(..., Y * B)``, over the classes, whose probabilities are ``q``, ``(B, Y)``."""
    q = F.transpose(q)
    # (..., Y, B)
    by_class = F.reshape_like(term, stop_gradient(q), lhs_begin=-1, lhs_end=None, rhs_begin=0, rhs_end=2)
    return F.sum(F.broadcast_mul(by_class, q), axis=-2)
