"""The parts of a model put together: each is told the sizes that only others know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..generator import Generator
from ..inference import POSTERIORS, InferenceNetwork
from ..prior import Prior


def fit_together(generator: Generator, inference_net: InferenceNetwork, prior: Prior, label_size: int) -> None:
    """Tell each part the sizes that only others know; ValueError where two know and differ."""
    parts = {
        "generator": (generator, Generator),
        "inference_net": (inference_net, InferenceNetwork),
        "prior": (prior, Prior),
    }
    for name, (block, wanted) in parts.items():
        if not isinstance(block, wanted):
            raise TypeError(f"{name} must be {_a(wanted.__name__)}, got {type(block).__name__}")
    # the inference network looks at data with its label
    _agree(
        "data_dims",
        {"generator": (generator, label_size), "inference network": (inference_net, 0), "prior": (prior, 0)},
    )
    _agree("latent_variable_size", {"inference network": (inference_net, 0), "prior": (prior, 0)})
    seen = prior.generating_size + label_size
    if generator.latent_variable_size not in (0, seen):
        raise ValueError(
            f"latent_variable_size is {generator.latent_variable_size} in the generator and "
            f"{_sum(prior.generating_size, label_size)} in the inference network: they must be the same"
        )
    generator.latent_variable_size = seen
    generator.check_body(seen)
    inference_net.check_body(inference_net.data_dims)
    if prior.needs_label and not label_size:
        raise ValueError(f"{type(prior).__name__} is a prior for each label: use ConditionalVAE")
    prior.label_size = inference_net.label_size = label_size
    prior.posterior_noise_size = inference_net.noise_size
    prior.posterior_width = inference_net.width
    if generator.support is not None:
        prior.data_range = generator.support.data_range
    drawn_from, needed = inference_net.distribution_type, prior.posterior_type
    if needed is not None and not (drawn_from and issubclass(drawn_from, needed)):
        raise ValueError(
            f"{type(prior).__name__} is a prior for posteriors that are {needed.__name__}, and "
            f"{type(inference_net).__name__} is another: take another prior, or a posterior such as "
            + ", ".join(_posteriors_of(needed))
        )
    inference_net.join(prior)


def _posteriors_of(kind: type) -> list[str]:
    """The classes of posteriors that are always of this kind of distribution."""
    return [
        net.__name__ for net in POSTERIORS.values() if net.distribution_type and issubclass(net.distribution_type, kind)
    ]


def _agree(size: str, parts: Mapping[str, tuple[Any, int]]) -> None:
    """Have one ``size`` in all ``parts``, but for those that are to have so many fewer."""
    known = {name: getattr(block, size) + fewer for name, (block, fewer) in parts.items() if getattr(block, size)}
    (first, wanted), *others = known.items()
    for other, given in others:
        if given != wanted:
            label_size = parts[first][1]
            with_label = " with the label" if label_size else ""
            hint = f" (a body of images is told of the label: label_size={label_size})" if label_size else ""
            raise ValueError(
                f"{size} is {wanted} in the {first}{with_label} and {given} in the {other}: they must be the same{hint}"
            )
    for block, fewer in parts.values():
        setattr(block, size, wanted - fewer)


def _sum(size: int, label_size: int) -> str:
    return f"{size} + {label_size} (the label's)" if label_size else str(size)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"
