"""IDX files, the format of MNIST's, of any data set: one file, or a folder with parts and labels."""

from __future__ import annotations

import logging
import math
import re
from pathlib import Path
from typing import BinaryIO, NamedTuple, Optional

import numpy as np

from ..opening import DataError, check_file, first_bytes, is_gzip, open_unpacked, reading
from .base import IMAGES, ROWS, Contents, Reader, Rows, Wishes

DTYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""By the third byte of a file."""

PART = {"train": "train", "t10k": "test", "test": "test", "valid": "valid", "val": "valid"}
NAME = re.compile(rf"(?:(?P<set>.+)-)?(?P<part>{'|'.join(PART)})-(?P<what>images|labels)[-.]idx\d-ubyte(?:\.gz)?")
SUFFIX = re.compile(r".*[-.]idx\d-ubyte(\.gz)?|.*\.idx(\.gz)?")
CHUNK = 1 << 20

_log = logging.getLogger(__name__)


class _Header(NamedTuple):
    dtype: np.dtype
    shape: tuple[int, ...]
    length: int
    """In bytes, before the values."""


def read_idx(file: BinaryIO) -> np.ndarray:
    """Read an IDX file: 0, 0, the code of the dtype, the number of axes, their sizes and the values, big-endian.

    Memory is taken as values come, so that a file that says more than it holds takes none.

    Parameters
    ----------
    file : BinaryIO
        Open for reading.

    Returns
    -------
    np.ndarray
        Of the shape and dtype in the file.

    Raises
    ------
    DataError
        If the file is no IDX file, has fewer values than its header says, or more.
    """
    header = _read_header(file)
    wanted, content = math.prod(header.shape) * header.dtype.itemsize, bytearray()
    while len(content) < wanted:
        chunk = file.read(min(CHUNK, wanted - len(content)))
        if not chunk:
            break
        content += chunk
    _check_length(header, len(content) + len(file.read(1)))
    return np.frombuffer(content, header.dtype).reshape(header.shape)


def _read_header(file: BinaryIO) -> _Header:
    magic = file.read(4)
    if len(magic) == 4 and magic[2:] == b"\0\0" and magic[1] in DTYPES:
        raise DataError("it is little-endian, IDX files are big-endian: write its numbers with '>' in struct or NumPy")
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES or not magic[3]:
        raise DataError(f"it is no IDX file: it begins with the bytes {magic.hex(' ') or 'of nothing'}")
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError("it ends within its header")
    shape = tuple(np.frombuffer(sizes, ">u4").tolist())
    if len(shape) > 4 or 0 in shape:
        raise DataError(f"its shape is {shape}: images are (N, H, W), labels (N,)")
    return _Header(np.dtype(DTYPES[magic[2]]), shape, 4 + len(sizes))


def _check_length(header: _Header, length: int) -> None:
    wanted = math.prod(header.shape) * header.dtype.itemsize
    if length != wanted:
        given = f"{length:,}" if length < wanted else "more"
        raise DataError(f"its header says {header.shape}, so {wanted:,} bytes, and there are {given}: it is broken")


def _read_file(path: Path, folder: Optional[Path] = None) -> np.ndarray:
    """Read a file; one that is not compressed is mapped into memory."""
    check_file(path, folder)
    with reading(path, "an IDX file"), open_unpacked(path) as file:
        try:
            if is_gzip(path):
                return read_idx(file)
            header = _read_header(file)
            _check_length(header, path.stat().st_size - header.length)
            return np.memmap(path, header.dtype, "r", header.length, header.shape)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error


def recognises(path: Path) -> bool:
    """Return whether a path is an IDX file, by its name or first bytes, or a folder with one."""
    if path.is_dir():
        return any(SUFFIX.fullmatch(name) for name in _names(path))
    magic = first_bytes(path, 4)
    known = len(magic) == 4 and ((magic[:2] == b"\0\0" and magic[2] in DTYPES) and magic[3] in range(1, 5))
    return known or SUFFIX.fullmatch(path.name) is not None


def _names(folder: Path) -> list[str]:
    with reading(folder, "a folder"):
        return sorted(path.name for path in folder.iterdir())


def read(path: Path, wishes: Wishes) -> Contents:
    """Read an IDX file, or a folder of them that are named as MNIST's or EMNIST's."""
    if not path.is_dir():
        return _contents({"train": _rows(path, None)}, path, wishes)
    named = [(match, path / match.string) for match in map(NAME.fullmatch, _names(path)) if match]
    others = [name for name in _names(path) if SUFFIX.fullmatch(name) and not NAME.fullmatch(name)]
    sets = sorted({match["set"] or "" for match, _ in named})
    if len(sets) > 1:
        raise DataError(f"{path} holds several data sets, {', '.join(sets)}: give each a folder of its own")
    if others or not named:
        raise DataError(
            f"{path} holds {', '.join(others)}: name files as in train-images-idx3-ubyte and train-labels-idx1-ubyte, "
            f"with {', '.join(PART)} for the parts, or give the path of one file"
        )
    images = {PART[match["part"]]: file for match, file in reversed(named) if match["what"] == "images"}
    missing = {PART[match["part"]] for match, _ in named} - set(images)
    if missing or "train" not in images:
        raise DataError(f"{path} has no images of the part {', '.join(sorted(missing)) or 'train'}")
    return _contents({part: _rows(file, path) for part, file in images.items()}, path, wishes)


def _rows(path: Path, folder: Optional[Path]) -> Rows:
    values = _read_file(path, folder)
    if values.ndim < 2:
        raise DataError(f"{path} holds one number each, {values.shape}: these are labels, name the file of images")
    match, labels = NAME.fullmatch(path.name), None
    if match and match["what"] == "images":
        labels = _labels(path, folder, len(values))
        if (match["set"] or "").startswith("emnist") and values.ndim == 3:
            _log.info("%s: EMNIST's images are published with rows and columns exchanged; they are set upright", path)
            values = values.swapaxes(1, 2)
    return Rows(values, labels)


def _labels(path: Path, folder: Optional[Path], count: int) -> Optional[np.ndarray]:
    """Return the labels in the file beside one of images, if there is one."""
    stem = re.sub(r"-images[-.]idx\d-ubyte(\.gz)?$", "", path.name)
    beside = [path.with_name(f"{stem}-labels{dot}idx1-ubyte{gz}") for dot in "-." for gz in ("", ".gz")]
    found = next((other for other in beside if other.exists() or other.is_symlink()), None)
    if found is None:
        return None
    labels = _read_file(found, folder)
    if labels.shape != (count,):
        raise DataError(f"{found} has labels of shape {labels.shape}, {path} has {count} images: they do not fit")
    return np.array(labels)


def _contents(parts: dict[str, Rows], path: Path, wishes: Wishes) -> Contents:
    shapes = {(rows.values.shape[1:], rows.values.dtype) for rows in parts.values()}
    if len(shapes) > 1:
        raise DataError(f"{path}: parts have different forms, {', '.join(f'{s} of {d}' for s, d in shapes)}")
    ((shape, dtype),) = shapes
    images = len(shape) > 1 or wishes.shape is not None
    return Contents(parts, IMAGES if images else ROWS, 255.0 if images and dtype == np.uint8 else None)


READER = Reader("IDX files", recognises, read, ("shape",))
