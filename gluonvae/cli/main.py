"""Train a variational autoencoder (VAE) on images, and draw images from it.

  gluonvae train                        train on the digits that come along
  gluonvae sample runs/NAME             draw new images
  gluonvae reconstruct runs/NAME        put test images through the model
  gluonvae evaluate runs/NAME           tell how probable test images are
  gluonvae info                         tell versions, devices and settings

Each command has its own --help.
"""

from __future__ import annotations

import argparse
import inspect
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Optional

from .._version import __version__
from ..training.signals import raising_signals
from . import arguments, commands
from .train import train

COMMANDS = (
    (train, arguments.train, "train a model and write a run's folder"),
    (commands.sample, arguments.sample, "draw new images from a trained model"),
    (commands.reconstruct, arguments.reconstruct, "put test images through a trained model"),
    (commands.evaluate, arguments.evaluate, "estimate how probable the test images are under a trained model"),
    (commands.info, arguments.info, "tell versions, devices, and how MXNet was started"),
)
"""What each command runs, whose name is the command's and whose docstring is shown by ``--help``; the function that
adds its arguments; a line about it."""


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Line breaks of descriptions are kept; defaults are shown where there is one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in text.splitlines())

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        return action.help if action.default in (None, False, {}) else super()._get_help_string(action)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
        What it parses has the function to call as ``run``.
    """
    top = argparse.ArgumentParser(prog="gluonvae", formatter_class=_Formatter, description=__doc__)
    top.set_defaults(verbose=False)
    top.add_argument("--version", action="version", version=f"gluonvae {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND", help="what to do")
    for run, add_arguments, text in COMMANDS:
        about = inspect.getdoc(run)
        command = subparsers.add_parser(run.__name__, formatter_class=_Formatter, help=text, description=about)
        command.set_defaults(run=run)
        add_arguments(command)
    return top


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command ``gluonvae``.

    Parameters
    ----------
    words : sequence of str, optional
        The command line without the program's name; by default the one it was started with.

    Returns
    -------
    int
        The exit status: 0, 2 for what was asked for wrongly, 130 for Ctrl-C.

    Raises
    ------
    SystemExit
        For words that cannot be parsed, and after ``--help`` and ``--version``.
    """
    asked = parser().parse_args(words)
    logging.basicConfig(level=logging.INFO if asked.verbose else logging.WARNING, format="%(message)s")
    try:
        with raising_signals():
            return asked.run(asked)
    except (ValueError, TypeError, FloatingPointError, OSError) as error:
        print(f"gluonvae {asked.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        return 128 + getattr(error, "number", signal.SIGINT)
