"""A variational autoencoder: a generator, an inference network and a prior."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Callable, Optional

import numpy as np

from .. import checks
from .. import noise as _noise
from ..backend.operators import Tensor, is_symbol, namespace, scale_gradient, stop_gradient
from ..backend.runtime import mx
from ..distributions import Distribution, Normal, StandardNormal, has_closed_form_kl, kl_divergence
from ..generator import Generator
from ..inference import InferenceNetwork
from ..networks import XavierBlock
from ..prior import Prior, StandardNormalPrior
from .assembly import fit_together


def diagonal_gaussian_kl(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std**2) || N(0, 1)) in nats, ``(B,)`` for ``(B, D)``; never negative.

    Works on NDArrays and Symbols. Kingma and Welling 2014, appendix B, with the sign that makes
    it a divergence: it is to be taken away from the log-likelihood.
    """
    return kl_divergence(Normal(mean, std), StandardNormal())


class VAE(XavierBlock):
    """A generator p(x | z), an inference network q(z | x) and a prior p(z), of any kinds.

    Parameters
    ----------
    generator : p(x | z).
    inference_net : q(z | x).
    prior : p(z); a standard normal where left out.

    Raises ValueError for parts whose sizes differ, and TypeError for what is none of these.
    """

    label_size = 0
    """Y, how many numbers a label has; 0 where there are no labels."""

    def __init__(self, generator: Generator, inference_net: InferenceNetwork, prior: Optional[Prior] = None) -> None:
        super().__init__()
        prior = StandardNormalPrior() if prior is None else prior
        fit_together(generator, inference_net, prior, self.label_size)
        self.generator = generator
        self.inference_net = inference_net
        self.prior = prior

    @property
    def kl_is_replaced(self) -> bool:
        """Whether the KL divergence is another than that of the posterior to the prior."""
        return False

    def cast(self, dtype: Any) -> None:
        """Compute in another dtype, see :meth:`gluonvae.networks.ModelBlock.cast`: all parts, or none."""
        for part in (self.generator, self.inference_net, self.prior):
            part.check_bfloat16(dtype)
        super().cast(dtype)

    @property
    def data_dims(self) -> int:
        """X, the number of values in a data point."""
        return self.generator.data_dims

    @property
    def latent_variable_size(self) -> int:
        """D, the number of latent variables."""
        return self.inference_net.latent_variable_size

    @cached_property
    def width(self) -> int:
        """The most numbers of anything computed for one latent state: what it takes of memory."""
        return max(self.generator.width, self.inference_net.width, self.prior.width)

    @property
    def dtype(self) -> Any:
        """What the parameters, data and noise are made of."""
        return self.generator.dtype

    @property
    def context(self) -> Any:
        """The device that the parameters are on (the first, where there are several)."""
        return self._first_parameter.list_ctx()[0]

    @cached_property
    def _first_parameter(self) -> Any:
        # collect_params takes longer than the noise of a batch
        return next(iter(self.collect_params().values()))

    def inputs(self, data: Tensor, label: Optional[Tensor] = None) -> Tensor:
        """What the graph takes of ``data`` ``(B, X)`` and ``label``, as one tensor: here the data, and no label."""
        self._refuse(label)
        return data

    def _refuse(self, label: Optional[Any]) -> None:
        if label is not None:
            raise TypeError(f"{type(self).__name__} takes no label, got one: ConditionalVAE takes labels")

    def one_hot(self, count: int, classes: np.ndarray) -> np.ndarray:
        """Classes ``(B,)`` as labels ``(B, Y)``, in a model that takes labels."""
        raise TypeError(f"{type(self).__name__} takes no labels")

    def data_of(self, inputs: Tensor) -> Tensor:
        """The data ``(B, X)`` in what :meth:`inputs` returned."""
        return inputs

    def label_of(self, inputs: Tensor) -> Optional[Tensor]:
        """The label in what :meth:`inputs` returned, or None."""
        return None

    def __call__(self, data: Tensor, noise: Optional[Tensor] = None, label: Optional[Tensor] = None) -> Any:
        """:meth:`forward`; Gluon's own takes no argument by name."""
        return super().__call__(data, noise, label)

    def forward(
        self, data: Tensor, noise: Optional[Tensor] = None, label: Optional[Tensor] = None
    ) -> tuple[Tensor, Tensor]:
        """The two terms of the evidence lower bound, in nats.

        Parameters
        ----------
        data : ``(B, X)``.
        noise : standard normal, ``(B, noise_size)``, or ``(k, B, noise_size)`` for k samples, of the
            inference network's noise size (D, but for some); drawn where left out.
        label : of a :class:`ConditionalVAE`, and no other.

        Returns
        -------
        log p(x | z), ``(B,)`` or ``(k, B)``, and KL(q(z | x) || p(z)): ``(B,)`` where it has a closed
        form, else log q(z | x) - log p(z), an estimate of it for each sample, ``(B,)`` or ``(k, B)``.
        """
        inputs = self.inputs(data, label)
        log_likelihood, kl = super().forward(inputs, self.checked_noise(inputs, noise))
        return log_likelihood, kl

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        posterior, prior = self.distributions(inputs)
        if not has_closed_form_kl(type(posterior), type(prior)):
            log_likelihood, log_ratio = self._log_weight(inputs, noise, posterior, prior)
            return log_likelihood, -log_ratio
        return self.log_likelihood(posterior.rsample(noise), inputs), kl_divergence(posterior, prior)

    def distributions(self, inputs: Tensor) -> tuple[Distribution, Distribution]:
        """q(z | x) and p(z), for what :meth:`inputs` returned."""
        return self.inference_net.posterior(inputs), self.prior_distribution(inputs, self.label_of(inputs))

    def prior_distribution(self, like: Tensor, label: Optional[Tensor] = None) -> Distribution:
        """p(z), for a computation of the kind of ``like``."""
        return self.prior.distribution(like, self.inference_net)

    def likelihood(self, latent_state: Tensor, label: Optional[Tensor] = None) -> Distribution:
        """p(x | z) for latent states ``(..., D)``."""
        return self.generator.likelihood(self.generator_input(latent_state, label))

    def generator_input(self, latent_state: Tensor, label: Optional[Tensor] = None) -> Tensor:
        """What the generator is given of a latent state ``(..., D)``."""
        return self.prior.generating(latent_state)

    def log_likelihood(self, latent_state: Tensor, inputs: Tensor) -> Tensor:
        """log p(x | z) in nats, ``(B,)`` or ``(k, B)``, for what :meth:`inputs` returned."""
        return self.likelihood(latent_state, self.label_of(inputs)).log_prob(self.data_of(inputs))

    def check_inputs(self, inputs: Tensor) -> None:
        """Raise where what :meth:`inputs` returned does not fit."""
        self.generator.check_data(inputs)

    def checked_noise(
        self, inputs: Tensor, noise: Optional[Tensor], shape: Optional[Callable[[int], tuple[int, ...]]] = None
    ) -> Tensor:
        """``noise`` of the ``shape`` that a batch of so many wants, drawn where left out; without
        ``shape``, for one latent state a data point if drawn and for any number if given. Raises for
        inputs or noise that do not fit."""
        if is_symbol(inputs):
            return _noise.normal_for(inputs, noise)
        self.check_inputs(inputs)
        wanted = (shape or self.inference_net.noise_shape)(len(inputs))
        if noise is not None:
            checks.tensor("noise", noise, wanted if shape else (..., *wanted), self.dtype)
        return _noise.normal_for(inputs, noise, wanted)

    def check_importance_weights(self) -> None:
        """Raise ValueError where the model has no :meth:`log_weight`."""

    def log_weight(
        self, inputs: Tensor, noise: Tensor, score: bool = True, path_scale: Optional[Tensor] = None
    ) -> tuple[Tensor, Tensor]:
        """log p(x | z) and log p(z) - log q(z | x) at z = z(x, noise), in nats, ``(k, B)`` each
        for noise ``(k, B, D)``. Their sum is the log of an importance weight.

        Parameters
        ----------
        score : without it the gradient leaves out the one of log q in its own parameters at a fixed z,
            which is 0 in expectation (Roeder, Wu and Duvenaud 2017, equation 8).
        path_scale : what the gradient in the parameters of q is multiplied by, ``(k, B)``, for each sample.
        """
        return self._log_weight(inputs, noise, *self.distributions(inputs), score, path_scale)

    def _log_weight(
        self,
        inputs: Tensor,
        noise: Tensor,
        posterior: Distribution,
        prior: Distribution,
        score: bool = True,
        path_scale: Optional[Tensor] = None,
    ) -> tuple[Tensor, Tensor]:
        latent_state, log_posterior = posterior.rsample_and_log_prob(noise)
        if not score:
            at_fixed_z = posterior.log_prob(stop_gradient(latent_state))
            log_posterior = log_posterior - (at_fixed_z - stop_gradient(at_fixed_z))
        if path_scale is not None:
            latent_state = scale_gradient(latent_state, namespace(path_scale).expand_dims(path_scale, axis=-1))
            log_posterior = scale_gradient(log_posterior, path_scale)
        return self.log_likelihood(latent_state, inputs), prior.log_prob(latent_state) - log_posterior

    def generate_reconstructions(
        self, data: Any, n: int, image: str = "sample", noise: Optional[Any] = None, label: Optional[Any] = None
    ) -> Any:
        """``n`` reconstructions of each data point, ``(n, B, X)``: each from a latent state of its
        own drawn from q(z | x).

        Parameters
        ----------
        data : ``(B, X)``.
        image : "sample" (a draw from p(x | z)), "mean" or "mode".
        noise : standard normal, ``(n, B, noise_size)``; drawn where left out.
        label : of a :class:`ConditionalVAE`.
        """
        n = checks.positive_int("n", n)
        inputs = self.inputs(data, label)
        noise = self.checked_noise(inputs, noise, lambda batch: (n, *self.inference_net.noise_shape(batch)))
        latent_state = self.inference_net.posterior(inputs).rsample(noise)
        return self._image(latent_state, image, self.label_of(inputs))

    def phantasize(
        self, n: int, image: str = "sample", noise: Optional[Any] = None, label: Optional[Any] = None
    ) -> Any:
        """``n`` images the model makes up, ``(n, X)``, on the device of its parameters.

        Parameters
        ----------
        image : "sample" (a draw from p(x | z)), "mean" or "mode".
        noise : standard normal, ``(n, noise_size of the prior)``: under a standard normal prior the
            latent states; drawn where left out.
        label : of a :class:`ConditionalVAE`: what the images are to be of.
        """
        shape = (checks.positive_int("n", n), self.prior.noise_size)
        label = self.wanted_label(n, label)
        if noise is None:
            noise = _noise.source.normal(shape, self.context, self.dtype)
        checks.tensor("noise", noise, shape, self.dtype)
        return self._image(self.prior_distribution(noise, label).sample(noise), image, label)

    def wanted_label(self, n: int, label: Optional[Any]) -> Optional[Tensor]:
        """``label`` as a tensor for ``n`` images to be made up: here there must be none."""
        self._refuse(label)
        return None

    def _image(self, latent_state: Any, image: str, label: Optional[Tensor]) -> Any:
        makers = {
            "sample": self.generator.generate_sample,
            "mean": self.generator.generate_mean,
            "mode": self.generator.generate_mode,
        }
        return makers[checks.known_name("image", image, makers)](self.generator_input(latent_state, label))


