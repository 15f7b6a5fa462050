"""What is drawn, in the form and the units of a user's data: pictures, tables, arrays and AnnData files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..backend.operators import as_numpy
from ..backend.types import ArrayLike
from ..data.readers.base import CELLS, IMAGES, ROWS
from ..files import replacing
from ..training.config import Config
from .columns import Table, write_text
from .results import checked_result

PICTURES = (".png", ".pdf", ".svg")

Keys = Mapping[str, Any]
"""What rows are told apart by, beside their values: a column of each name."""


def write(
    asked: argparse.Namespace, name: str, drawn: ArrayLike, config: Config, plot: Callable[..., Any], keys: Keys
) -> Path:
    """Write what was drawn where it was asked for, in the form that the name of the file says.

    Parameters
    ----------
    asked : argparse.Namespace
        The arguments of the command.
    name : str
        What the file is called unless a name is asked for.
    drawn : NDArray or array
        ``(..., X)``.
    config : Config
        Of the run.
    plot : callable
        Draws a picture into ``path=``.
    keys : Keys
        Of each row of a table.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FloatingPointError
        If a value is not finite.
    ValueError
        For a form that is not known, or a picture of what is none.
    """
    values = as_numpy(drawn)
    checked_result("what was drawn", values)
    path = asked.out or asked.folder / f"{name}-seed{asked.seed}{_suffix(config)}"
    if path.suffix in PICTURES:
        if not is_picture(config):
            raise ValueError(f"{path}: {config['things']} are no pictures; write them to a .csv, .npy or .h5ad file")
        plot(path=path)
        return path
    if path.suffix not in WRITERS:
        known = ", ".join((*PICTURES, *WRITERS))
        raise ValueError(f"{path} must end in one of {known}")
    with replacing(path) as part:
        WRITERS[path.suffix](part, in_units(values, config), config, keys)
    return path


def is_picture(config: Config) -> bool:
    """Return whether data points can be drawn: images of one or three colours, and rows that may be such."""
    from .. import plots

    may_be_picture = config["things"] == IMAGES or (
        config["things"] == ROWS and config["columns"] is None and list(config["limits"] or ()) in ([0, 1], [0, 255])
    )
    return may_be_picture and plots.picture_shape(config["shape"]) is not None


def image(asked: argparse.Namespace, config: Config) -> str:
    """Return what is to be drawn of p(x | z): what was asked for, or a mean to look at, or rows like those of data."""
    return asked.image or ("mean" if is_picture(config) else "sample")


def in_units(values: np.ndarray, config: Config) -> np.ndarray:
    """Return values as the data has them: grey values from 0 to white."""
    if config["white"] is None:
        return values
    return values * (config["white"] / (255 if config["data"]["binarization"] == "bytes" else 1))


def _suffix(config: Config) -> str:
    return ".png" if is_picture(config) else ".h5ad" if config["things"] == CELLS else ".csv"


def _write_array(path: Path, values: np.ndarray, config: Config, keys: Keys) -> None:
    """``(..., *shape)``."""
    with open(path, "wb") as file:
        np.save(file, values.reshape(*values.shape[:-1], *config["shape"]))


def _write_table(path: Path, values: np.ndarray, config: Config, keys: Keys) -> None:
    write_text(Table(keys, "values", values, _columns(config, values.shape[-1])), path)


def _write_cells(path: Path, values: np.ndarray, config: Config, keys: Keys) -> None:
    try:
        import anndata
        import pandas
    except ImportError as error:
        raise ValueError("AnnData files are written by anndata: pip install 'gluonvae[anndata]'") from error
    rows = values.reshape(-1, values.shape[-1])
    obs = pandas.DataFrame(dict(keys), index=[str(row) for row in range(len(rows))])
    var = pandas.DataFrame(index=_columns(config, rows.shape[1]))
    anndata.AnnData(rows, obs=obs, var=var).write_h5ad(path)


def _columns(config: Config, count: int) -> list[str]:
    return list(config["columns"] or (f"x{number}" for number in range(count)))


WRITERS: dict[str, Callable[[Path, np.ndarray, Config, Keys], None]] = {
    ".npy": _write_array,
    ".csv": _write_table,
    ".tsv": _write_table,
    ".h5ad": _write_cells,
}
"""What writes values, by the suffix of the file."""
