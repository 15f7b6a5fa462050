"""A model from names and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from . import checks
from .conditional import ConditionalVAE
from .generator import LIKELIHOODS
from .inference import POSTERIORS, GaussianInferenceNetwork
from .networks import Activation
from .prior import PRIORS, StandardNormalPrior
from .vae import VAE, GaussianVAE

Options = Optional[Mapping[str, Any]]


def construct_vae(
    latent_type: str = "gaussian",
    likelihood: str = "bernoulliProd",
    generator_layer_sizes: Sequence[int] = (200, 500),
    infer_layer_sizes: Sequence[int] = (500, 200),
    latent_variable_size: int = 100,
    data_dims: int = 784,
    generator_act_type: Activation = "tanh",
    infer_act_type: Activation = "tanh",
    prior: str = "standard",
    likelihood_options: Options = None,
    latent_options: Options = None,
    prior_options: Options = None,
    label_size: int = 0,
) -> VAE:
    """A VAE from names and sizes; the defaults are the tutorial's model for 28×28 images.

    Parameters
    ----------
    latent_type : the posterior, one of :data:`gluonvae.inference.POSTERIORS`.
    likelihood : one of :data:`gluonvae.generator.LIKELIHOODS`.
    generator_layer_sizes : hidden layers of the generator, from the latent state outwards.
    infer_layer_sizes : hidden layers of the inference network, from the data inwards.
    latent_variable_size, data_dims : D and X.
    generator_act_type, infer_act_type : see :data:`gluonvae.networks.ACTIVATIONS`.
    prior : one of :data:`gluonvae.prior.PRIORS`.
    likelihood_options, latent_options, prior_options : further arguments of the likelihood's, the
        posterior's and the prior's class, by name.
    label_size : Y, of a model of data with labels; 0 for one without.

    Returns
    -------
    A :class:`VAE`; a :class:`GaussianVAE` where the posterior is "gaussian" and the prior "standard"; a
    :class:`ConditionalVAE` where labels have a size.

    Raises ValueError for an unknown name (with the nearest known one) or a size that is not
    positive.
    """
    latent_variable_size = checks.positive_int("latent_variable_size", latent_variable_size)
    data_dims = checks.positive_int("data_dims", data_dims)
    label_size = checks.positive_int("label_size", label_size) if label_size else 0
    # what looks at data looks at its label as well
    sizes = {"latent_variable_size": latent_variable_size, "data_dims": data_dims + label_size}
    generator = LIKELIHOODS.make(
        likelihood,
        likelihood_options,
        layer_sizes=checks.layer_sizes("generator_layer_sizes", generator_layer_sizes),
        act_type=generator_act_type,
        latent_variable_size=latent_variable_size + label_size,
        data_dims=data_dims,
    )
    inference_net = POSTERIORS.make(
        latent_type,
        latent_options,
        layer_sizes=checks.layer_sizes("infer_layer_sizes", infer_layer_sizes),
        act_type=infer_act_type,
        **sizes,
    )
    inference_net.data_transform = inference_net.data_transform or generator.data_transform
    chosen_prior = PRIORS.make(prior, prior_options, **sizes)
    if label_size:
        return ConditionalVAE(generator, inference_net, chosen_prior, label_size=label_size)
    if type(inference_net) is GaussianInferenceNetwork and type(chosen_prior) is StandardNormalPrior:
        return GaussianVAE(generator, inference_net)
    return VAE(generator, inference_net, chosen_prior)
