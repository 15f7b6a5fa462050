"""The graphs of the parts of a model: encoder, decoder, the whole and its bound."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Union

from .. import checks
from ..backend.operators import namespace
from ..backend.runtime import mx
from ..backend.structures import leaves, rebuild, split
from ..backend.types import Block, Structure, Tensor
from ..distributions import Distribution
from ..models import VAE, SemiSupervisedVAE
from ..objectives import Objective
from .graph import Graph, Named, trace
from .noise_inputs import NOISE, draw, noise_inputs, noise_kinds, noise_names
from .sizes import BATCH, Shape, shape


def encoder(vae: VAE, noise: str = "input") -> Graph:
    """Return the graph of q(z | x).

    It maps ``data`` ``(B, X)``, and in a model with labels ``label`` ``(B, Y)``, to the parameters of q(z | x) by
    name, such as ``mean`` and ``std``. Where these alone do not make q(z | x), as with flows, layers of latent
    variables and codebooks, it returns ``latent``, a draw from it, ``(B, D)``, and takes the ``noise`` for it. In a
    :class:`gluonvae.SemiSupervisedVAE` a label that is missing, a row of zeros, is taken for the most probable one.

    Parameters
    ----------
    vae : VAE
        The model, initialised.
    noise : {"input", "drawn"}
        Whether the noise is an input, or drawn by the graph at each call.

    Returns
    -------
    Graph
    """
    net = vae.inference_net
    draws = bool(getattr(getattr(net, "family", None), "not_in_parameters", ""))

    def compute(data: Tensor, given: Structure, *label: Tensor) -> Named:
        label = _completed(vae, data, *label)
        if draws:
            return {"latent": vae.posterior(data, *label).rsample(given)}
        parameters = net(data, *label)
        return dict(zip(_names(net, len(parameters)), parameters))

    return _of_data("encoder", vae, vae, net.noise if draws else (), noise, compute)


def decoder(vae: VAE) -> Graph:
    """Return the graph of p(x | z).

    It maps ``latent`` ``(B, D)``, and in a model with labels ``label`` ``(B, Y)``, to the parameters of p(x | z) by
    name, such as ``logits``, and to their ``reconstruction``, the expected data ``(B, X)``.

    Parameters
    ----------
    vae : VAE
        The model, initialised.

    Returns
    -------
    Graph
    """
    generator = vae.generator

    def compute(latent: Tensor, *label: Tensor) -> Named:
        made = generator(vae.prior.generator_latent(latent), *label)
        parameters = made if isinstance(made, (list, tuple)) else (made,)
        named = dict(zip(_names(generator, len(parameters)), parameters))
        return {**named, **_reconstruction(generator.distribution(*parameters))}

    inputs = {"latent": shape(BATCH, vae.latent_variable_size), **_label(vae)}
    return trace("decoder", vae, inputs, compute)


def prior(vae: VAE) -> Graph:
    """Return the graph of a draw from p(z).

    It maps ``noise``, of a mixture ``noise_component`` and ``noise_value``, and, where the prior looks at labels,
    ``label`` ``(B, Y)``, to ``latent`` ``(B, D)``, of which the decoder makes new data. Under a standard normal prior
    that is the noise itself.

    Parameters
    ----------
    vae : VAE
        The model, initialised.

    Returns
    -------
    Graph
    """
    spec = vae.prior.noise
    of_noise = noise_inputs(spec, shape(BATCH))
    labels = _label(vae) if vae.prior.needs_label else {}

    def compute(*tensors: Tensor) -> Named:
        noise, label = split(spec, tensors)
        return {"latent": vae.prior_distribution(tensors[0], *label).sample(noise)}

    return trace("prior", vae, {**of_noise, **labels}, compute, noise_kinds(spec))


def whole(vae: VAE, noise: str = "input") -> Graph:
    """Return the graph of a whole VAE, from data to their reconstruction.

    It maps ``data``, ``noise`` and, in a model with labels, ``label`` to ``latent``, a draw from q(z | x);
    ``reconstruction``, the expected data given that; and in nats, ``(B,)`` each, ``log_likelihood``, log p(x | z), and
    ``kl``, KL(q(z | x) || p(z)) or the estimate of it that ``vae(data, noise)`` returns. In a
    :class:`gluonvae.SemiSupervisedVAE` a label that is missing, a row of zeros, is the most probable one in ``latent``
    and ``reconstruction``.

    Parameters
    ----------
    vae, noise
        See :func:`encoder`.

    Returns
    -------
    Graph
    """

    def compute(data: Tensor, given: Structure, *label: Tensor) -> Named:
        known = _completed(vae, data, *label)
        q, p = vae.posterior(data, *known), vae.prior_distribution(data, *known)
        z, kl = vae.rsample_and_kl(q, p, given)
        likelihood = vae.likelihood(z, *known)
        terms = vae.two_terms(data, given, *label) if vae.kl_is_replaced else (likelihood.log_prob(data), kl)
        named = dict(zip(("log_likelihood", "kl"), terms))
        return {"latent": z, **_reconstruction(likelihood.given(data)), **named}

    return _of_data("vae", vae, vae, vae.inference_net.noise, noise, compute)


def bound(objective: Objective, noise: str = "input") -> Graph:
    """Return the graph of a bound.

    It maps ``data``, ``noise`` and, in a model with labels, ``label`` to the terms of the bound, ``(B,)`` each, in
    nats: ``objective``, which is maximised, ``bound``, ``log_likelihood`` and ``kl``, see
    :class:`gluonvae.objectives.terms.Terms`. With k samples the noise is ``(k, B, size)``. Weights such as β are
    parameters of the graph, with the values that they have now.

    Parameters
    ----------
    objective : Objective
        The bound, of an initialised model.
    noise : {"input", "drawn"}
        See :func:`encoder`.

    Returns
    -------
    Graph
    """

    def compute(data: Tensor, given: Structure, *label: Tensor) -> Named:
        return objective.terms(data, given, label[0] if label else None, validated=True)._asdict()

    return _of_data("bound", objective, objective.vae, objective.noise, noise, compute, objective.samples)


def classifier(vae: SemiSupervisedVAE) -> Graph:
    """Return the graph of q(y | x) of a semi-supervised model.

    It maps ``data`` ``(B, X)`` to ``logits`` and ``probabilities`` of the labels, ``(B, Y)`` each.

    Parameters
    ----------
    vae : SemiSupervisedVAE
        The model, initialised.

    Returns
    -------
    Graph
    """

    def compute(data: Tensor) -> Named:
        logits = vae.classifier(data)
        return {"logits": logits, "probabilities": namespace(logits).softmax(logits)}

    return trace("classifier", vae, {"data": shape(BATCH, vae.data_dims)}, compute)


def parts(model: Union[VAE, Objective], noise: str = "input") -> dict[str, Callable[[], Graph]]:
    """Return what makes the graph of each part that there is of a model.

    Parameters
    ----------
    model : VAE or Objective
        The model, or a bound of it, which is a part, too.
    noise : {"input", "drawn"}
        See :func:`encoder`.

    Returns
    -------
    dict
        Functions without arguments by "encoder", "decoder", "prior", "vae" and, where there is one, "classifier" and
        "bound".
    """
    vae = model.vae if isinstance(model, Objective) else model
    found: dict[str, Callable[[], Graph]] = {
        "encoder": lambda: encoder(vae, noise),
        "decoder": lambda: decoder(vae),
        "prior": lambda: prior(vae),
        "vae": lambda: whole(vae, noise),
    }
    if isinstance(vae, SemiSupervisedVAE):
        found["classifier"] = lambda: classifier(vae)
    if isinstance(model, Objective):
        found["bound"] = lambda: bound(model, noise)
    return found


def _of_data(
    name: str, block: Block, vae: VAE, spec: Structure, noise: str, compute: Callable[..., Named], samples: int = 1
) -> Graph:
    """The graph of a computation with data, noise and labels."""
    checks.known_name("noise", noise, NOISE)
    of_noise = noise_inputs(spec, shape(BATCH) if samples == 1 else shape(samples, BATCH)) if noise == "input" else {}
    inputs: dict[str, Shape] = {"data": shape(BATCH, vae.data_dims), **of_noise, **_label(vae)}

    def with_noise(*tensors: Tensor) -> Named:
        data, by_name = tensors[0], dict(zip(inputs, tensors))
        given = [
            by_name[of] if of in of_noise else draw(data, leaf, samples)
            for of, leaf in zip(noise_names(spec), leaves(spec))
        ]
        return compute(data, rebuild(spec, given), *([by_name["label"]] if vae.label_size else []))

    return trace(name, block, inputs, with_noise, noise_kinds(spec) if of_noise else {})


def _label(vae: VAE) -> dict[str, Shape]:
    return {"label": shape(BATCH, vae.label_size)} if vae.label_size else {}


def _completed(vae: VAE, data: Tensor, *label: Tensor) -> tuple[Tensor, ...]:
    """The labels, where the model has any; a missing one of a semi-supervised model is the most probable."""
    if not isinstance(vae, SemiSupervisedVAE):
        return label
    F, (rows,) = mx.sym, label
    numbers = F.expand_dims(F.contrib.arange_like(rows, axis=1), axis=0)
    probable = F.broadcast_equal(F.argmax(vae.classifier(data), axis=-1, keepdims=True), numbers)
    missing = 1 - F.sum(rows, axis=-1, keepdims=True)
    return (rows + F.broadcast_mul(probable, missing),)


def _reconstruction(p: Distribution) -> Named:
    """The mean of p(x | z), where it is known."""
    try:
        return {"reconstruction": p.mean}
    except NotImplementedError:
        return {}


def _names(net: Any, count: int) -> Sequence[str]:
    """Names of the parameters that a network returns: those of the arguments of their distribution."""
    family = getattr(net, "family", None)
    if family is not None:
        names = family.parameter_names
    else:
        names = [] if net.distribution_type is None else list(inspect.signature(net.distribution_type).parameters)
    return names if len(names) >= count else [f"parameter{number}" for number in range(count)]
