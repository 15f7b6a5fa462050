"""MNIST as binarised once by Larochelle, the data of the tutorial, from its three text files."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from ..files import replacing
from .dataset import Dataset
from .download import download
from .readers.npy import read_npz
from .sources import DataError, digest, downloading, find, folders
from .splits import Splits

URL = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
PIXELS = 784
SPACES = b" " * (PIXELS - 1)

_log = logging.getLogger(__name__)


class _File(NamedTuple):
    rows: int
    sha256: str
    """Digest in TensorFlow Datasets' url_checksums/binarized_mnist.txt."""


FILES = {
    "train": _File(50_000, "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"),
    "valid": _File(10_000, "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"),
    "test": _File(10_000, "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"),
}


def load_binarized_mnist(folder: Optional[str] = None) -> Splits:
    """Load binarised MNIST: 50,000 training, 10,000 validation and 10,000 test images, 28×28, zeros and ones.

    ``binarized_mnist_{train,valid,test}.amat`` are searched in ``folder``, in the folder in the environment
    variable ``GLUONVAE_DATA`` and in Gluon's data folder, and downloaded if they are in none of them. A packed
    copy, eight pixels in a byte, is written to the same folder and read from then on.

    Parameters
    ----------
    folder : str, optional
        Folder with the three files.

    Returns
    -------
    Splits
        The three sets, without labels.

    Raises
    ------
    DataError
        If ``folder`` is no folder, or a file cannot be downloaded or is broken.
    """
    places = folders("binarized_mnist", folder)
    return Splits(*(Dataset(_load(part, file, places), (28, 28), "none") for part, file in FILES.items()))


def _load(part: str, file: _File, places: list[Path]) -> np.ndarray:
    name = f"binarized_mnist_{part}"
    names = [f"{name}.amat", f"{name}.npz"]
    found = find(names, places)
    if found is None:
        with downloading(places[0]):
            found = find(names, places) or download(
                f"{URL}{name}.amat", places[0] / f"{name}.npz", lambda text: _pack_published(text, file)
            )
    text, packed = found.with_suffix(".amat"), found.with_suffix(".npz")
    if packed.is_file():
        kept = _read_packed(packed, file.rows)
        if not text.is_file() or kept["text"].tolist() == _identity(text):
            _warn_unless(bool(kept["published"]), packed)
            return np.unpackbits(kept["packed"], axis=1).astype(bool)
    return _read_and_pack(text, file)


def _warn_unless(published: bool, path: Path) -> None:
    if not published:
        _log.warning("%s is not from the published file byte for byte; what it holds is used", path)


def _identity(text: Path) -> list[int]:
    """Return size and time of modification, which tell whether a file has changed."""
    return [text.stat().st_size, text.stat().st_mtime_ns]


def _pack_published(path: Path, file: _File) -> None:
    """Replace the published text by its images, packed."""
    if digest(path) != file.sha256:
        raise DataError(f"{path.stat().st_size} bytes that are not the published file (another digest)")
    _save_packed(path, parse_amat(path.read_bytes(), file.rows, path.name), [], published=True)


def _save_packed(path: Path, images: np.ndarray, text: list[int], published: bool) -> None:
    np.savez(path, packed=np.packbits(images, axis=1), text=text, published=published)


def _read_and_pack(text: Path, file: _File) -> np.ndarray:
    published = digest(text) == file.sha256
    _warn_unless(published, text)
    images = parse_amat(text.read_bytes(), file.rows, str(text))
    try:
        with replacing(text.with_suffix(".npz")) as part:
            _save_packed(part, images, _identity(text), published)
    except OSError as error:
        _log.warning("%s is read anew each time, as nothing can be kept beside it: %s", text, error)
    return images


def _read_packed(path: Path, rows: int) -> dict[str, np.ndarray]:
    try:
        kept = read_npz(path)
        if kept["packed"].shape == (rows, PIXELS // 8) and {"text", "published"} <= set(kept):
            return kept
        problem: object = f"it does not hold {rows} packed images"
    except (DataError, KeyError) as error:
        problem = error
    raise DataError(f"{path} is broken: delete it, and it is made anew ({problem})")


def parse_amat(content: bytes, rows: int, name: str) -> np.ndarray:
    """Parse text with one image in each line, zeros and ones separated by white space.

    Parameters
    ----------
    content : bytes
        The text.
    rows : int
        Expected number of images.
    name : str
        Name of the file, for messages.

    Returns
    -------
    np.ndarray
        ``(rows, 784)``, bool.

    Raises
    ------
    DataError
        If the number of lines is another, or a line is malformed, with the first such line.
    """
    lines = content.rstrip().splitlines()
    if len(lines) != rows:
        raise DataError(
            f"{name} has {len(lines)} rows, not {rows}: it is incomplete or another "
            "file; delete it, and it is downloaded anew"
        )
    images = np.empty((rows, PIXELS), bool)
    for row, line in enumerate(lines):
        digits = _digits(line)
        if len(digits) != PIXELS or digits.strip(b"01"):
            raise DataError(
                f"{name}, line {row + 1}, is not {PIXELS} zeros and ones: delete the file, and it is downloaded anew"
            )
        images[row] = np.frombuffer(digits, np.uint8) == ord("1")
    return images


def _digits(line: bytes) -> bytes:
    """Return the numbers of a line if each has one digit, else nothing."""
    if line[1::2] == SPACES:
        return line[::2]  # as in the published file: in a third of the time
    numbers = line.split()
    return b"".join(numbers) if {len(number) for number in numbers} == {1} else b""
