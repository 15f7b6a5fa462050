"""The arguments of the commands that use a trained model, and of ``gluonvae info``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..data import Splits
from ..export.noise_inputs import NOISE
from .arguments import device, threads
from .kinds import Group, choice, number


def sample(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae sample``."""
    _run(command)
    number(command, "-n", "number of images", 100)
    text = "in a conditional model, of what class, by name or number (default: of all in turn), or of what condition"
    number(command, "--label", text, type=str, nargs="+", metavar="Y")
    _drawing(command)


def reconstruct(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae reconstruct``."""
    _run(command)
    number(command, "-n", "reconstructions of each image", 9)
    number(command, "--images", "number of test images (default: 10, or all where there are fewer)")
    _moved_data(command)
    _drawing(command)


def evaluate(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae evaluate``."""
    _run(command)
    number(command, "--samples", "latent states drawn for an image", 5000, metavar="K")
    number(command, "--images", "number of test images (default: all)")
    _moved_data(command)
    number(command, "--seed", "of the draw", 0)
    device(command)


def export(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae export``."""
    _run(command)
    choice(command, "--format", ("onnx", "symbol"), "onnx", "ONNX files, or MXNet's: Gluon's SymbolBlock reads these")
    text = "whether the noise of latent states is an input, or drawn anew at each call by what is exported"
    choice(command, "--noise", NOISE, "input", text)
    text = "where to write (default: RUN/onnx or RUN/symbol)"
    command.add_argument("--out", type=Path, metavar="DIR", help=text)


def encode(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae encode``."""
    _run(command)
    _any_data(command)
    number(command, "--samples", "latent states drawn for each data point (default: their mean)", metavar="K")
    number(command, "--seed", "of the draw", 0)
    device(command)
    _columns_out(command, "latents")


def score(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae score``."""
    _run(command)
    _any_data(command)
    number(command, "--samples", "latent states drawn for each data point", 1000, metavar="K")
    number(command, "--seed", "of the draw", 0)
    device(command)
    _columns_out(command, "scores")


def interpolate(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae interpolate``."""
    _run(command)
    number(command, "-n", "number of pairs of data points (default: 10, or as many as there are)")
    number(command, "--steps", "latent states from one of a pair to the other, both among them", 10)
    _any_data(command)
    _drawing(command)


def info(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae info``."""
    threads(command)


def _run(command: Group) -> None:
    command.add_argument("folder", type=Path, metavar="RUN", help="folder that gluonvae train wrote")


def _moved_data(command: Group) -> None:
    text = "where the run's own data lie now, if they have moved; or other data, of which the test set is used, or all"
    command.add_argument("--data", metavar="NAME|PATH", help=text)
    command.add_argument("--data-dir", metavar="FOLDER", help="where the files of mnist or binarized_mnist lie now")


def _any_data(command: Group) -> None:
    text = (
        "a file or folder, of which all data points are taken, in their order, or a named data set, of which one part "
    )
    command.add_argument("--data", metavar="NAME|PATH", help=text + "is (default: that of the run)")
    command.add_argument("--data-dir", metavar="FOLDER", help="where the files of a named data set lie now")
    text = "of the run's data, or of data that have parts (default: test, and all of a file in one piece)"
    command.add_argument("--part", choices=Splits._fields, help=text)


def _columns_out(command: Group, name: str) -> None:
    text = f"a table (.csv, .tsv, .parquet) or arrays (.npz) (default: {name}.csv in RUN)"
    command.add_argument("--out", type=Path, metavar="FILE", help=text)


def _drawing(command: Group) -> None:
    text = "what to draw of p(image | latent state) (default: the mean of images, a sample of rows and cells)"
    command.add_argument("--image", choices=("mean", "mode", "sample"), help=text)
    number(command, "--seed", "of the draw", 7)
    device(command)
    text = (
        "a picture (.png, .pdf, .svg), or the values in the units of the data (.npy, .csv, .tsv, .h5ad); by default in "
        "RUN, a .png of images, a .csv of rows and a .h5ad of cells"
    )
    command.add_argument("--out", type=Path, metavar="FILE", help=text)
