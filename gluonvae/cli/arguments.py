"""The arguments of each command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from ..data import BINARIZATIONS, NAMES
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS, PRECISIONS
from ..objectives import BOUNDS
from ..prior import PRIORS
from ..training.optimizer import FusedAdam
from ..training.saving import MINUTES
from .annealing import EXAMPLE, annealing
from .kinds import Group, OneOrSeveral, Update, choice, kind, number, options, thread_count
from .updates import add_updates

COMMON = (
    *("data", "label_column", "likelihood", "posterior", "prior", "latent_variable_size", "conditional"),
    *("infer_layer_sizes", "generator_layer_sizes", "infer_body", "generator_body", "bound", "samples", "beta"),
    *("anneal", "epochs", "batch_size", "learning_rate", "seed", "device", "out", "config", "resume", "from_run"),
    *("tensorboard", "quiet"),
)
"""The arguments of ``gluonvae train`` that are asked for most."""


def train(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae train``; those of the model have the names of arguments of ``construct_vae``."""
    _data(command.add_argument_group("data"))
    _model(command.add_argument_group("model (the defaults are the tutorial's)"))
    _bound(command.add_argument_group("what is maximised"))
    _training(command.add_argument_group("training"))


def flags_of_train() -> dict[str, str]:
    """Return the options of ``gluonvae train`` by the names of their arguments."""
    return _flags(train)


def flags_of_model() -> dict[str, str]:
    """Return those that say what the model is."""
    return {name: flag for name, flag in _flags(_model).items() if name != "labels"}


def _flags(add_arguments: Callable[[argparse.ArgumentParser], None]) -> dict[str, str]:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    return {action.dest: action.option_strings[-1] for action in parser._actions}


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
        words += words_of(actions[name], value)
    return parser.parse_args(words)


class _RaisingParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def words_of(action: argparse.Action, value: Any) -> list[str]:
    """Return the words of a command line that give an argument a value; none where it is the default."""
    flag = action.option_strings[-1]
    if value is None or value is False or value in ({}, action.default):
        return []
    if value is True:
        return [flag]
    if isinstance(value, dict):
        return [flag, *(f"{key}={part!r}" for key, part in value.items())]
    return [flag, *map(str, value)] if isinstance(value, list) else [f"{flag}={value}"]


def output(group: Group) -> None:
    """Add the arguments that every command has, before it or behind it."""
    for flag, text in (
        ("--quiet", "print nothing but errors and what is asked for"),
        ("--debug", "where an error arose: print its traceback as well"),
    ):
        group.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=text)


def _data(group: Group) -> None:
    text = (
        f"{', '.join(NAMES)}, or your own: a file, such as .npy, .npz, .csv, .parquet or .h5ad, or a folder of images"
    )
    group.add_argument("--data", default="digits", metavar="NAME|PATH", help=text)
    group.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="where the files of a named data set lie, before GLUONVAE_DATA and Gluon's own folder are looked into; "
        "what is in none is downloaded",
    )
    add, column = partial(number, group), partial(group.add_argument, metavar="COLUMN")
    add("--shape", "of one image of your own data, such as 28 28", nargs="+")
    add("--white", "the grey value that is full intensity (default: 255, 65535 or 1, by the data)", type=float)
    text = "shares of the training, validation and test set (default: a tenth for each of the latter two)"
    add("--split", text, type=float, nargs=3, metavar=("TRAIN", "VALID", "TEST"))
    add("--split-seed", "of the split at random", 0)
    column("--groups", dest="group_column", help="rows with the same value in it come into one part: a patient's, say")
    column("--label-column", help="of a table, or the annotation of cells, that is the label")
    column("--drop", nargs="+", default=[], help="columns of a table to leave out")
    group.add_argument("--layer", metavar="NAME", help="of an AnnData file, that has the counts")
    add("--resize", "images of a folder are scaled to this", nargs=2, metavar=("HEIGHT", "WIDTH"))
    text = "cut images to the proportions of --resize, or without it to a square, at the centre"
    group.add_argument("--crop", action="store_true", help=text)
    text = "leave out images that cannot be read, with a warning"
    group.add_argument("--skip-broken", action="store_true", help=text)
    group.add_argument(
        "--binarization",
        choices=BINARIZATIONS,
        help="what becomes of grey pixels: zeros and ones, drawn anew at each use (dynamic), cut at one half "
        "(threshold) or drawn once (once); fractions in [0, 1] (grey); whole numbers 0 to 255 (bytes); the values as "
        "they are (none) (default: what the likelihood wants)",
    )


