"""A model from names and sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from .. import checks
from ..distributions import Layered
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS, GaussianInferenceNetwork
from ..networks import DECODERS, ENCODERS, Activation, Layers, make_body
from ..prior import PRIORS, StandardNormalPrior
from ..registry import Registry
from .conditional import ConditionalVAE
from .gaussian import GaussianVAE
from .semi_supervised import SemiSupervisedVAE
from .vae import VAE

Options = Optional[Mapping[str, Any]]

GENERATOR_LAYERS, INFER_LAYERS = (200, 500), (500, 200)
"""Widths of the tutorial's hidden layers."""


def construct_vae(
    latent_type: str = "gaussian",
    likelihood: str = "bernoulli_prod",
    generator_layer_sizes: Optional[Sequence[int]] = None,
    infer_layer_sizes: Optional[Sequence[int]] = None,
    latent_variable_size: Union[int, Sequence[int]] = 100,
    data_dims: int = 784,
    generator_act_type: Activation = "tanh",
    infer_act_type: Activation = "tanh",
    prior: str = "standard",
    likelihood_options: Options = None,
    latent_options: Options = None,
    prior_options: Options = None,
    label_size: int = 0,
    classifier_layer_sizes: Optional[Sequence[int]] = None,
    generator_body: str = "mlp",
    infer_body: str = "mlp",
    generator_body_options: Options = None,
    infer_body_options: Options = None,
    data_shape: Optional[Sequence[int]] = None,
) -> VAE:
    """Construct a VAE from names and sizes; the defaults are the tutorial's model for 28×28 images.

    Parameters
    ----------
    latent_type : str
        The posterior, one of :data:`gluonvae.inference.POSTERIORS`.
    likelihood : str
        One of :data:`gluonvae.generator.LIKELIHOODS`.
    generator_layer_sizes : sequence of int, optional
        Hidden layers of the generator, from the latent state outwards: their widths, by default
        :data:`GENERATOR_LAYERS`; of a body of images its channels, by default its own.
    infer_layer_sizes : sequence of int, optional
        Hidden layers of the inference network, from the data inwards, likewise; by default :data:`INFER_LAYERS`.
    latent_variable_size : int or sequence of int
        D; where posterior or prior have layers of latent variables, D_1, ..., D_L, from the data upwards.
    data_dims : int
        X.
    generator_act_type, infer_act_type : str or callable
        See :data:`gluonvae.networks.ACTIVATIONS`.
    prior : str
        One of :data:`gluonvae.prior.PRIORS`.
    likelihood_options, latent_options, prior_options : mapping, optional
        Further arguments of the classes of likelihood, posterior and prior, by name.
    label_size : int
        Y, in a model of data with labels; 0 for one without.
    classifier_layer_sizes : sequence of int, optional
        Hidden layers of the classifier of a model of data few of which have labels.
    generator_body, infer_body : str
        One of :data:`gluonvae.networks.DECODERS`, one of :data:`gluonvae.networks.ENCODERS`.
    generator_body_options, infer_body_options : mapping, optional
        Further arguments of their classes, by name.
    data_shape : sequence of int, optional
        Shape of an image, for bodies of images: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``; by default a grey
        square.

    Returns
    -------
    VAE
        A :class:`GaussianVAE` where the posterior is "gaussian" and the prior "standard"; a
        :class:`ConditionalVAE` where labels have a size, and a :class:`SemiSupervisedVAE` where there is a
        classifier as well.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest known one, or a size that is not positive.
    """
    made_with = dict(locals())
    of_posterior, of_prior = _latent_sizes(latent_type, prior, latent_variable_size)
    data_dims = checks.positive_int("data_dims", data_dims)
    if classifier_layer_sizes is not None and not label_size:
        raise ValueError("classifier_layer_sizes are of a model of data with labels: pass label_size")
    shape = _data_shape(data_shape, data_dims)
    decoder = _layers(
        DECODERS, generator_body, generator_body_options, generator_layer_sizes, generator_act_type, shape
    )
    encoder = _layers(ENCODERS, infer_body, infer_body_options, infer_layer_sizes, infer_act_type, shape)
    chosen_prior = PRIORS.make(prior, prior_options, latent_variable_size=of_prior)
    generator = LIKELIHOODS.make(
        likelihood,
        likelihood_options,
        layer_sizes=decoder,
        act_type=generator_act_type,
        latent_variable_size=chosen_prior.generator_latent_size,
        data_dims=data_dims,
    )
    inference_net = POSTERIORS.make(
        latent_type,
        latent_options,
        layer_sizes=encoder,
        act_type=infer_act_type,
        data_dims=data_dims,
        latent_variable_size=of_posterior,
    )
    vae: VAE
    if classifier_layer_sizes is not None:
        vae = SemiSupervisedVAE(
            generator,
            inference_net,
            chosen_prior,
            label_size=label_size,
            classifier_layer_sizes=classifier_layer_sizes,
        )
    elif label_size:
        vae = ConditionalVAE(generator, inference_net, chosen_prior, label_size=label_size)
    elif type(inference_net) is GaussianInferenceNetwork and type(chosen_prior) is StandardNormalPrior:
        vae = GaussianVAE(generator, inference_net)
    else:
        vae = VAE(generator, inference_net, chosen_prior)
    vae.made_with = made_with
    return vae


