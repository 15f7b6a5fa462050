"""Latent states of data: the mean of q(z | x) and draws from it, in every kind of model."""

from __future__ import annotations

from typing import Any, Callable, Optional

from ..backend.operators import namespace
from ..backend.types import Structure, Tensor
from ..distributions import Distribution
from ..inference import InferenceNetwork
from .inputs import ModelInputs


class LatentStates(ModelInputs):
    """Base of the models: what they make of data, computed of NDArrays or Symbols alike."""

    inference_net: InferenceNetwork
    # methods of the rooms above, which read and write data
    encode: Callable[..., Any]
    """Map data to latent states, see :func:`gluonvae.evaluation.coding.encode`, which is this method."""
    decode: Callable[..., Any]
    """Map latent states to data, see :func:`gluonvae.evaluation.coding.decode`, which is this method."""
    log_prob: Callable[..., Any]
    """Estimate log p(x) of each data point, see :func:`gluonvae.evaluation.likelihood.log_prob`, which is this
    method."""
    save: Callable[..., None]
    """Write the model to a file, see :func:`gluonvae.training.model_file.save`, which is this method."""

    @property
    def posterior_has_mean(self) -> bool:
        """Whether the mean of q(z | x) has a closed form. There is none through a flow that is not linear, through
        layers of latent variables, and of relaxed one-hot codes."""
        kind = self.inference_net.distribution_type
        return kind is not None and kind.mean is not Distribution.mean

    @property
    def posterior_noise(self) -> Structure:
        """The noise that :meth:`posterior_sample` takes."""
        return self.inference_net.noise

    def posterior(self, data: Tensor, *label: Tensor) -> Distribution:
        """Return q(z | x)."""
        return self.inference_net.posterior(data, *label)

    def posterior_mean(self, data: Tensor, *label: Tensor, noise: Optional[Structure] = None) -> Tensor:
        """Compute the mean of q(z | x), or an estimate of it.

        Parameters
        ----------
        data : Tensor
            ``(B, X)``.
        *label : Tensor
            ``(B, Y)``, in a model with labels.
        noise : Tensor or named tuple of Tensor
            ``(K, B, size)``: without a closed form, it is the mean of the K draws that these make.

        Returns
        -------
        Tensor
            ``(B, D)``.
        """
        if self.posterior_has_mean:
            return self._closed_mean(data, *label)
        return namespace(data).mean(self.posterior_sample(data, noise, *label), axis=0)

    def _closed_mean(self, data: Tensor, *label: Tensor) -> Tensor:
        return self.posterior(data, *label).mean

    def posterior_sample(self, data: Tensor, noise: Structure, *label: Tensor) -> Tensor:
        """Draw latent states from q(z | x), ``(B, D)``, or ``(k, B, D)`` for noise of that shape."""
        return self.posterior(data, *label).rsample(noise)
