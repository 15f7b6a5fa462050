"""A run's folder: what training saves, and how a model comes back from it.

::

    config.json         the model, the data and the training, as they were asked for
    metrics.jsonl       a line an epoch
    model.params        the parameters, in Gluon's format
    result.json         the bound on the test set
    *.png               curves, reconstructions, samples
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..backend.types import Context
from ..files import as_json, replacing
from ..models import VAE, construct_vae
from .config import Config, RunError, read_config
from .parameters import check_file, load_parameters

CONFIG, METRICS, PARAMETERS, RESULT = "config.json", "metrics.jsonl", "model.params", "result.json"


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
            file.write(as_json(metrics) + "\n")

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
        part.write_text(as_json(content, indent=2) + "\n", encoding="utf-8")


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
        If the folder is missing or not whole.
    """
    path, parameters = folder / CONFIG, folder / PARAMETERS
    config = read_config(path)
    check_file(parameters, config["model"])
    try:
        vae = construct_vae(**config["model"])
    except Exception as error:  # whatever the classes make of options that were changed
        raise RunError(f"{path} is broken: there is no such model: {type(error).__name__}: {error}") from error
    load_parameters(vae, parameters, ctx)
    return vae, config
