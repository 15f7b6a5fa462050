"""Finding and downloading files so that nothing broken is ever taken for whole."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Callable, Optional

import numpy as np

from ..backend.runtime import data_folder_of_environment, data_folder_of_gluon
from ..files import replacing

CHUNK = 1 << 20
TIMEOUT = 30  # seconds without a byte


class DataError(ValueError):
    """A data file is missing, broken or not what it should be; says which and what to do."""


def folders(name: str, folder: Optional[str]) -> list[Path]:
    """Where the files of data set ``name`` may lie, in order: the folder given, that of
    ``GLUONVAE_DATA``, and Gluon's own; of the first two also the subfolder ``name``."""
    named = [Path(path).expanduser() for path in (folder, data_folder_of_environment()) if path]
    if folder and not named[0].is_dir():
        raise DataError(
            f"data folder {named[0]} is not a folder: name the one that holds the "
            f"files of {name}, or leave it out to download them"
        )
    return [place for path in named for place in (path, path / name)] + [data_folder_of_gluon() / name]


def find(file_names: list[str], places: list[Path]) -> Optional[Path]:
    """The first of ``file_names`` that lies in the first of ``places`` to have one."""
    for place in places:
        for file_name in file_names:
            if (place / file_name).is_file():
                return place / file_name
    return None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz file, or the one of an .npy file as "images".

    Raises DataError where it is broken or another kind of file.
    """
    try:
        # Opened here, as numpy leaves a file that it cannot read open.
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return {"images": content}
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as arrays of numbers: {error}") from error


def download(url: str, path: Path, check: Callable[[Path], object]) -> Path:
    """Fetch ``url`` to ``path``: into a temporary file, which is renamed only when it is as long
    as the server said and ``check``, called on it, has not raised.

    Raises DataError, and leaves nothing behind, where it fails.
    """
    import requests
    from tqdm import tqdm
    from urllib3.exceptions import HTTPError

    as_it_is = {"Accept-Encoding": "identity"}  # the digest is of the file, not of a transfer
    try:
        request = requests.get(url, stream=True, timeout=TIMEOUT, headers=as_it_is)
        with replacing(path) as part, request as response:
            response.raise_for_status()
            promised = int(response.headers.get("Content-Length") or 0)
            bar = tqdm(total=promised or None, unit="B", unit_scale=True, desc=path.name)
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
