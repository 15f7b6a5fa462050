"""Published data files: found in the user's folders or downloaded once, and checked by their digests."""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple, Optional

from ..backend.runtime import data_folder_of_environment, data_folder_of_gluon
from ..files import locked, write_bytes
from .download import download
from .opening import DataError, check_file, first_bytes, open_unpacked

WAIT = 3600.0
"""Seconds to wait for another process that downloads to the same folder."""

AT_TOP = ("mnist", "binarized_mnist")
"""Data sets whose files may lie in the folder of the environment itself. Others have a folder of their name in it: the
files of several are called as MNIST's."""

_log = logging.getLogger(__name__)


class Published(NamedTuple):
    """A file as it was published."""

    name: str
    digest: Optional[str] = None
    """Such as "md5:..." or "sha256:..."; None where none is known: then what was there first is remembered."""
    unpacked: bool = False
    """Whether the digest is that of the content; the file may then be compressed, with the suffix .gz, or not."""

    @property
    def names(self) -> list[str]:
        return [self.name, f"{self.name}.gz"] if self.unpacked else [self.name]


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
        of that name. Of the folder in ``GLUONVAE_DATA`` itself see :data:`AT_TOP`.

    Raises
    ------
    DataError
        If ``folder`` is no folder.
    """
    places = []
    if folder:
        named = Path(folder).expanduser()
        if not named.is_dir():
            raise DataError(
                f"data folder {named} is not a folder: name the one that holds the "
                f"files of {name}, or leave it out to download them"
            )
        places += [named, named / name]
    environment = data_folder_of_environment()
    if environment:
        shared = Path(environment).expanduser()
        places += [shared] * (name in AT_TOP) + [shared / name]
    return [*places, data_folder_of_gluon() / name]


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


def obtain(file: Published, address: str, places: list[Path], read: Callable[[Path], object]) -> Path:
    """Find a published file or download it, and check that it is the published one.

    Of several processes that need it, one downloads it and the others wait.

    Parameters
    ----------
    file : Published
        What it is.
    address : str
        Address of the folder that it is downloaded from.
    places : list[Path]
        The folders to search; it is downloaded to the first.
    read : Callable[[Path], object]
        Raises DataError if a downloaded file is not in the expected form; called where no digest is known.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    DataError
        If it cannot be downloaded or is not the published one.
    """
    found = find(file.names, places)
    if found is None:
        with downloading(places[0]):
            found = find(file.names, places)  # another process may have been faster
            if found is None:
                check = read if file.digest is None else partial(_check_digest, file)
                name = file.names[-1]
                found = download(address + name, places[0] / name, check)
                _remember(file, found)
                return found
    check_file(found)
    try:
        _check_digest(file, found)
        _remember(file, found)
    except DataError as error:
        raise DataError(
            f"{found}: {error}. If it is data of your own, give its path or folder as the data set, as in "
            f"--data {found.parent}; if not, it is damaged: move it away, and it is downloaded anew"
        ) from error
    return found


@contextmanager
def downloading(folder: Path) -> Iterator[None]:
    """Hold a folder while files are downloaded to it: context manager that waits for other processes.

    Raises
    ------
    DataError
        If another process takes too long, or the folder cannot be written to.
    """
    try:
        with locked(folder, WAIT):
            yield
    except OSError as error:
        raise DataError(f"nothing can be downloaded to {folder}: {error}") from error


def digest(path: Path, algorithm: str = "sha256", unpacked: bool = False) -> str:
    """Return the digest of a file, or of its content where it is compressed, in hexadecimal digits."""
    computed = hashlib.new(algorithm)
    with open_unpacked(path) if unpacked else open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            computed.update(chunk)
    return computed.hexdigest()


def _check_digest(file: Published, path: Path) -> None:
    if file.digest is None:
        return
    algorithm, wanted = file.digest.split(":")
    try:
        if digest(path, algorithm, file.unpacked) == wanted:
            return
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"the file is broken ({error})") from error
    page = ": it is a web page, of a proxy it may be" if first_bytes(path).lstrip()[:1] == b"<" else ""
    raise DataError(f"{path.stat().st_size} bytes that are not the published {file.name} (another digest){page}")


def _remember(file: Published, path: Path) -> None:
    """Where no digest was published, keep that of what was there first, and compare it later."""
    if file.digest is not None:
        return
    kept, computed = path.with_name(f"{path.name}.sha256"), digest(path)
    if kept.is_file():
        if kept.read_text(errors="replace").split()[:1] != [computed]:
            raise DataError(f"it has changed since it was first seen: its digest is not that in {kept.name}")
        return
    _log.warning("no digest of %s is published: what is there now is remembered in %s", path, kept.name)
    try:
        write_bytes(kept, f"{computed}  {path.name}\n".encode())
    except OSError as error:
        _log.warning("%s cannot be written: %s", kept, error)