def _layers(
    kinds: Registry,
    name: str,
    options: Options,
    sizes: Optional[Sequence[int]],
    act_type: Activation,
    shape: tuple[int, ...],
) -> Layers:
    """The body called ``name``; of an MLP its widths, as the heads of a posterior may share but some of its layers."""
    sizes = sizes_of(name, sizes, GENERATOR_LAYERS if kinds is DECODERS else INFER_LAYERS)
    if sizes is not None:
        sizes = checks.layer_sizes(kinds.kind.replace("body", "layer_sizes"), sizes)
    if name == "mlp" and not options and sizes is not None:
        return sizes
    return make_body(kinds, name, options, sizes, act_type=act_type, shape=shape)


def sizes_of(body: str, sizes: Optional[Sequence[int]], dense: Sequence[int]) -> Optional[Sequence[int]]:
    """Return ``sizes``, or where they are None those of a body of ``dense`` layers; None for another body's own."""
    return dense if sizes is None and "mlp" in body.lower() else sizes


def _data_shape(shape: Optional[Sequence[int]], data_dims: int) -> tuple[int, ...]:
    """``shape``, or that of a row; ValueError where it is none of ``data_dims`` values."""
    shape = (data_dims,) if shape is None else checks.layer_sizes("data_shape", shape)
    if math.prod(shape) != data_dims:
        raise ValueError(f"data_shape {shape} has {math.prod(shape)} values, and data_dims is {data_dims}")
    return shape


def _latent_sizes(latent_type: str, prior: str, given: Union[int, Sequence[int]]) -> list[Any]:
    """The ``latent_variable_size`` of the posterior, and that of the prior."""
    name = "latent_variable_size"
    several = isinstance(given, (list, tuple))
    sizes = checks.layer_sizes(name, given) if isinstance(given, (list, tuple)) else (checks.positive_int(name, given),)
    arguments: list[Any] = []
    kinds: tuple[tuple[Registry, str], ...] = ((POSTERIORS, latent_type), (PRIORS, prior))
    for registry, kind in kinds:
        layered = getattr(registry.get(kind), "distribution_type", None) is Layered
        if layered and not several:
            raise ValueError(
                f"the {registry.kind} {kind!r} has layers of latent variables: {name} must be their sizes, from the "
                f"data upwards, such as [100, 50], got {given}"
            )
        arguments.append(sizes if layered else sum(sizes))
    if several and all(isinstance(argument, int) for argument in arguments):
        raise ValueError(
            f"{name} {list(sizes)} are sizes of layers, and neither the {POSTERIORS.kind} {latent_type!r} nor the "
            f"prior {prior!r} has any: pass one number, or use 'hierarchical' or 'ladder' and the prior 'hierarchical'"
        )
    return arguments
