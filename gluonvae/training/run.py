"""A run's folder: what training saves, and how a model comes back from it.

::

    config.json         the model, the data and the training, as they were asked for
    metrics.jsonl       a line an epoch
    model.params        the parameters, in Gluon's format
    result.json         the bound on the test set
    *.png               curves, reconstructions, samples
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ..backend.runtime import mx
from ..backend.types import Context
from ..files import replacing
from ..models import VAE, construct_vae
from ..networks.blocks import names, not_finite

CONFIG, METRICS, PARAMETERS, RESULT = "config.json", "metrics.jsonl", "model.params", "result.json"


class Config(TypedDict):
    """What a run's config.json holds."""

    gluonvae: str
    """The version."""
    model: dict[str, Any]
    """Arguments of :func:`gluonvae.construct_vae`."""
    data: dict[str, Any]
    """Arguments of :func:`gluonvae.data.load`."""
    shape: Sequence[int]
    """Of an image."""
    limits: Sequence[float]
    """The least and the largest value of a pixel."""
    classes: bool
    """Whether the data has labels that are classes, and not conditions."""
    asked: dict[str, Any]
    """The arguments of the command."""


class RunError(ValueError):
    """A run's folder is missing, in the way, or not whole; says which file and what to do."""


class Run:
    """The folder that a training writes; it appears with the first thing that is written.

    Parameters
    ----------
    folder : Path
        The folder, which must not exist, or be empty.
    config : Config
        What was asked for.

    Raises
    ------
    RunError
        If something is in the way.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} exists already: name another folder, or remove it")
        self.folder, self.config = folder, config

    def file(self, name: str) -> Path:
        """Return the path of a file in the folder, which is there from now on with its configuration."""
        if not (self.folder / CONFIG).exists():
            write_json(self.folder / CONFIG, self.config)
        return self.folder / name

    def append_metrics(self, metrics: Mapping[str, float]) -> None:
        """Add an epoch's line."""
        with open(self.file(METRICS), "a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")

    def save_parameters(self, vae: VAE) -> None:
        """Write the parameters as Gluon does, whole or not at all."""
        with replacing(self.file(PARAMETERS)) as part:
            vae.save_parameters(str(part))

    def write_result(self, result: Mapping[str, float]) -> None:
        """Write the estimates on the test set."""
        write_json(self.file(RESULT), result)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_run(folder: Path, ctx: Context) -> tuple[VAE, Config]:
    """Load the model of a run, and its configuration.

    Parameters
    ----------
    folder : Path
        The folder that a :class:`Run` wrote.
    ctx : Context
        The device of the parameters.

    Returns
    -------
    vae : VAE
    config : Config

    Raises
    ------
    RunError
        If the folder is missing or not whole, or a parameter is not finite.
    """
    try:
        config: Config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        missing = [name for name in Config.__annotations__ if name not in config]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        vae = construct_vae(**config["model"])
    except FileNotFoundError as error:
        raise RunError(f"{folder} is not the folder of a run: it has no {CONFIG}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder / CONFIG} is broken: {error}") from error
    path = folder / PARAMETERS
    if not path.is_file():
        raise RunError(f"{path} is missing: the run ended before its parameters were saved")
    try:
        vae.load_parameters(str(path), ctx=ctx)
    except (mx.base.MXNetError, AssertionError, ValueError) as error:
        raise RunError(f"{path} does not hold the parameters of this run's model: {error}") from error
    if broken := not_finite(vae):
        raise RunError(f"{path} holds NaN or infinity in {names(broken)}: train the model again")
    return vae, config
