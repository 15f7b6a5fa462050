"""Options that would have no effect beside the others are refused: what was asked for is what is done."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Collection
from types import MappingProxyType
from typing import Callable, NamedTuple

from .. import checks
from ..inference import POSTERIORS
from ..networks import DECODERS, ENCODERS
from ..objectives import BOUNDS
from ..registry import Registry
from .arguments import flags_of_train

NOT_GIVEN: MappingProxyType[str, object] = MappingProxyType({})
"""Stands for the value of an option that is not on the command line; options that add up start from it."""

RATE_CHANGES = "has no effect beside --anneal learning_rate=...: leave one of them out"

BESIDE_RESUME = {"resume", "data", "data_dir", "threads", "verbose", "quiet", "debug"}
"""The arguments that a training which is resumed takes."""


class _Rule(NamedTuple):
    """When an option of ``gluonvae train`` has an effect, and what is said where it has none."""

    option: str
    name: str
    has_effect: Callable[[argparse.Namespace], bool]
    otherwise: str


def _bound_takes(name: str) -> Callable[[argparse.Namespace], bool]:
    return lambda asked: _takes(BOUNDS, asked.bound, name)


def _takes(kinds: Registry, kind: str, name: str) -> bool:
    return name in inspect.signature(kinds[kind]).parameters


def _stays(name: str) -> Callable[[argparse.Namespace], bool]:
    return lambda asked: name not in map(checks.normalised, asked.anneal)


def _is_active(bodies: Registry, body: str, sizes: object) -> bool:
    """Whether a body applies the activation that is chosen."""
    return _takes(bodies, body, "act_type") and (sizes != [] or body == "residual")


def _infers_actively(asked: argparse.Namespace) -> bool:
    """Also within flows and between layers of latent variables."""
    networks = ("hidden_sizes", "between_layer_sizes")
    inside = any(_takes(POSTERIORS, asked.posterior, name) and asked.latent_options.get(name, 1) for name in networks)
    return inside or _is_active(ENCODERS, asked.infer_body, asked.infer_layer_sizes)


def is_semi_supervised(asked: argparse.Namespace) -> bool:
    """Return whether a model of data whose labels are known in part is asked for."""
    return asked.bound == "semi_supervised"


RULES = (
    _Rule(
        "--labels",
        "labels",
        is_semi_supervised,
        "is for --bound semi_supervised, got {bound}",
    ),
    _Rule(
        "--classifier-layers",
        "classifier_layer_sizes",
        is_semi_supervised,
        "is for --bound semi_supervised, got {bound}",
    ),
    _Rule("--samples", "samples", _bound_takes("samples"), "is of some bounds; {bound} has no samples"),
    _Rule("--beta", "beta", _bound_takes("beta"), "is of some bounds; {bound} has no beta"),
    _Rule("--beta", "beta", _stays("beta"), "is what --anneal beta=... sets: leave one of them out"),
    _Rule("--learning-rate", "learning_rate", _stays("learningrate"), RATE_CHANGES),
    _Rule("--learning-rate-schedule", "learning_rate_schedule", _stays("learningrate"), RATE_CHANGES),
    _Rule(
        "--inference-activation",
        "infer_act_type",
        _infers_actively,
        "is of hidden layers, of which an inference network of body {infer_body} and layers {infer_layer_sizes} has "
        "none that take it: leave it out, or give --inference-layers",
    ),
    _Rule(
        "--generator-activation",
        "generator_act_type",
        lambda asked: _is_active(DECODERS, asked.generator_body, asked.generator_layer_sizes),
        "is of hidden layers, of which a generator of body {generator_body} and layers {generator_layer_sizes} has "
        "none that take it: leave it out, or give --generator-layers",
    ),
    _Rule("--verbose", "verbose", lambda asked: not asked.quiet, "logs lines, and --quiet leaves them out"),
)


def check_effects(asked: argparse.Namespace, given: Collection[str]) -> None:
    """Refuse options of ``gluonvae train`` that would have no effect.

    Parameters
    ----------
    asked : argparse.Namespace
        The arguments, with their defaults.
    given : collection of str
        The names of those that are on the command line.

    Raises
    ------
    ValueError
        For the first that has no effect, with what it needs.
    """
    others = sorted(set(given) - BESIDE_RESUME) if asked.resume else []
    if others:
        flag = flags_of_train().get(others[0], f"--{others[0]}")
        raise ValueError(f"--resume goes on with what the run was started with: leave out {flag}")
    for option, name, has_effect, otherwise in RULES:
        if name in given and not has_effect(asked):
            raise ValueError(f"{option} {otherwise.format_map(vars(asked))}")