class LogWeight(mx.gluon.HybridBlock):
    """The two terms of the log importance weights of a model, as a graph of their own: takes what :meth:`VAE.inputs`
    returns, noise ``(k, B, noise_size)`` and the path's scale, returns what :meth:`VAE.log_weight` does."""

    def __init__(self, vae: VAE, score: bool = True) -> None:
        super().__init__()
        vae.check_importance_weights()
        self.vae = vae
        self.score = score

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor, *path_scale: Tensor) -> tuple[Tensor, Tensor]:
        return self.vae.log_weight(inputs, noise, self.score, *path_scale)


class GaussianVAE(VAE):
    """A VAE with a diagonal Gaussian posterior and a standard normal prior.

    Parameters
    ----------
    generator : p(x | z).
    inference_net : q(z | x), whose parameters are ``(mean, std)``.
    kl_divergence : a function of ``(mean, std)``, ``(B, D)`` each, that returns ``(B,)`` nats.
    """

    def __init__(
        self,
        generator: Generator,
        inference_net: InferenceNetwork,
        kl_divergence: Callable[[Tensor, Tensor], Tensor] = diagonal_gaussian_kl,
    ) -> None:
        if getattr(inference_net, "distribution_type", None) not in (None, Normal):
            raise ValueError(
                f"the posterior of a GaussianVAE is a diagonal Gaussian, got {type(inference_net).__name__}: use VAE"
            )
        super().__init__(generator, inference_net)
        self.kl_divergence = kl_divergence

    @property
    def kl_is_replaced(self) -> bool:
        """Whether ``kl_divergence`` is another than :func:`diagonal_gaussian_kl`."""
        return self.kl_divergence is not diagonal_gaussian_kl

    def hybrid_forward(self, F: Any, inputs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = self.inference_net(inputs)
        latent_state = self.inference_net.sample_latent_state(mean, std, noise=noise)
        return self.log_likelihood(latent_state, inputs), self.kl_divergence(mean, std)
