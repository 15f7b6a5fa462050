"""The command ``gluonvae``: what is asked for on the command line, and calls of the library."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from typing import Optional

from .._version import __version__
from . import arguments, commands


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
    arguments.data(command.add_argument_group("data"))
    arguments.model(command.add_argument_group("model (the defaults are the tutorial's)"))
    arguments.bound(command.add_argument_group("what is maximised"))
    arguments.training(command.add_argument_group("training"))


def _sample(command: argparse.ArgumentParser) -> None:
    command.set_defaults(run=commands.sample)
    command.add_argument("folder", metavar="RUN", help="folder that gluonvae train wrote")
    command.add_argument("-n", type=int, default=100, metavar="N", help="number of images")
    command.add_argument(
        "--label", type=int, metavar="Y", help="of what class, from 0, in a conditional model (default: of all in turn)"
    )
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
    arguments.device(command)


def _drawing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--image", default="mean", choices=("mean", "mode", "sample"), help="what to draw of p(image | latent state)"
    )
    command.add_argument("--seed", type=int, default=7, metavar="N", help="of the draw")
    arguments.device(command)
    command.add_argument(
        "--out", metavar="FILE", help="a picture (.png, .pdf, .svg) or the numbers (.npy); by default a .png in RUN"
    )


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command; returns its exit status: 0, 2 for what was asked for wrongly, 130 for Ctrl-C."""
    asked = parser().parse_args(words)
    logging.basicConfig(level=logging.INFO if asked.verbose else logging.WARNING, format="%(message)s")
    try:
        return asked.run(asked)
    except (ValueError, TypeError, FloatingPointError, OSError) as error:
        print(f"gluonvae {asked.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
