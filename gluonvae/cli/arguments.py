"""What the command line may ask for: the arguments that commands share, and those of training."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Iterable
from typing import Any, Optional

from ..data import BINARIZATIONS, NAMES
from ..generator import LIKELIHOODS
from ..inference import POSTERIORS
from ..networks import ACTIVATIONS, DECODERS, ENCODERS, PRECISIONS
from ..objectives import BOUNDS
from ..prior import PRIORS
from ..training.optimizer import FusedAdam
from . import commands


def data(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--data",
        default="digits",
        metavar="NAME|PATH",
        help=f"{', '.join(NAMES)}, or your own: an .npy or .npz file, a folder with train.npy, or one of images",
    )
    group.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="where the files of mnist or binarized_mnist lie, before GLUONVAE_DATA and Gluon's own "
        "folder are looked into; what is in none is downloaded",
    )
    group.add_argument("--shape", type=int, nargs="+", metavar="N", help="of one image of your own data, such as 28 28")
    group.add_argument(
        "--binarization",
        choices=BINARIZATIONS,
        help="what becomes of grey pixels: zeros and ones, drawn anew at each use (dynamic), cut at one half "
        "(threshold) or drawn once (once); fractions in [0, 1] (grey); whole numbers 0 to 255 (bytes); the values as "
        "they are (none) (default: what the likelihood wants)",
    )


def model(group: argparse._ActionsContainer) -> None:
    parts = {
        "likelihood": (LIKELIHOODS, "bernoulliProd", "std=0.5", "distribution of an image given the latent state"),
        "posterior": (POSTERIORS, "gaussian", "std=exp", "distribution of the latent state given an image"),
        "prior": (PRIORS, "standard", "components=10", "distribution of the latent state"),
    }
    for part, (kinds, default, example, what) in parts.items():
        group.add_argument(
            f"--{part}", default=default, choices=sorted(kinds), metavar="NAME", help=_one_of(what, kinds)
        )
        _options(group, part, example)
    group.add_argument(
        "--latent-size",
        type=int,
        nargs="+",
        action=_OneOrSeveral,
        default=100,
        metavar="D",
        help="number of latent variables; of each layer, from the image upwards, where there are layers",
    )
    group.add_argument(
        "--conditional",
        action="store_true",
        help="give every part of the model the label of the image, so that images can be drawn by label",
    )
    group.add_argument(
        "--labels",
        type=int,
        metavar="N",
        help="tell the model, a conditional one, the labels of N training images alone: it learns to tell those of the "
        "others, with --bound semi_supervised",
    )
    group.add_argument(
        "--classifier-layers",
        type=int,
        nargs="*",
        default=[500],
        metavar="N",
        help="hidden layers from the image to the label, with --labels",
    )
    group.add_argument(
        "--inference-layers",
        type=int,
        nargs="*",
        metavar="N",
        help="hidden layers from the image inwards; none makes it linear (default: 500 200, or a body's own)",
    )
    group.add_argument(
        "--generator-layers",
        type=int,
        nargs="*",
        metavar="N",
        help="hidden layers from the latent state outwards (default: 200 500, or a body's own)",
    )
    for half, bodies in (("inference", ENCODERS), ("generator", DECODERS)):
        group.add_argument(
            f"--{half}-body",
            default="mlp",
            choices=sorted(bodies),
            metavar="NAME",
            help=_one_of("what the hidden layers are", bodies),
        )
        _options(group, f"{half}-body", "batch_norm=True")
        group.add_argument(
            f"--{half}-activation",
            default="tanh",
            choices=sorted(ACTIVATIONS),
            metavar="NAME",
            help=_one_of("of the hidden layers", ACTIVATIONS),
        )


def bound(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--bound",
        default="elbo",
        choices=sorted(BOUNDS),
        metavar="NAME",
        help=_one_of("bound on the log-probability of an image, or a variant of it", BOUNDS),
    )
    _options(group, "bound", "gradient=stl")
    group.add_argument(
        "--samples", type=int, metavar="K", help="latent states drawn for an image (default: the bound's own)"
    )
    group.add_argument(
        "--beta",
        type=float,
        metavar="B",
        help="weight of a bound that has one of that name (default: its own, 1 in elbo)",
    )
    group.add_argument(
        "--anneal",
        metavar="NAME",
        help="weight of the bound, or a posterior's temperature, that the schedule below is of (default: beta)",
    )
    group.add_argument("--anneal-from", type=float, default=0.0, metavar="V", help="where a linear schedule starts")
    group.add_argument(
        "--beta-schedule",
        default="constant",
        choices=commands.WEIGHT_SCHEDULES,
        help="how the weight gets to its value: at once, in one rise (or fall), or in repeated rises from 0",
    )
    group.add_argument(
        "--beta-epochs",
        type=int,
        default=10,
        metavar="N",
        help="length of the rise (linear), or about that of a cycle, half of it a rise (cyclical)",
    )


def training(group: argparse._ActionsContainer) -> None:
    group.add_argument("--epochs", type=int, default=120, metavar="N", help="passes over the training images")
    group.add_argument("--batch-size", type=int, default=100, metavar="N", help="images a step")
    group.add_argument(
        "--optimizer", default=FusedAdam.name, metavar="NAME", help="any that MXNet has; this is adam, compiled"
    )
    group.add_argument("--learning-rate", type=float, default=2e-3, metavar="R", help="at the start")
    group.add_argument(
        "--learning-rate-schedule",
        default="cosine",
        choices=commands.RATE_SCHEDULES,
        help="cosine ends at a hundredth of the start",
    )
    group.add_argument(
        "--precision",
        default="float32",
        choices=tuple(PRECISIONS),
        help="of matrix products: bfloat16 is faster in large batches on CPUs that have it, float16 on GPUs",
    )
    group.add_argument("--imperative", action="store_true", help="do not hybridise: slower, for debugging")
    group.add_argument(
        "--seed",
        type=int,
        default=7,
        metavar="N",
        help="of parameters, data order and noise: the same seed gives the same model",
    )
    device(group)
    group.add_argument("-v", "--verbose", action="store_true", help="log a line an epoch as well")
    group.add_argument("--out", metavar="FOLDER", help="of the run; by default runs/DATA-DATE-TIME")


def _one_of(what: str, names: Iterable[str]) -> str:
    return f"{what}: {', '.join(sorted(names))}"


class _KeysAndValues(argparse.Action):
    """``KEY=VALUE ...`` as a dict; a value is a Python literal where it can be read as one that JSON knows."""

    def __call__(self, parser: Any, namespace: Any, pairs: Any, option_string: Optional[str] = None) -> None:
        given = dict(getattr(namespace, self.dest))
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not (key and equals):
                parser.error(f"argument {option_string}: {pair!r} must be KEY=VALUE, such as components=10")
            given[key] = _literal(value)
        setattr(namespace, self.dest, given)


class _OneOrSeveral(argparse.Action):
    """One value as it is, several as a list."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Optional[str] = None) -> None:
        setattr(namespace, self.dest, values if len(values) > 1 else values[0])


def _literal(text: str) -> Any:
    try:
        value = ast.literal_eval(text)
        json.dumps(value)
    except (ValueError, TypeError, SyntaxError):
        return text
    return value


def _options(group: argparse._ActionsContainer, part: str, example: str) -> None:
    group.add_argument(
        f"--{part}-options",
        nargs="+",
        default={},
        action=_KeysAndValues,
        metavar="KEY=VALUE",
        help=f"further arguments of the {part.replace('-', ' ')}'s class, such as {example}",
    )


def device(group: argparse._ActionsContainer) -> None:
    group.add_argument("--device", default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute")
