"""Arrays of NumPy in files, mapped into memory where they lie there as they are."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import IO, Literal, NamedTuple, Optional

import numpy as np
from numpy.lib import format as npy

from ..opening import DataError, check_file, check_unpacked_size, reading

MAPPED_FROM = 64 << 20
"""Bytes of an array in an uncompressed .npz file from which it is mapped into memory and its checksum not compared."""

_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a member of a zip file: signature, length of its name, length of what else stands before its content."""


class _Header(NamedTuple):
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype
    length: int
    """In bytes, before the values."""

    @property
    def size(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count * self.dtype.itemsize


def read_npy(path: Path, folder: Optional[Path] = None) -> np.ndarray:
    """Map an .npy file into memory.

    Parameters
    ----------
    path : Path
        The file.
    folder : Path, optional
        The folder that links must not lead out of.

    Returns
    -------
    np.ndarray
        Of numbers, read-only, in the order and byte order of the file.

    Raises
    ------
    DataError
        If it is no file of numbers, or is longer or shorter than its header says.
    """
    check_file(path, folder)
    with reading(path, "an array of numbers"), open(path, "rb") as file:
        header = _read_header(file, str(path))
        _check_size(header, path.stat().st_size, str(path))
        return np.memmap(path, header.dtype, "r", header.length, header.shape, header.order)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz file by name. Large ones that are not compressed are mapped into memory."""
    check_file(path)
    errors = (zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error)
    with reading(path, "an .npz file", *errors), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_unpacked_size(path, sum(member.file_size for member in members))
        names = [member.filename[:-4] for member in members if member.filename.endswith(".npy")]
        others = [member.filename for member in members if not _is_array(member)]
        if others or len(set(names)) < len(names) or not names:
            raise DataError(
                f"{path} is not as numpy.savez writes it: it has {', '.join(others[:3]) or 'no array, or one twice'}"
            )
        return {name: _read_member(path, archive, member) for name, member in zip(names, members)}


def _is_array(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is named and compressed as those of NumPy."""
    return member.filename.endswith(".npy") and member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    name = f"{path}: {member.filename[:-4]!r}"
    with archive.open(member) as file:
        header = _read_header(file, name, scalars=True)
        _check_size(header, member.file_size, name)
        if member.compress_type == zipfile.ZIP_STORED and header.size >= MAPPED_FROM:
            return np.memmap(path, header.dtype, "r", _start(path, member) + header.length, header.shape, header.order)
        content = file.read()  # to the end, which compares the checksum
        if len(content) != header.size:
            raise DataError(f"{name} is broken: it is shorter than its header says")
        return np.ndarray(header.shape, header.dtype, content, order=header.order)


def _start(path: Path, member: zipfile.ZipInfo) -> int:
    """Return where the content of an uncompressed member begins."""
    with open(path, "rb") as file:
        file.seek(member.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if signature != b"PK\x03\x04":
        raise DataError(f"{path} is broken: its directory does not fit what it holds")
    return member.header_offset + _LOCAL_HEADER.size + name + extra


def _read_header(file: IO[bytes], name: str, scalars: bool = False) -> _Header:
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise DataError(f"{name} has version {version} of the .npy format: save it anew")
    try:
        shape, fortran, dtype = readers[version](file)
    except Exception as error:  # a header is text of Python's: parsing a broken one may raise nearly anything
        raise DataError(f"{name} has a broken header: {error}") from error
    if dtype.hasobject:
        raise DataError(f"{name} holds Python objects, which are not loaded as they may run code: save numbers or text")
    if dtype.names or dtype.subdtype:
        raise DataError(f"{name} is a structured array with the fields {dtype.names}: save its columns as one array")
    if dtype.kind not in ("buif" if not scalars else "buifSU"):
        raise DataError(f"{name} must be real numbers, got dtype {dtype}")
    if not all(0 <= size < 2**48 for size in shape):
        raise DataError(f"{name} has a broken header: shape {shape}")
    if not scalars and (not shape or 0 in shape):
        raise DataError(f"{name} has shape {shape}: it is {'empty' if shape else 'one number'}, not (N, X)")
    return _Header(shape, "F" if fortran else "C", dtype, file.tell())


def _check_size(header: _Header, size: int, name: str) -> None:
    if header.length + header.size != size:
        raise DataError(
            f"{name} says in its header that it is {header.shape} of {header.dtype}, {header.size:,} bytes, and there "
            f"are {size - header.length:,}: it is broken, or several arrays were saved one after the other"
        )
