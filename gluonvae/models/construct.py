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
from .semi_supervised import SemiSupervisedVAE
from .vae import VAE, GaussianVAE

Options = Optional[Mapping[str, Any]]

GENERATOR_LAYERS, INFER_LAYERS = (200, 500), (500, 200)
"""Widths of the tutorial's hidden layers."""


def construct_vae(
    latent_type: str = "gaussian",
    likelihood: str = "bernoulliProd",
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
    """A VAE from names and sizes; the defaults are the tutorial's model for 28×28 images.

    Parameters
    ----------
    latent_type : the posterior, one of :data:`gluonvae.inference.POSTERIORS`.
    likelihood : one of :data:`gluonvae.generator.LIKELIHOODS`.
    generator_layer_sizes : hidden layers of the generator, from the latent state outwards: their widths,
        by default :data:`GENERATOR_LAYERS`; of a body of images its channels, by default its own.
    infer_layer_sizes : hidden layers of the inference network, from the data inwards, likewise; by default
        :data:`INFER_LAYERS`.
    latent_variable_size, data_dims : D and X. Where posterior or prior have layers of latent variables, D_1, ..., D_L,
        from the data upwards.
    generator_act_type, infer_act_type : see :data:`gluonvae.networks.ACTIVATIONS`.
    prior : one of :data:`gluonvae.prior.PRIORS`.
    likelihood_options, latent_options, prior_options : further arguments of the likelihood's, the
        posterior's and the prior's class, by name.
    label_size : Y, of a model of data with labels; 0 for one without.
    classifier_layer_sizes : hidden layers of the classifier of a model of data few of which have labels.
    generator_body, infer_body : one of :data:`gluonvae.networks.DECODERS`, one of
        :data:`gluonvae.networks.ENCODERS`.
    generator_body_options, infer_body_options : further arguments of their classes, by name.
    data_shape : of an image, for bodies of images: ``(H, W)``, ``(H, W, C)`` or ``(C, H, W)``; by default a grey
        square.

    Returns
    -------
    A :class:`VAE`; a :class:`GaussianVAE` where the posterior is "gaussian" and the prior "standard"; a
    :class:`ConditionalVAE` where labels have a size, and a :class:`SemiSupervisedVAE` where there is a classifier
    as well.

    Raises ValueError for an unknown name (with the nearest known one) or a size that is not
    positive.
    """
    of_posterior, of_prior = _latent_sizes(latent_type, prior, latent_variable_size)
    data_dims = checks.positive_int("data_dims", data_dims)
    label_size = checks.positive_int("label_size", label_size) if label_size else 0
    if classifier_layer_sizes is not None and not label_size:
        raise ValueError("classifier_layer_sizes are of a model of data with labels: pass label_size")
    # what looks at data looks at its label as well
    seen = data_dims + label_size
    images = {"shape": _data_shape(data_shape, data_dims), **({"label_size": label_size} if label_size else {})}
    decoder = _layers(
        DECODERS,
        generator_body,
        generator_body_options,
        generator_layer_sizes,
        GENERATOR_LAYERS,
        act_type=generator_act_type,
        **images,
    )
    encoder = _layers(
        ENCODERS, infer_body, infer_body_options, infer_layer_sizes, INFER_LAYERS, act_type=infer_act_type, **images
    )
    chosen_prior = PRIORS.make(prior, prior_options, data_dims=seen, **of_prior)
    generator = LIKELIHOODS.make(
        likelihood,
        likelihood_options,
        layer_sizes=decoder,
        act_type=generator_act_type,
        latent_variable_size=chosen_prior.generating_size + label_size,
        data_dims=data_dims,
    )
    inference_net = POSTERIORS.make(
        latent_type,
        latent_options,
        layer_sizes=encoder,
        act_type=infer_act_type,
        data_dims=seen,
        **of_posterior,
    )
    inference_net.data_transform = inference_net.data_transform or generator.data_transform
    if classifier_layer_sizes is not None:
        return SemiSupervisedVAE(
            generator,
            inference_net,
            chosen_prior,
            label_size=label_size,
            classifier_layer_sizes=classifier_layer_sizes,
        )
    if label_size:
        return ConditionalVAE(generator, inference_net, chosen_prior, label_size=label_size)
    if type(inference_net) is GaussianInferenceNetwork and type(chosen_prior) is StandardNormalPrior:
        return GaussianVAE(generator, inference_net)
    return VAE(generator, inference_net, chosen_prior)


def _layers(
    kinds: Registry, name: str, options: Options, sizes: Optional[Sequence[int]], dense: Sequence[int], **given: Any
) -> Layers:
    """The body called ``name``; of an MLP its widths, as the heads of a posterior may share but some of its layers."""
    sizes = sizes_of(name, sizes, dense)
    if sizes is not None:
        sizes = checks.layer_sizes(kinds.kind.replace("body", "layer_sizes"), sizes)
    if name == "mlp" and not options and sizes is not None:
        return sizes
    return make_body(kinds, name, options, sizes, **given)


def sizes_of(body: str, sizes: Optional[Sequence[int]], dense: Sequence[int]) -> Optional[Sequence[int]]:
    """``sizes``, or where they are None those of a body of ``dense`` layers; None for another body's own."""
    return dense if sizes is None and "mlp" in body.lower() else sizes


def _data_shape(shape: Optional[Sequence[int]], data_dims: int) -> tuple[int, ...]:
    """``shape``, or that of a row; ValueError where it is none of ``data_dims`` values."""
    shape = (data_dims,) if shape is None else checks.layer_sizes("data_shape", shape)
    if math.prod(shape) != data_dims:
        raise ValueError(f"data_shape {shape} has {math.prod(shape)} values, and data_dims is {data_dims}")
    return shape


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
