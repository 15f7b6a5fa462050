"""MNIST as Larochelle binarised it once and for all: the tutorial's data, three text files."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from ..files import replacing
from .dataset import Dataset, Splits
from .sources import DataError, download, find, folders, read_arrays

URL = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"
PIXELS = 784

_log = logging.getLogger(__name__)


class _File(NamedTuple):
    rows: int
    sha256: str
    """As TensorFlow Datasets lists it (url_checksums/binarized_mnist.txt)."""


FILES = {
    "train": _File(50_000, "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"),
    "valid": _File(10_000, "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"),
    "test": _File(10_000, "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"),
}


def load_binarized_mnist(folder: Optional[str] = None) -> Splits:
    """50,000 training, 10,000 validation and 10,000 test images, 28×28, zeros and ones.

    ``binarized_mnist_{train,valid,test}.amat`` are looked for in ``folder``, in
    ``GLUONVAE_DATA`` and beside Gluon's own data, and downloaded if they are in none; eight
    pixels a byte are kept beside them, and read the next time. Raises DataError for a file that
    is missing or broken.
    """
    places = folders("binarized_mnist", folder)
    return Splits(*(Dataset(_load(part, file, places), (28, 28), "none") for part, file in FILES.items()))


def _load(part: str, file: _File, places: list[Path]) -> np.ndarray:
    name = f"binarized_mnist_{part}"
    found = find([f"{name}.amat", f"{name}.npz"], places)
    if found is None:
        text = download(f"{URL}{name}.amat", places[0] / f"{name}.amat", lambda got: _check_digest(got, file))
        images = _read_and_pack(text, file)
        text.unlink()
        return images
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
    """What tells one version of a file from another without reading it: bytes, and time of change."""
    return [text.stat().st_size, text.stat().st_mtime_ns]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_digest(path: Path, file: _File) -> None:
    if _sha256(path) != file.sha256:
        raise DataError(f"{path.stat().st_size} bytes that are not the published file (another digest)")


def _read_and_pack(text: Path, file: _File) -> np.ndarray:
    published = _sha256(text) == file.sha256
    _warn_unless(published, text)
    images = parse_amat(text.read_bytes(), file.rows, str(text))
    try:
        with replacing(text.with_suffix(".npz")) as part:
            np.savez(part, packed=np.packbits(images, axis=1), text=_identity(text), published=published)
    except OSError as error:
        _log.warning("%s is read anew each time, as nothing can be kept beside it: %s", text, error)
    return images


def _read_packed(path: Path, rows: int) -> dict[str, np.ndarray]:
    try:
        kept = read_arrays(path)
        if kept["packed"].shape == (rows, PIXELS // 8) and {"text", "published"} <= set(kept):
            return kept
        problem: object = f"it does not hold {rows} packed images"
    except (DataError, KeyError) as error:
        problem = error
    raise DataError(f"{path} is broken: delete it, and it is made anew ({problem})")


def parse_amat(content: bytes, rows: int, name: str) -> np.ndarray:
    """``(rows, 784)`` bool from text with a row a line, zeros and ones apart by white space.

    Raises DataError, naming ``name`` and the first line that is at fault.
    """
    images = _parse_even_lines(content, rows)
    if images is not None:
        return images
    lines = content.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) != rows:
        raise DataError(
            f"{name} has {len(lines)} rows, not {rows}: it is incomplete or another "
            "file; delete it, and it is downloaded anew"
        )
    images = np.empty((rows, PIXELS), bool)
    for row, line in enumerate(lines):
        values = line.split()
        if len(values) != PIXELS or not set(values) <= {b"0", b"1"}:
            raise DataError(
                f"{name}, line {row + 1}, is not {PIXELS} zeros and ones: delete the file, and it is downloaded anew"
            )
        images[row] = [value == b"1" for value in values]
    return images


def _parse_even_lines(content: bytes, rows: int) -> Optional[np.ndarray]:
    """The same at once where every line is, as published, digits with one space between; else None."""
    if len(content) != rows * 2 * PIXELS:
        return None
    text = np.frombuffer(content, np.uint8).reshape(rows, 2 * PIXELS)
    digits, separators = text[:, ::2], text[:, 1::2]
    images = digits == ord("1")
    even = (
        (images | (digits == ord("0"))).all()
        and (separators[:, :-1] == ord(" ")).all()
        and (separators[:, -1] == ord("\n")).all()
    )
    return images if even else None
