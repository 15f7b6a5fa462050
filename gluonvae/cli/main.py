"""Train a variational autoencoder (VAE) on images, tables or counts, and draw from it.

  gluonvae train                        train on the digits that come along
  gluonvae train --data PATH            train on images, a table or counts of your own
  gluonvae sample runs/NAME             draw new data points
  gluonvae reconstruct runs/NAME        put test data through the model
  gluonvae evaluate runs/NAME           tell how probable test data are
  gluonvae launch -n 4 -- train         train in four processes, on one machine or several
  gluonvae export runs/NAME             write the model for use elsewhere, such as ONNX
  gluonvae runs                         tell where runs stand
  gluonvae list                         tell of likelihoods, bounds, data sets, ...
  gluonvae encode runs/NAME             map test data to latent states
  gluonvae score runs/NAME              tell how probable each data point is
  gluonvae interpolate runs/NAME        go from one data point to another
  gluonvae info                         tell versions, devices and settings

Each command has its own --help.
"""

from __future__ import annotations

import argparse
import inspect
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Optional

from .._version import __version__
from ..backend.runtime import set_threads
from ..distributed.identity import identity_of
from ..progress import no_progress_bars
from ..training.signals import STOPPING, raising_signals
from . import arguments, coding, commands, run_arguments
from .config_file import with_config
from .effects import NOT_GIVEN
from .export import export
from .failures import BY_SIGNAL, report
from .launch import OF_GLUONVAE, launch, launch_arguments, split
from .listing import list_, list_arguments
from .parsers import Parser
from .runs import runs, runs_arguments
from .train import train

COMMANDS = (
    (train, arguments.train, "train a model and write a run's folder"),
    (commands.sample, run_arguments.sample, "draw new images from a trained model"),
    (commands.reconstruct, run_arguments.reconstruct, "put test images through a trained model"),
    (commands.evaluate, run_arguments.evaluate, "estimate how probable the test images are under a trained model"),
    (export, run_arguments.export, "write a trained model as ONNX, or as MXNet's symbols and parameters"),
    (runs, runs_arguments, "list runs with their status and their best bound"),
    (list_, list_arguments, "list what a model can be made of, with options and papers"),
    (coding.encode, run_arguments.encode, "map data to latent states"),
    (
        coding.score,
        run_arguments.score,
        "tell how probable each data point is: which are unlike the others",
    ),
    (coding.interpolate, run_arguments.interpolate, "go from one data point to another"),
    (launch, launch_arguments, "run a command in several processes, on one machine or several"),
    (commands.info, run_arguments.info, "tell versions, devices, and how MXNet was started"),
)
"""What each command runs, whose name is the command's, before any _, and whose docstring is shown by ``--help``; the
function that adds its arguments; a line about it."""

HELP_ALL = "More options: gluonvae train --help-all. Likelihoods, bounds and others, with their options: gluonvae list."
"""What the short help ends with."""


def parser(without_default: Iterable[str] = ()) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Parameters
    ----------
    without_default : iterable of str
        The names of arguments that are :data:`gluonvae.cli.effects.NOT_GIVEN` where they are not given.

    Returns
    -------
    argparse.ArgumentParser
        What it parses has the function to call as ``run``.
    """
    top = Parser(prog="gluonvae", description=__doc__)
    top.set_defaults(threads=None, verbose=False, quiet=False, debug=False)
    top.add_argument("--version", action="version", version=f"gluonvae {__version__}")
    arguments.output(top)
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND", help="what to do")
    for run, add_arguments, text in COMMANDS:
        command = subparsers.add_parser(run.__name__.strip("_"), help=text, description=inspect.getdoc(run))
        command.set_defaults(run=run)
        add_arguments(command)
        arguments.output(command.add_argument_group("messages"))
        if run is train:
            command.shorten_help(arguments.COMMON, HELP_ALL)
        command.set_defaults(**dict.fromkeys(without_default, NOT_GIVEN))
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
        The exit status, see :mod:`gluonvae.cli.failures`; 0 if all went well.

    Raises
    ------
    SystemExit
        For words that cannot be parsed, and after ``--help`` and ``--version``.
    """
    _print_any_character()
    words = sys.argv[1:] if words is None else words
    name, debug = "gluonvae", "--debug" in words
    try:
        words, of_workers = split(words)
        words = with_config(words)
        asked = parser().parse_args(words)
        if of_workers:
            asked.of_workers = of_workers
            if of_workers[0] in OF_GLUONVAE:
                parser().parse_args(with_config(of_workers))  # what is wrong with them is said once
        name = f"gluonvae {asked.command}"
        if asked.run is train:
            asked.given = _given(words, asked)
        if asked.threads is not None:
            set_threads(asked.threads)
        with _as_worker(asked), raising_signals(), _output(asked):
            status = asked.run(asked)
            if sys.stdout is not None:
                sys.stdout.flush()  # a reader that has gone is noticed here, and not at the exit
            return status
    except (Exception, KeyboardInterrupt) as error:
        return report(error, name, debug)


def program() -> int:
    """Run the command as a program, which ends now: signals that arrive after its end are ignored.

    Returns
    -------
    int
        The exit status of :func:`main`.
    """
    try:
        return main()
    except KeyboardInterrupt:  # another Ctrl-C, while the first is told of
        return BY_SIGNAL + signal.SIGINT
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def _as_worker(asked: argparse.Namespace) -> Iterator[None]:
    """Context manager in which of several workers only rank 0 says what all of them find.

    Raises
    ------
    ValueError
        For a command that several workers would do at once, each the whole of it.
    """
    worker = identity_of(os.environ)
    if worker.size > 1 and asked.command not in OF_GLUONVAE:
        raise ValueError(f"{asked.command} is for one process: several share {' and '.join(OF_GLUONVAE)}")
    if worker.rank == 0:
        yield
        return
    asked.quiet = True
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


def _given(words: Sequence[str], asked: argparse.Namespace) -> set[str]:
    """The names of the arguments that are on the command line, and not there by default."""
    names = vars(asked).keys() - {"run", "command"}
    bare = vars(parser(names).parse_args(words))
    return {name for name in names if bare[name] is not NOT_GIVEN}


def _print_any_character() -> None:
    """Names of files may hold what the terminal's encoding has not."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _output(asked: argparse.Namespace) -> Iterator[None]:
    """Context manager in which as much is logged and warned of as was asked for."""
    logging.basicConfig(format="%(message)s")
    logger = logging.getLogger("gluonvae")
    before = logger.level
    logger.setLevel(logging.ERROR if asked.quiet else logging.INFO if asked.verbose else logging.WARNING)
    try:
        with warnings.catch_warnings():
            if not asked.debug:
                # a result that is not finite is an error of its own
                warnings.simplefilter("ignore", RuntimeWarning)
            if asked.quiet:
                warnings.simplefilter("ignore")
            with no_progress_bars() if asked.quiet else nullcontext():
                yield
    finally:
        logger.setLevel(before)
