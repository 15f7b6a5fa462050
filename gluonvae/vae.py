"""A variational autoencoder: a generator, an inference network and a prior."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Callable, Optional

from . import checks
from . import noise as _noise
from .distributions import Normal, StandardNormal, kl_divergence
from .generator import Generator, ProductOfBernoullisGenerator
from .inference import GaussianInferenceNetwork, InferenceNetwork
from .networks import Activation, XavierBlock
from .ops import Tensor, is_symbol
from .runtime import mx

LIKELIHOODS: dict[str, Callable[..., Generator]] = {"bernoulliProd": ProductOfBernoullisGenerator}
"""Names of likelihoods that :func:`construct_vae` knows."""

POSTERIORS: dict[str, Callable[..., InferenceNetwork]] = {"gaussian": GaussianInferenceNetwork}
"""Names of posteriors that :func:`construct_vae` knows."""


def diagonal_gaussian_kl(mean: Tensor, std: Tensor) -> Tensor:
    """KL(N(mean, std**2) || N(0, 1)) in nats, ``(B,)`` for ``(B, D)``; never negative.

    Works on NDArrays and Symbols. Kingma and Welling 2014, appendix B, with the sign that makes
    it a divergence: it is to be taken away from the log-likelihood.
    """
    return kl_divergence(Normal(mean, std), StandardNormal())


class VAE(XavierBlock):
    """A generator p(x | z), an inference network q(z | x) and a standard normal prior p(z).

    Abstract: a kind of VAE defines ``hybrid_forward(F, data, noise)``, which returns the two
    terms of the bound.
    """

    def __init__(self, generator: Generator, inference_net: InferenceNetwork) -> None:
        super().__init__()
        _fit_together(generator, inference_net)
        self.generator = generator
        self.inference_net = inference_net
        self.prior = StandardNormal()

    @property
    def data_dims(self) -> int:
        """X, the number of values in a data point."""
        return self.generator.data_dims

    @property
    def latent_variable_size(self) -> int:
        """D, the number of latent variables."""
        return self.inference_net.latent_variable_size

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

    def forward(self, data: Tensor, noise: Optional[Tensor] = None) -> tuple[Tensor, Tensor]:
        """The two terms of the evidence lower bound, in nats.

        Parameters
        ----------
        data : ``(B, X)``.
        noise : standard normal, ``(B, D)``, or ``(k, B, D)`` for k samples; drawn where left out.

        Returns
        -------
        log p(x | z), ``(B,)`` or ``(k, B)``, and KL(q(z | x) || p(z)), ``(B,)``.
        """
        log_likelihood, kl = super().forward(data, self.checked_noise(data, noise))
        return log_likelihood, kl

    def hybrid_forward(self, F: Any, data: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must define hybrid_forward(F, data, noise)")

    def checked_noise(self, data: Tensor, noise: Optional[Tensor], samples: Optional[int] = None) -> Tensor:
        """``noise`` for ``samples`` latent states a data point, drawn where left out; without
        ``samples``, for one if drawn and for any number if given. Raises for data or noise that
        does not fit."""
        if is_symbol(data):
            return _noise.normal_for(data, noise)
        self.generator.check_data(data)
        shape = self.inference_net.noise_shape(len(data), samples or 1)
        if noise is not None:
            checks.tensor("noise", noise, (..., *shape) if samples is None else shape, self.dtype)
        return _noise.normal_for(data, noise, shape)

    def log_weight(self, data: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x | z) and log p(z) - log q(z | x) at z = z(x, noise), in nats, ``(k, B)`` each
        for noise ``(k, B, D)``. Their sum is the log of an importance weight."""
        posterior = self.inference_net.posterior(data)
        latent_state, log_posterior = posterior.rsample_and_log_prob(noise)
        log_likelihood = self.generator.likelihood(latent_state).log_prob(data)
        return log_likelihood, self.prior.log_prob(latent_state) - log_posterior

    def generate_reconstructions(self, data: Any, n: int, image: str = "sample", noise: Optional[Any] = None) -> Any:
        """``n`` reconstructions of each data point, ``(n, B, X)``: each from a latent state of its
        own drawn from q(z | x).

        Parameters
        ----------
        data : ``(B, X)``.
        image : "sample" (a draw from p(x | z)), "mean" or "mode".
        noise : standard normal, ``(n, B, D)``; drawn where left out.
        """
        n = checks.positive_int("n", n)
        self.generator.check_data(data)
        shape = (n, *self.inference_net.noise_shape(len(data)))
        if noise is not None:
            checks.tensor("noise", noise, shape, self.dtype)
        noise = _noise.normal_for(data, noise, shape)
        return self._image(self.inference_net.posterior(data).rsample(noise), image)

    def phantasize(self, n: int, image: str = "sample", noise: Optional[Any] = None) -> Any:
        """``n`` images the model makes up, ``(n, X)``, on the device of its parameters.

        Parameters
        ----------
        image : "sample" (a draw from p(x | z)), "mean" or "mode".
        noise : standard normal, ``(n, D)``: the latent states, under the standard normal prior;
            drawn where left out.
        """
        shape = (checks.positive_int("n", n), self.latent_variable_size)
        if noise is None:
            noise = _noise.source.normal(shape, self.context, self.dtype)
        checks.tensor("noise", noise, shape, self.dtype)
        return self._image(self.prior.rsample(noise), image)

    def _image(self, latent_state: Any, image: str) -> Any:
        makers = {
            "sample": self.generator.generate_sample,
            "mean": self.generator.generate_mean,
            "mode": self.generator.generate_mode,
        }
        return makers[checks.known_name("image", image, makers)](latent_state)


