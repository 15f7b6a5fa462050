"""Finding, reading and downloading data files, with checks that they are complete."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from ..backend.runtime import data_folder_of_environment, data_folder_of_gluon
from ..files import replacing
from ..progress import progress_bar

CHUNK = 1 << 20
TIMEOUT = 30  # seconds without a byte


class DataError(ValueError):
    """A data file is missing, broken or not the expected one. The message names the file and a remedy."""


def folders(name: str, folder: Optional[str]) -> list[Path]:
    """List the folders to search for the files of a data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    folder : str or None
        A folder to search first.

    Returns
    -------
    list[Path]
        ``folder``, the folder in ``GLUONVAE_DATA``, each followed by its subfolder ``name``, and Gluon's data folder
        of that name.

    Raises
    ------
    DataError
        If ``folder`` is no folder.
    """
    named = [Path(path).expanduser() for path in (folder, data_folder_of_environment()) if path]
    if folder and not named[0].is_dir():
        raise DataError(
            f"data folder {named[0]} is not a folder: name the one that holds the "
            f"files of {name}, or leave it out to download them"
        )
    return [place for path in named for place in (path, path / name)] + [data_folder_of_gluon() / name]


def find(file_names: list[str], places: list[Path]) -> Optional[Path]:
    """Find a file in one of several folders.

    Parameters
    ----------
    file_names : list[str]
        Alternative names of the file, the preferred one first.
    places : list[Path]
        The folders, in order of search.

    Returns
    -------
    Path or None
        The preferred file in the first folder that contains one, or None if no folder does.
    """
    candidates = (place / file_name for place in places for file_name in file_names)
    return next(filter(Path.is_file, candidates), None)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an .npy or .npz file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict[str, np.ndarray]
        The arrays of an .npz file by name; that of an .npy file as "images".

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    try:
        # opened here because numpy does not close a file that it fails to read
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"images": content}
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as arrays of numbers: {error}") from error


def download(url: str, path: Path, check: Callable[[Path], object]) -> Path:
    """Download a file. It appears under its name only when it is complete and checked.

    Parameters
    ----------
    url : str
        Address of the file.
    path : Path
        Where to write it.
    check : Callable[[Path], object]
        Called with the path of the temporary file; raises a ValueError, such as DataError, if the content is wrong.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    DataError
        If the download or the check fails; nothing is kept then.
    """
    import requests
    from urllib3.exceptions import HTTPError

    as_it_is = {"Accept-Encoding": "identity"}  # no compression in transit: the digest is of the file
    try:
        request = requests.get(url, stream=True, timeout=TIMEOUT, headers=as_it_is)
        with replacing(path) as part, request as response:
            response.raise_for_status()
            promised = int(response.headers.get("Content-Length") or 0)
            bar = progress_bar(promised or None, "B", desc=path.name)
            with open(part, "wb") as file, bar:
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    bar.update(file.write(chunk))
            received = part.stat().st_size
            if promised and received != promised:
                raise DataError(f"got {received} of {promised} bytes")
            check(part)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise DataError(
            f"{path.name} could not be downloaded from {url}: {error}. Nothing was "
            f"kept. Try again, or put the file into {path.parent} yourself"
        ) from error
    return path
