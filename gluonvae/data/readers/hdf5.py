"""What is to be looked at before the library of HDF5 is let read a file that may be broken."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from ..opening import DataError

if TYPE_CHECKING:
    from h5py import Group

HEAP = struct.Struct("<8sQ")
"""The signature of a heap of texts with its version, and its size in bytes."""
SIGNATURE = b"GCOL\1\0\0\0"
OBJECT = struct.Struct("<H6xQ")
"""A text in a heap: its number, 0 for the free space, and its size."""

SCANNED = 1 << 30
"""Bytes of the largest file in which heaps are looked for."""
DEEPEST = 20
"""Groups within groups; AnnData's own are three or four deep."""


def check_heaps(path: Path) -> None:
    """Refuse heaps whose sizes do not fit: in some of them HDF5 goes round without end.

    See HDF5's File Format Specification, III.E.

    Raises
    ------
    DataError
        If there is one.
    """
    if not 0 < path.stat().st_size <= SCANNED:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(SIGNATURE)
        while start >= 0:
            if not _heap_fits(content, start):
                raise DataError(f"{path} is broken: the sizes in one of its heaps do not fit")
            start = content.find(SIGNATURE, start + 1)


def _heap_fits(content: mmap.mmap, start: int) -> bool:
    if start + HEAP.size > len(content):
        return False
    end = start + HEAP.unpack_from(content, start)[1]
    place = start + HEAP.size
    if not place <= end <= len(content):
        return False
    while place + OBJECT.size <= end:
        number, size = OBJECT.unpack_from(content, place)
        step = OBJECT.size + (size + 7) // 8 * 8 if number else size  # free space is counted with its header
        if step < OBJECT.size:
            return False
        place += step
    return place <= end


def check_links(path: Path, group: Group, depth: int = 0, above: frozenset[int] = frozenset()) -> None:
    """Refuse what leads out of a file, and groups that hold themselves.

    Parameters
    ----------
    path : Path
        The file, for messages.
    group : h5py.Group
        The group, of which all groups within are looked at as well.
    depth : int, default 0
        How many groups it is in.
    above : frozenset[int], default frozenset()
        Where these lie in the file.

    Raises
    ------
    DataError
        If there is a link, or a data set that lies elsewhere.
    """
    import h5py

    address = h5py.h5o.get_info(group.id).addr
    if address in above or depth > DEEPEST:
        raise DataError(f"{path}: the group {group.name} holds itself")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise DataError(f"{path}: {group.name}/{name} is a link, which is not followed: copy what it leads to")
        item = group[name]
        if isinstance(item, h5py.Group):
            check_links(path, item, depth + 1, above | {address})
        elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
            raise DataError(f"{path}: {item.name} lies in another file, which is not opened: copy it into this one")