def _fit_together(generator: Generator, inference_net: InferenceNetwork) -> None:
    """Tell each half the sizes that only the other knows; ValueError where both know and differ."""
    for name, block, wanted in (
        ("generator", generator, Generator),
        ("inference_net", inference_net, InferenceNetwork),
    ):
        if not isinstance(block, wanted):
            raise TypeError(f"{name} must be a {wanted.__name__}, got {type(block).__name__}")
    for size in ("data_dims", "latent_variable_size"):
        of_generator, of_net = getattr(generator, size), getattr(inference_net, size)
        if of_generator and of_net and of_generator != of_net:
            raise ValueError(
                f"{size} is {of_generator} in the generator and {of_net} in the "
                "inference network: they must be the same"
            )
        setattr(generator, size, of_generator or of_net)
        setattr(inference_net, size, of_generator or of_net)


class LogWeight(mx.gluon.HybridBlock):
    """The two terms of the log importance weights of a model, as a graph of their own: takes data
    ``(B, X)`` and noise ``(k, B, D)``, returns what :meth:`VAE.log_weight` does."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.vae = vae

    def hybrid_forward(self, F: Any, data: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        return self.vae.log_weight(data, noise)


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
        super().__init__(generator, inference_net)
        self.kl_divergence = kl_divergence

    def hybrid_forward(self, F: Any, data: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = self.inference_net(data)
        latent_state = self.inference_net.sample_latent_state(mean, std, noise=noise)
        log_likelihood = self.generator.likelihood(latent_state).log_prob(data)
        return log_likelihood, self.kl_divergence(mean, std)


def construct_vae(
    latent_type: str = "gaussian",
    likelihood: str = "bernoulliProd",
    generator_layer_sizes: Sequence[int] = (200, 500),
    infer_layer_sizes: Sequence[int] = (500, 200),
    latent_variable_size: int = 100,
    data_dims: int = 784,
    generator_act_type: Activation = "tanh",
    infer_act_type: Activation = "tanh",
) -> GaussianVAE:
    """A VAE from names and sizes; the defaults are the tutorial's model for 28×28 images.

    Parameters
    ----------
    latent_type : the posterior, one of :data:`POSTERIORS`.
    likelihood : one of :data:`LIKELIHOODS`.
    generator_layer_sizes : hidden layers of the generator, from the latent state outwards.
    infer_layer_sizes : hidden layers of the inference network, from the data inwards.
    latent_variable_size, data_dims : D and X.
    generator_act_type, infer_act_type : see :data:`gluonvae.networks.ACTIVATIONS`.

    Raises ValueError for an unknown name (with the nearest known one) or a size that is not
    positive.
    """
    posterior = POSTERIORS[checks.known_name("latent_type", latent_type, POSTERIORS)]
    generator = LIKELIHOODS[checks.known_name("likelihood", likelihood, LIKELIHOODS)]
    sizes = {
        "latent_variable_size": checks.positive_int("latent_variable_size", latent_variable_size),
        "data_dims": checks.positive_int("data_dims", data_dims),
    }
    return GaussianVAE(
        generator(
            layer_sizes=checks.layer_sizes("generator_layer_sizes", generator_layer_sizes),
            act_type=generator_act_type,
            **sizes,
        ),
        posterior(
            layer_sizes=checks.layer_sizes("infer_layer_sizes", infer_layer_sizes), act_type=infer_act_type, **sizes
        ),
    )