def _model(group: Group) -> None:
    text = "distribution of a data point given the latent state (default: what fits the data)"
    kind(group, "likelihood", LIKELIHOODS, None, text)
    options(group, "likelihood", "std=0.5")
    text = "of a gaussian or laplace likelihood: measure each feature by its mean and standard deviation"
    group.add_argument("--standardize", action="store_true", help=f"{text}; numbers stay those of your units")
    kind(group, "posterior", POSTERIORS, "gaussian", "distribution of the latent state given an image")
    options(group, "posterior", "std=exp", dest="latent_options")
    kind(group, "prior", PRIORS, "standard", "distribution of the latent state")
    options(group, "prior", "components=10")
    add = partial(number, group)
    text = "number of latent variables; of each layer, from the image upwards, where there are layers"
    add("--latent-size", text, 100, metavar="D", dest="latent_variable_size", action=OneOrSeveral, nargs="+")
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
        kind(group, f"{half}-body", bodies, "mlp", "what the hidden layers are", dest=f"{argument}_body")
        options(group, f"{half}-body", "batch_norm=True", dest=f"{argument}_body_options")
        kind(group, f"{half}-activation", ACTIVATIONS, "tanh", "of the hidden layers", dest=f"{argument}_act_type")


def _bound(group: Group) -> None:
    kind(group, "bound", BOUNDS, "elbo", "bound on the log-probability of an image, or a variant of it")
    options(group, "bound", "gradient=stl")
    add = partial(number, group)
    add("--samples", "latent states drawn for an image (default: the bound's own)", metavar="K")
    add("--beta", "weight of a bound that has one of that name (default: its own, 1 in elbo)", type=float, metavar="B")
    text = (
        "let a weight of the bound, a posterior's temperature or the learning_rate change over the epochs: "
        f"{EXAMPLE} rises from 0 to 1 in 10 of them; gluonvae list schedules tells of others"
    )
    more: dict[str, Any] = {"type": annealing, "action": Update, "default": {}, "metavar": "NAME=SCHEDULE"}
    group.add_argument("--anneal", nargs="+", help=text, **more)


def _training(group: Group) -> None:
    add, choose = partial(number, group), partial(choice, group)
    add("--epochs", "passes over the training images", 120)
    add("--batch-size", "data points a step (default: %(default)s, or all where there are fewer)", 100)
    text = "any that MXNet has; this is adam, compiled"
    group.add_argument("--optimizer", default=FusedAdam.name, metavar="NAME", help=text)
    add("--learning-rate", "at the start", 2e-3, type=float, metavar="R")
    text = "cosine ends at a hundredth of the start; plateau divides by ten where validation has not improved"
    choose("--learning-rate-schedule", ("constant", "cosine", "plateau"), "cosine", text)
    add_updates(group)
    text = "of matrix products: bfloat16 is faster in large batches on CPUs that have it, float16 on GPUs"
    choose("--precision", tuple(PRECISIONS), "float32", text)
    group.add_argument("--imperative", action="store_true", help="do not hybridise: slower, for debugging")
    conditions = "with the same versions, processor, number of threads and engine"
    add("--seed", f"of parameters, data order and noise: the same seed gives the same model, {conditions}", 7)
    device(group)
    text = "share each batch out to so many CPUs or GPUs, from --device on"
    number(group, "--devices", text, 1)
    group.add_argument("-v", "--verbose", action="store_true", help="log a line an epoch as well")
    group.add_argument("--out", type=Path, metavar="FOLDER", help="of the run; by default runs/DATA-DATE-TIME")
    text = "options, one a line as in 'epochs: 20' (YAML or JSON), or a run's config.json; those given here go before"
    group.add_argument("--config", type=Path, metavar="FILE", help=text)
    text = "go on with a training that was stopped, with the options that it was started with"
    group.add_argument("--resume", type=Path, metavar="RUN", help=text)
    text = "start from the model of a run and what it has learnt, on its data or others: a new run, see the guide"
    group.add_argument("--from", dest="from_run", metavar="RUN", help=text)
    add("--checkpoint-minutes", "how often a long epoch is saved", MINUTES, type=float, metavar="M")
    text = "after how many epochs a checkpoint is saved (default: each, while that takes less than 2 %% of the time)"
    add("--checkpoint-epochs", text, metavar="N")


def device(group: Group) -> None:
    group.add_argument("--device", default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute")
    threads(group)


def threads(group: Group) -> None:
    text = "threads of an operator on the CPU, before GLUONVAE_THREADS and OMP_NUM_THREADS (default: one a core)"
    group.add_argument("--threads", type=thread_count, metavar="N", help=text)
