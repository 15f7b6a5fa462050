"""The arguments of each command."""

from __future__ import annotations

import argparse
import ast
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Optional

from ..data import BINARIZATIONS, NAMES
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS, PRECISIONS
from ..objectives import BOUNDS
from ..prior import PRIORS
from ..registry import Registry
from ..training.optimizer import FusedAdam
from ..training.saving import MINUTES

Group = argparse._ActionsContainer


def train(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae train``; those of the model have the names of arguments of ``construct_vae``."""
    _data(command.add_argument_group("data"))
    _model(command.add_argument_group("model (the defaults are the tutorial's)"))
    _bound(command.add_argument_group("what is maximised"))
    _training(command.add_argument_group("training"))


def sample(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae sample``."""
    _run(command)
    _number(command, "-n", "number of images", 100)
    text = "in a conditional model, of what class, from 0 (default: of all in turn), or of what condition"
    _number(command, "--label", text, type=float, nargs="+", metavar="Y")
    _drawing(command)


def reconstruct(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae reconstruct``."""
    _run(command)
    _number(command, "-n", "reconstructions of each image", 9)
    _number(command, "--images", "number of test images (default: 10, or all where there are fewer)")
    _moved_data(command)
    _drawing(command)


def evaluate(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae evaluate``."""
    _run(command)
    _number(command, "--samples", "latent states drawn for an image", 5000, metavar="K")
    _number(command, "--images", "number of test images (default: all)")
    _moved_data(command)
    _number(command, "--seed", "of the draw", 0)
    _device(command)


def info(command: argparse.ArgumentParser) -> None:
    """Add no arguments: ``gluonvae info`` has none."""


def parsed(add_arguments: Callable[[argparse.ArgumentParser], None], values: Mapping[str, Any]) -> argparse.Namespace:
    """Parse the values of a command's arguments, such as those that a run's config.json has.

    Parameters
    ----------
    add_arguments : Callable
        Adds the arguments of the command.
    values : Mapping[str, Any]
        The value of each, by its name, as parsing returned it.

    Returns
    -------
    argparse.Namespace
        The same values; defaults for arguments that are missing.

    Raises
    ------
    ValueError
        If an argument is unknown, or a value is not one of its.
    """
    parser = _RaisingParser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    actions = {action.dest: action for action in parser._actions}
    words: list[str] = []
    for name, value in values.items():
        if name not in actions:
            raise ValueError(f"there is no argument {name!r}")
        words += _words(actions[name], value)
    return parser.parse_args(words)


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _words(action: argparse.Action, value: Any) -> list[str]:
    """The words of a command line that give an argument a value."""
    flag = action.option_strings[-1]
    if value is None or value is False or value == {}:
        return []
    if value is True:
        return [flag]
    if isinstance(value, dict):
        return [flag, *(f"{key}={part!r}" for key, part in value.items())]
    return [flag, *map(str, value)] if isinstance(value, list) else [f"{flag}={value}"]


def output(group: Group) -> None:
    """Add the arguments that every command has, before it or behind it."""
    for flag, text in (
        ("--quiet", "print nothing but errors and what evaluate is asked for"),
        ("--debug", "where an error arose: print its traceback as well"),
    ):
        group.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)


def _data(group: Group) -> None:
    text = f"{', '.join(NAMES)}, or your own: an .npy or .npz file, a folder with train.npy, or one of images"
    group.add_argument("--data", default="digits", metavar="NAME|PATH", help=text)
    group.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="where the files of mnist or binarized_mnist lie, before GLUONVAE_DATA and Gluon's own "
        "folder are looked into; what is in none is downloaded",
    )
    _number(group, "--shape", "of one image of your own data, such as 28 28", nargs="+")
    group.add_argument(
        "--binarization",
        choices=BINARIZATIONS,
        help="what becomes of grey pixels: zeros and ones, drawn anew at each use (dynamic), cut at one half "
        "(threshold) or drawn once (once); fractions in [0, 1] (grey); whole numbers 0 to 255 (bytes); the values as "
        "they are (none) (default: what the likelihood wants)",
    )


