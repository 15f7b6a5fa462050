"""Where a run's data lie, and what a run of them is called."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Optional

from ..data import NAMES, DataError
from ..training.config import Config
from ..training.schema import NOT_ASKED


def whole_name(name: str) -> str:
    """Return the name of a built-in data set as it is, and a path from the root: a run is used from other folders."""
    return name if name in NAMES else str(Path(name).expanduser().resolve())


def short_name(name: str) -> str:
    """Return what runs on data are called: a data set's name, a file's without its suffix, a folder's.

    Parameters
    ----------
    name : str
        The data set's name or path, as it was typed.

    Returns
    -------
    str
        Never empty: "data" where there is nothing else.
    """
    if name in NAMES:
        return name
    path = Path(whole_name(name))
    return (path.name if path.is_dir() else path.stem) or "data"


def named_source(asked: argparse.Namespace, config: Config) -> dict[str, Any]:
    """Return the arguments of :func:`gluonvae.data.load` for the run's own data, or for the built-in data set that
    ``--data`` names, which lies where the run's own did unless ``--data-dir`` says so.

    Raises
    ------
    DataError
        For a run whose data have no name.
    """
    source = dict(config["data"])
    if asked.data:  # nothing that was asked of the run's own data has an effect
        source = {**NOT_ASKED, "name": asked.data, "folder": source["folder"], "binarization": source["binarization"]}
    if source["name"] is None:
        raise DataError("the run was trained from Python: name data with --data")
    return {**source, "folder": asked.data_dir or source["folder"]}


def file_of_data(asked: argparse.Namespace) -> Optional[Path]:
    """Return the file or folder that ``--data`` names; None where it names a built-in data set, or nothing.

    Raises
    ------
    ValueError
        If a place was asked for beside it.
    """
    if not asked.data or asked.data in NAMES:
        return None
    if asked.data_dir:
        raise ValueError(f"--data-dir is for mnist and other named data sets: {asked.data} has its own place")
    return Path(whole_name(asked.data))
