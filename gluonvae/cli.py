"""The command ``gluonvae``: what is asked for on the command line, and calls of the library."""

from __future__ import annotations

import argparse
import ast
import json
import logging
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Optional

from . import commands
from ._version import __version__
from .data import BINARIZATIONS, NAMES
from .generator import LIKELIHOODS
from .inference import POSTERIORS
from .networks import ACTIVATIONS, PRECISIONS
from .objectives import BOUNDS
from .optimizer import FusedAdam
from .prior import PRIORS


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Line breaks of descriptions are kept; defaults are shown where there is one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in text.splitlines())

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        return action.help if action.default in (None, False, {}) else super()._get_help_string(action)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="gluonvae",
        formatter_class=_Formatter,
        description="Train a variational autoencoder (VAE) on images, and draw images from it.\n\n"
        "  gluonvae train                        train on the digits that come along\n"
        "  gluonvae sample runs/NAME             draw new images\n"
        "  gluonvae reconstruct runs/NAME        put test images through the model\n"
        "  gluonvae evaluate runs/NAME           tell how probable test images are\n"
        "  gluonvae info                         tell versions, devices and settings\n\n"
        "Each command has its own --help.",
    )
    top.set_defaults(verbose=False)
    top.add_argument("--version", action="version", version=f"gluonvae {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND", help="what to do")
    _train(
        subparsers.add_parser(
            "train",
            formatter_class=_Formatter,
            help="train a model and write a run's folder",
            description="Train a VAE and write a folder with its configuration, a line of metrics an epoch,\n"
            "its parameters, and pictures: curves.png, reconstructions.png, samples.png.\n\n"
            "Every number is in nats per image. The bound lies below the log-probability of an\n"
            "image under the model: higher (nearer 0) is better. Ctrl-C ends the training early\n"
            "and keeps what was learnt.",
        )
    )
    _sample(
        subparsers.add_parser(
            "sample",
            formatter_class=_Formatter,
            help="draw new images from a trained model",
            description="Draw latent states from the prior and turn each into an image.",
        )
    )
    _reconstruct(
        subparsers.add_parser(
            "reconstruct",
            formatter_class=_Formatter,
            help="put test images through a trained model",
            description="Draw, for some images of the run's test set, latent states that explain them, and\n"
            "turn each back into an image.",
        )
    )
    _evaluate(
        subparsers.add_parser(
            "evaluate",
            formatter_class=_Formatter,
            help="estimate how probable the test images are under a trained model",
            description="Estimate the log-probability of the run's test images by importance sampling, in nats per\n"
            "image. It lies above the bound that training prints, and rises towards the truth with K.",
        )
    )
    subparsers.add_parser(
        "info",
        formatter_class=_Formatter,
        help="tell versions, devices, and how MXNet was started",
        description="Tell versions, devices, features, and the threads and engine that were chosen for MXNet.",
    ).set_defaults(run=commands.info)
    return top


def _train(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=commands.train)
    _data(command.add_argument_group("data"))
    _model(command.add_argument_group("model (the defaults are the tutorial's)"))
    _bound(command.add_argument_group("what is maximised"))
    _training(command.add_argument_group("training"))


def _data(group: argparse._ActionsContainer) -> None:
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


def _model(group: argparse._ActionsContainer) -> None:
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
        "--inference-layers",
        type=int,
        nargs="*",
        default=[500, 200],
        metavar="N",
        help="hidden layers from the image inwards; none makes it linear",
    )
    group.add_argument(
        "--generator-layers",
        type=int,
        nargs="*",
        default=[200, 500],
        metavar="N",
        help="hidden layers from the latent state outwards",
    )
    for half in ("inference", "generator"):
        group.add_argument(
            f"--{half}-activation",
            default="tanh",
            choices=sorted(ACTIVATIONS),
            metavar="NAME",
            help=_one_of("of the hidden layers", ACTIVATIONS),
        )


def _bound(group: argparse._ActionsContainer) -> None:
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
        "--anneal", metavar="NAME", help="weight of the bound that the schedule below is of (default: beta)"
    )
    group.add_argument(
        "--beta-schedule",
        default="constant",
        choices=commands.WEIGHT_SCHEDULES,
        help="how the weight gets to its value: at once, from 0 in one rise, or in repeated rises",
    )
    group.add_argument(
        "--beta-epochs",
        type=int,
        default=10,
        metavar="N",
        help="length of the rise (linear), or about that of a cycle, half of it a rise (cyclical)",
    )


def _training(group: argparse._ActionsContainer) -> None:
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
    _device(group)
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
        help=f"further arguments of the {part}'s class, such as {example}",
    )


def _sample(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=commands.sample)
    command.add_argument("folder", metavar="RUN", help="folder that gluonvae train wrote")
    command.add_argument("-n", type=int, default=100, metavar="N", help="number of images")
    _drawing(command)


def _reconstruct(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=commands.reconstruct)
    command.add_argument("folder", metavar="RUN", help="folder that gluonvae train wrote")
    command.add_argument("-n", type=int, default=9, metavar="N", help="reconstructions of each image")
    command.add_argument("--images", type=int, default=10, metavar="N", help="number of test images")
    command.add_argument("--data-dir", metavar="FOLDER", help="where the files of mnist or binarized_mnist lie now")
    _drawing(command)


def _evaluate(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=commands.evaluate_run)
    command.add_argument("folder", metavar="RUN", help="folder that gluonvae train wrote")
    command.add_argument("--samples", type=int, default=5000, metavar="K", help="latent states drawn for an image")
    command.add_argument("--images", type=int, metavar="N", help="number of test images (default: all)")
    command.add_argument("--data-dir", metavar="FOLDER", help="where the files of mnist or binarized_mnist lie now")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw")
    _device(command)


def _drawing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--image", default="mean", choices=("mean", "mode", "sample"), help="what to draw of p(image | latent state)"
    )
    command.add_argument("--seed", type=int, default=7, metavar="N", help="of the draw")
    _device(command)
    command.add_argument(
        "--out", metavar="FILE", help="a picture (.png, .pdf, .svg) or the numbers (.npy); by default a .png in RUN"
    )


def _device(group: argparse._ActionsContainer) -> None:
    group.add_argument("--device", default="cpu", metavar="cpu|gpu|gpu:N", help="where to compute")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command; returns its exit status: 0, 2 for what was asked for wrongly, 130 for Ctrl-C."""
    asked = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if asked.verbose else logging.WARNING, format="%(message)s")
    try:
        return asked.run(asked)
    except (ValueError, TypeError, FloatingPointError, OSError) as error:
        print(f"gluonvae {asked.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