def _model(group: Group) -> None:
    _kind(group, "likelihood", LIKELIHOODS, "bernoulli_prod", "distribution of an image given the latent state")
    _options(group, "likelihood", "std=0.5")
    _kind(group, "posterior", POSTERIORS, "gaussian", "distribution of the latent state given an image")
    _options(group, "posterior", "std=exp", dest="latent_options")
    _kind(group, "prior", PRIORS, "standard", "distribution of the latent state")
    _options(group, "prior", "components=10")
    add = partial(_number, group)
    text = "number of latent variables; of each layer, from the image upwards, where there are layers"
    add("--latent-size", text, 100, metavar="D", dest="latent_variable_size", action=_OneOrSeveral, nargs="+")
    text = "give every part of the model the label of the image, so that images can be drawn by label"
    group.add_argument("--conditional", action="store_true", help=text)
    text = "tell the model, a conditional one, the labels of N training images alone: it learns to tell those of the "
    add("--labels", text + "others, with --bound semi_supervised")
    text = "hidden layers from the image to the label, with --labels"
    add("--classifier-layers", text, [500], dest="classifier_layer_sizes", nargs="*")
    text = "hidden layers from the image inwards; none makes it linear (default: 500 200, or a body's own)"
    add("--inference-layers", text, dest="infer_layer_sizes", nargs="*")
    text = "hidden layers from the latent state outwards (default: 200 500, or a body's own)"
    add("--generator-layers", text, dest="generator_layer_sizes", nargs="*")
    for half, argument, bodies in (("inference", "infer", ENCODERS), ("generator", "generator", DECODERS)):
        _kind(group, f"{half}-body", bodies, "mlp", "what the hidden layers are", dest=f"{argument}_body")
        _options(group, f"{half}-body", "batch_norm=True", dest=f"{argument}_body_options")
        _kind(group, f"{half}-activation", ACTIVATIONS, "tanh", "of the hidden layers", dest=f"{argument}_act_type")


def _bound(group: Group) -> None:
    _kind(group, "bound", BOUNDS, "elbo", "bound on the log-probability of an image, or a variant of it")
    _options(group, "bound", "gradient=stl")
    add = partial(_number, group)
    add("--samples", "latent states drawn for an image (default: the bound's own)", metavar="K")
    add("--beta", "weight of a bound that has one of that name (default: its own, 1 in elbo)", type=float, metavar="B")
    text = "weight of the bound, or a posterior's temperature, that the schedule below is of (default: beta)"
    group.add_argument("--anneal", metavar="NAME", help=text)
    add("--anneal-from", "where a linear schedule starts", 0.0, type=float, metavar="V")
    text = "how the weight gets to its value: at once, in one rise (or fall), or in repeated rises from 0"
    _choice(group, "--beta-schedule", ("constant", "linear", "cyclical"), "constant", text)
    add("--beta-epochs", "length of the rise (linear), or about that of a cycle, half of it a rise (cyclical)", 10)


def _training(group: Group) -> None:
    add, choose = partial(_number, group), partial(_choice, group)
    add("--epochs", "passes over the training images", 120)
    add("--batch-size", "images a step", 100)
    text = "any that MXNet has; this is adam, compiled"
    group.add_argument("--optimizer", default=FusedAdam.name, metavar="NAME", help=text)
    add("--learning-rate", "at the start", 2e-3, type=float, metavar="R")
    choose("--learning-rate-schedule", ("constant", "cosine"), "cosine", "cosine ends at a hundredth of the start")
    text = "of matrix products: bfloat16 is faster in large batches on CPUs that have it, float16 on GPUs"
    choose("--precision", tuple(PRECISIONS), "float32", text)
    group.add_argument("--imperative", action="store_true", help="do not hybridise: slower, for debugging")
    conditions = "with the same versions, processor, number of threads and engine"
    add("--seed", f"of parameters, data order and noise: the same seed gives the same model, {conditions}", 7)
    _device(group)
    group.add_argument("-v", "--verbose", action="store_true", help="log a line an epoch as well")
    group.add_argument("--out", type=Path, metavar="FOLDER", help="of the run; by default runs/DATA-DATE-TIME")
    text = "go on with a training that was stopped, with the options that it was started with"
    group.add_argument("--resume", type=Path, metavar="RUN", help=text)
    add("--checkpoint-minutes", "how often a long epoch is saved", MINUTES, type=float, metavar="M")
    text = "after how many epochs a checkpoint is saved (default: each, while that takes less than 2 %% of the time)"
    add("--checkpoint-epochs", text, metavar="N")


