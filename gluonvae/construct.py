"""A model from names and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from . import checks
from .conditional import ConditionalVAE
from .distributions import Layered
from .generator import LIKELIHOODS
from .inference import POSTERIORS, GaussianInferenceNetwork
from .networks import Activation
from .prior import PRIORS, StandardNormalPrior
from .registry import Registry
from .vae import VAE, GaussianVAE

Options = Optional[Mapping[str, Any]]


def construct_vae(
    latent_type: str = "gaussian",
    likelihood: str = "bernoulliProd",
    generator_layer_sizes: Sequence[int] = (200, 500),
    infer_layer_sizes: Sequence[int] = (500, 200),
    latent_variable_size: Union[int, Sequence[int]] = 100,
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
    latent_variable_size, data_dims : D and X. Where posterior or prior have layers of latent variables, D_1, ..., D_L,
        from the data upwards.
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
    of_posterior, of_prior = _latent_sizes(latent_type, prior, latent_variable_size)
    data_dims = checks.positive_int("data_dims", data_dims)
    label_size = checks.positive_int("label_size", label_size) if label_size else 0
    # what looks at data looks at its label as well
    seen = data_dims + label_size
    chosen_prior = PRIORS.make(prior, prior_options, data_dims=seen, **of_prior)
    generator = LIKELIHOODS.make(
        likelihood,
        likelihood_options,
        layer_sizes=checks.layer_sizes("generator_layer_sizes", generator_layer_sizes),
        act_type=generator_act_type,
        latent_variable_size=chosen_prior.generating_size + label_size,
        data_dims=data_dims,
    )
    inference_net = POSTERIORS.make(
        latent_type,
        latent_options,
        layer_sizes=checks.layer_sizes("infer_layer_sizes", infer_layer_sizes),
        act_type=infer_act_type,
        data_dims=seen,
        **of_posterior,
    )
    inference_net.data_transform = inference_net.data_transform or generator.data_transform
    if label_size:
        return ConditionalVAE(generator, inference_net, chosen_prior, label_size=label_size)
    if type(inference_net) is GaussianInferenceNetwork and type(chosen_prior) is StandardNormalPrior:
        return GaussianVAE(generator, inference_net)
    return VAE(generator, inference_net, chosen_prior)


def _latent_sizes(latent_type: str, prior: str, given: Union[int, Sequence[int]]) -> list[dict[str, Any]]:
    """The argument that tells the posterior, and the one that tells the prior, how many latent variables there are."""
    name = "latent_variable_size"
    several = isinstance(given, (list, tuple))
    sizes = checks.layer_sizes(name, given) if isinstance(given, (list, tuple)) else (checks.positive_int(name, given),)
    arguments: list[dict[str, Any]] = []
    kinds: tuple[tuple[Registry, str], ...] = ((POSTERIORS, latent_type), (PRIORS, prior))
    for registry, kind in kinds:
        layered = getattr(registry.get(kind), "distribution_type", None) is Layered
        if layered and not several:
            raise ValueError(
                f"the {registry.kind} {kind!r} has layers of latent variables: {name} must be their sizes, from the "
                f"data upwards, such as [100, 50], got {given}"
            )
        arguments.append({"latent_sizes": sizes} if layered else {name: sum(sizes)})
    if several and all(name in argument for argument in arguments):
        raise ValueError(
            f"{name} {list(sizes)} are sizes of layers, and neither the {POSTERIORS.kind} {latent_type!r} nor the "
            f"prior {prior!r} has any: pass one number, or use 'hierarchical' or 'ladder' and the prior 'hierarchical'"
        )
    return arguments
