"""A variational autoencoder of data few of which have labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.operators import Tensor, as_numpy, is_symbol, namespace, stop_gradient
from ..generator import Generator
from ..inference import InferenceNetwork
from ..networks import MLP, Activation, Dense
from ..prior import Prior
from .conditional import ConditionalVAE


class SemiSupervisedVAE(ConditionalVAE):
    """The model M2 of Kingma, Rezende, Mohamed and Welling 2014: a :class:`ConditionalVAE` whose label is a latent
    variable where it is missing, p(y) uniform, with a classifier q(y | x). Missing labels are summed out.

    ``log_likelihood, kl = vae(data, noise, label)`` are, where the label is known, log p(x | z, y) and the KL
    divergence of q(z | x, y) less log p(y): their difference is a bound on log p(x, y) (equation 6). Where it is
    missing they are means over q(y | x), and the KL is that of q(y, z | x) to p(y, z): their difference is a bound on
    log p(x) (equation 7). Every class is computed for every data point.

    Parameters
    ----------
    generator, inference_net, prior, label_size : see :class:`ConditionalVAE`.
    classifier_layer_sizes : widths of the hidden layers of the classifier.
    classifier_act_type : of these layers, see :data:`gluonvae.networks.ACTIVATIONS`.

    A label is missing where it is left out, -1, or a row of zeros. Raises as :class:`VAE` does, and ValueError for an
    inference network whose latent states cannot be differentiated: no bound would train it.
    """

    bears_missing_labels = True

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
        if inference_net.deterministic or not inference_net.reparametrised:
            raise ValueError(
                f"{type(self).__name__} differentiates latent states, and those of {type(inference_net).__name__} are "
                "discrete: use a relaxed posterior"
            )
        sizes = checks.layer_sizes("classifier_layer_sizes", classifier_layer_sizes)
        with self.name_scope():
            self.classifier = MLP(sizes, classifier_act_type, self.data_dims, prefix="classifier_")
            self.classifier.add(Dense(self.label_size, self.classifier.out_units))

    @property
    def width(self) -> int:
        """As of any model, of all classes together."""
        return self.label_size * super().width

    @property
    def kl_is_replaced(self) -> bool:
        """True: it is that of the label and the latent state together."""
        return True

    def check_importance_weights(self) -> None:
        raise ValueError(
            f"{type(self).__name__} sums labels out, and has no importance weights: use ELBO or SemiSupervisedELBO"
        )

    def inputs(self, data: Tensor, label: Optional[Tensor] = None) -> Tensor:
        if label is None and not is_symbol(data) and data.shape[1:] == (self.data_dims,):
            label = np.full(len(data), -1)
        return super().inputs(data, label)

    def wanted_label(self, n: int, label: Optional[Any]) -> Tensor:
        """``label`` as :class:`ConditionalVAE` takes it; drawn from p(y) where left out."""
        return super().wanted_label(n, _noise.source.rng.integers(self.label_size, size=n) if label is None else label)

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        log_likelihood, kl, _ = self.terms(inputs, noise)
        return log_likelihood, kl

    def terms(self, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the model returns, and log q(y | x) of the labels that are known, else 0, ``(B,)``, for noise
        ``(B, noise_size)`` or ``(k, B, noise_size)``, which all classes share."""
        F = namespace(inputs)
        # (B, Y) each
        known = self.label_of(inputs)
        log_q = F.log_softmax(self._class_logits(self.data_of(inputs)))
        missing = 1 - F.sum(known, axis=-1, keepdims=True)
        q = known + F.broadcast_mul(F.exp(log_q), missing)
        label_kl = F.broadcast_mul(F.exp(log_q) * log_q, missing) + q * math.log(self.label_size)
        # (B,) or (k, B) each
        log_likelihood, kl = (_mean_over_classes(F, q, term) for term in self._of_classes(inputs, noise))
        return log_likelihood, F.broadcast_add(kl, F.sum(label_kl, axis=-1)), F.sum(known * log_q, axis=-1)

    def _of_classes(self, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The two terms of a :class:`ConditionalVAE` for each class and data point, ``(Y * B,)`` or
        ``(k, Y * B)``."""
        F, label = namespace(inputs), self.label_of(inputs)
        number = F.contrib.arange_like(label, axis=1)
        # (Y, Y): one-hot rows
        classes = F.broadcast_equal(F.expand_dims(number, axis=1), F.expand_dims(number, axis=0))
        # (Y, B, Y)
        labels = F.broadcast_add(F.expand_dims(classes, axis=1), F.zeros_like(F.expand_dims(label, axis=0)))
        # (Y * B, ...): joined, since MXNet broadcasts over a new axis at a small part of the speed
        data, noise = (F.concat(*[x] * self.label_size, dim=-2) for x in (self.data_of(inputs), noise))
        return super().hybrid_forward(F, F.concat(data, F.reshape(labels, shape=(-3, 0)), dim=-1), noise)

    def _class_logits(self, data: Tensor) -> Tensor:
        return self.classifier(self.inference_net.as_seen(data))

    def classify(self, data: Tensor) -> Tensor:
        """q(y | x), probabilities ``(B, Y)`` for data ``(B, X)``."""
        self.generator.check_data(data)
        return namespace(data).softmax(self._class_logits(data))

    def generate_reconstructions(
        self, data: Any, n: int, image: str = "sample", noise: Optional[Any] = None, label: Optional[Any] = None
    ) -> Any:
        """See :class:`ConditionalVAE`; a label that is missing is the most probable one."""
        inputs = self.inputs(data, label)
        known, data = as_numpy(self.label_of(inputs)), self.data_of(inputs)
        probable = as_numpy(self.classify(data)).argmax(axis=1)
        classes = np.where(known.sum(axis=1) > 0, known.argmax(axis=1), probable)
        return super().generate_reconstructions(data, n, image, noise, classes)


def _mean_over_classes(F: Any, q: Tensor, term: Tensor) -> Tensor:
    """The mean of ``term``, ``(..., Y * B)``, over the classes, whose probabilities are ``q``, ``(B, Y)``."""
    q = F.transpose(q)
    # (..., Y, B)
    by_class = F.reshape_like(term, stop_gradient(q), lhs_begin=-1, lhs_end=None, rhs_begin=0, rhs_end=2)
    return F.sum(F.broadcast_mul(by_class, q), axis=-2)