def _run(command: Group) -> None:
    command.add_argument("folder", type=Path, metavar="RUN", help="folder that gluonvae train wrote")


def _moved_data(command: Group) -> None:
    command.add_argument("--data", metavar="NAME|PATH", help="where the run's own data lie now, if they have moved")
    command.add_argument("--data-dir", metavar="FOLDER", help="where the files of mnist or binarized_mnist lie now")


def _drawing(command: Group) -> None:
    _choice(command, "--image", ("mean", "mode", "sample"), "mean", "what to draw of p(image | latent state)")
    _number(command, "--seed", "of the draw", 7)
    _device(command)
    text = "a picture (.png, .pdf, .svg) or the numbers (.npy); by default a .png in RUN"
    command.add_argument("--out", type=Path, metavar="FILE", help=text)


def _device(group: Group) -> None:
    group.add_argument("--device", default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute")


def _number(
    group: Group,
    flag: str,
    text: str,
    default: object = None,
    *,
    type: type = int,
    metavar: str = "N",
    **options: Any,
) -> None:
    """Add a flag of a number, or with ``nargs`` of several."""
    group.add_argument(flag, type=type, default=default, metavar=metavar, help=text, **options)


def _choice(group: Group, flag: str, choices: Sequence[str], default: str, text: str) -> None:
    group.add_argument(flag, choices=choices, default=default, help=text)


def _kind(
    group: Group, part: str, kinds: Iterable[str], default: str, text: str, *, dest: Optional[str] = None
) -> None:
    """Add a flag of a name in a registry, in any spelling."""
    group.add_argument(
        f"--{part}",
        dest=dest,
        type=_name_of(part, kinds),
        default=default,
        metavar="NAME",
        help=f"{text}: {', '.join(sorted(kinds))}",
    )


def _name_of(part: str, kinds: Iterable[str]) -> Callable[[str], str]:
    """Return an argparse type: what is typed, in any spelling, becomes the registered name."""
    known = Registry(f"the {part.replace('-', ' ')}")
    known.update(dict.fromkeys(kinds))

    def canonical(text: str) -> str:
        try:
            return known.canonical(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return canonical


def _options(group: Group, part: str, example: str, *, dest: Optional[str] = None) -> None:
    text = f"further arguments of the {part.replace('-', ' ')}'s class, such as {example}"
    more: dict[str, Any] = {"type": _key_and_value, "action": _Update, "default": {}, "metavar": "KEY=VALUE"}
    group.add_argument(f"--{part}-options", dest=dest, nargs="+", help=text, **more)


def _key_and_value(text: str) -> tuple[str, object]:
    """Split ``KEY=VALUE``; the value is read by :func:`_value`."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} must be KEY=VALUE, such as components=10")
    return key, _value(key, value)


WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "none": None, "null": None}
"""What stands for truth values and for nothing, in any case."""


def _value(key: str, text: str) -> object:
    """What a text stands for: a word of :data:`WORDS`, a Python literal that JSON knows, or itself."""
    if text.strip().lower() in WORDS:
        return WORDS[text.strip().lower()]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{key} must be a finite number, got {text}")
    try:
        literal = ast.literal_eval(text)
        json.dumps(literal, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return text
    return literal


class _Update(argparse.Action):
    """Adds pairs to a dict."""

    def __call__(self, parser: object, namespace: object, values: Any, option_string: object = None) -> None:
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), **dict(values)})


class _OneOrSeveral(argparse.Action):
    """One value as it is, several as a list."""

    def __call__(self, parser: object, namespace: object, values: Any, option_string: object = None) -> None:
        setattr(namespace, self.dest, values if len(values) > 1 else values[0])
