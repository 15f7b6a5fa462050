"""The image files of a folder: which there are, what part each is of, and what class."""

from __future__ import annotations

import logging
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from ..sources import DataError
from .base import PARTS

_log = logging.getLogger(__name__)

SUFFIXES = frozenset(
    ".bmp .gif .jfif .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()  # noqa: SIM905
)
"""The suffixes of image files, in lower case."""

UNREAD = frozenset(".arw .avif .cr2 .cr3 .dng .heic .heif .jp2 .jxl .nef .orf .raf".split())  # noqa: SIM905
"""The suffixes of images that are not read, which must not go unnoticed either."""

DATA_SUFFIXES = frozenset(
    ".csv .h5 .h5ad .hdf5 .jsonl .mat .npy .npz .ods .parquet .pkl .tsv .xls .xlsx".split()  # noqa: SIM905
)
"""The suffixes of files that have labels or further data, which must not go unnoticed beside images."""

PACKED = frozenset({".bz2", ".gz", ".xz", ".zst"})
"""The suffixes of compressed files."""

IGNORED = frozenset(
    {
        *("__macosx", "__pycache__", "@eadir", "$recycle.bin", "lost+found", "system volume information"),
        *("desktop.ini", "ehthumbs.db", "thumbs.db"),
    }
)
"""What operating systems leave in folders, beside names that begin with a dot or, of locks, with a tilde."""

PART_NAMES = {
    **{part: part for part in PARTS},
    "training": "train",
    "val": "valid",
    "validation": "valid",
    "testing": "test",
}


class ImageFile(NamedTuple):
    """An image file."""

    path: str
    """As the user knows it."""
    name: str
    """Its path in the folder."""
    real: str
    """Its path without links."""
    stamp: tuple[int, int, int]
    """See :func:`stamp`."""
    part: str
    """One of :data:`gluonvae.data.readers.base.PARTS`."""
    label: Optional[str] = None
    """The name of its class."""


def stamp(status: os.stat_result) -> tuple[int, int, int]:
    """Return what changes with a file: its size and the times of its content and of its entry, in ns."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def shown(path: object) -> str:
    """Return a path for a message, with escapes for what cannot be printed."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))


def is_image(path: str) -> bool:
    """Return whether a path is that of an image file, by its suffix."""
    return _suffix(path) in SUFFIXES


def may_be_image(path: str) -> bool:
    """Return whether a path is that of an image file, also of one that is not read."""
    return _suffix(path) in SUFFIXES | UNREAD


def _suffix(path: str) -> str:
    stem, suffix = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if suffix in PACKED else suffix


def image_files(folder: Path) -> list[ImageFile]:
    """List the image files of a folder, by part and then by path.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list[ImageFile]
        At least one.

    Raises
    ------
    DataError
        If there is none, if the folders are no parts and classes, or for links out of the folder, special files and
        data files beside the images.
    """
    entries = list(_walk(folder))
    unread = next((entry.path for entry in entries if _suffix(entry.path) in UNREAD), None)
    if unread:
        raise DataError(
            f"{shown(unread)} is an image of a format that is not read: convert it to PNG or JPEG, or move it out of "
            f"{shown(folder)}"
        )
    images = _each_once(folder, [entry for entry in entries if is_image(entry.path)])
    if not images:
        raise DataError(f"{shown(folder)} holds no image files ({', '.join(sorted(SUFFIXES))})")
    _report_others(folder, [entry.path for entry in entries if not is_image(entry.path)])
    names = [os.path.relpath(entry.path, folder) for entry in images]
    placed = _placed(folder, [tuple(name.split(os.sep)) for name in names])
    files = [
        ImageFile(entry.path, name, entry.real, _stamp(entry), *place)
        for entry, name, place in zip(images, names, placed)
    ]
    return sorted(files, key=lambda file: (PARTS.index(file.part), file.name))


class _Entry(NamedTuple):
    path: str
    real: str
    is_link: bool


def _walk(folder: Path) -> Iterator[_Entry]:
    """Yield what is in a folder and its subfolders and is no folder. Each folder is visited once, links last."""
    top = os.path.realpath(folder)
    pending, linked = [os.fspath(folder)], list[str]()
    visited = set()
    while pending or linked:
        place = pending.pop() if pending else linked.pop()
        real = os.path.realpath(place)
        if real in visited:
            continue
        visited.add(real)
        for entry in _entries(place):
            if entry.name.startswith((".", "~")) or entry.name.lower() in IGNORED:
                continue
            is_link = entry.is_symlink()
            is_folder = os.path.isdir(entry.path) if is_link else entry.is_dir()  # which raises at a loop
            if is_link and (is_folder or is_image(entry.name)):
                _check_inside(entry, top)
            if not is_folder:
                yield _Entry(entry.path, os.path.realpath(entry.path) if is_link else f"{real}/{entry.name}", is_link)
            elif is_link:
                linked.append(entry.path)
            else:
                pending.append(entry.path)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read: {error.strerror}") from error


def _check_inside(entry: os.DirEntry[str], top: str) -> None:
    real = os.path.realpath(entry.path)
    if real != top and not real.startswith(top.rstrip(os.sep) + os.sep):
        raise DataError(
            f"{shown(entry.path)} is a link that leads out of the folder, to {shown(real)}: "
            "put what is to be read into the folder, or remove the link"
        )


def _stamp(entry: _Entry) -> tuple[int, int, int]:
    try:
        status = os.stat(entry.real)
    except OSError:  # a link to nothing: opening it fails too, and says so
        return 0, 0, 0
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{shown(entry.path)} is a pipe, a socket or a device, not a file: remove it")
    return stamp(status)


def _each_once(folder: Path, images: Sequence[_Entry]) -> list[_Entry]:
    """Leave out links to what is among the images itself."""
    found: dict[str, _Entry] = {}
    again = []
    for entry in sorted(images, key=lambda entry: (entry.is_link, entry.path)):
        if found.setdefault(entry.real, entry) is not entry:
            again.append(entry.path)
    if again:
        _log.warning(
            "%s: %d links to images that are there already are left out, such as %s",
            *(shown(folder), len(again), shown(again[0])),
        )
    return list(found.values())


def _report_others(folder: Path, others: Sequence[str]) -> None:
    suffixes = Counter(map(_suffix, others))
    for path in others:
        if _suffix(path) in DATA_SUFFIXES:
            raise DataError(
                f"{shown(path)} lies among images and would not be used: move it out of {shown(folder)}. Labels "
                "of images are the names of their folders, and parts are folders called train, valid and test"
            )
    if others:
        counts = ", ".join(f"{count} {shown(suffix) or 'without suffix'}" for suffix, count in suffixes.most_common(5))
        _log.warning("%s: %d files that are no images are left out (%s)", shown(folder), len(others), counts)


def _placed(folder: Path, names: Sequence[tuple[str, ...]]) -> list[tuple[str, Optional[str]]]:
    """Return the part and the class of each file, of the folders in its path and its name."""
    names = _without_wrapper(names)
    of_part = [len(name) > 1 and name[0].lower() in PART_NAMES for name in names]
    if not any(of_part):
        _check_no_parts_inside(folder, names)
        return [("train", label) for label in _labels(folder, names)]
    if not all(of_part):
        part, other = names[of_part.index(True)][0], names[of_part.index(False)]
        raise DataError(
            f"{shown(folder)} holds the part {shown(part)} and beside it {shown(other[0])}, which is in no part: "
            "move it into one of train, valid and test, or if all are classes, rename or move them into a folder train"
        )
    _check_parts(folder, {name[0] for name in names})
    inner = _without_wrapper([name[1:] for name in names], stop=())
    labels: list[Optional[str]] = [None] * len(names)
    for part in {name[0] for name in names}:
        rows = [row for row, name in enumerate(names) if name[0] == part]
        for row, label in zip(rows, _labels(Path(folder, part), [inner[row] for row in rows])):
            labels[row] = label
    return [(PART_NAMES[name[0].lower()], label) for name, label in zip(names, labels)]


def _check_no_parts_inside(folder: Path, names: Sequence[tuple[str, ...]]) -> None:
    """Refuse classes that have the parts inside them: all would be split anew, and test images be trained on."""
    for name in names:
        part = next((inner for inner in name[1:-1] if inner.lower() in PART_NAMES), None)
        if part is not None:
            raise DataError(
                f"{shown(folder)} holds {shown(os.sep.join(name[:-1]))}, a part inside a class: put the parts on top, "
                f"as in {shown(part)}{os.sep}{shown(name[0])}"
            )


def _without_wrapper(
    names: Sequence[tuple[str, ...]], stop: Sequence[str] = tuple(PART_NAMES)
) -> Sequence[tuple[str, ...]]:
    """Leave out a folder that all files are in, as it says nothing of any of them."""
    while all(len(name) > 1 and name[0] == names[0][0] for name in names) and names[0][0].lower() not in stop:
        names = [name[1:] for name in names]
    return names


def _check_parts(folder: Path, found: set[str]) -> None:
    meant = {PART_NAMES[name.lower()]: name for name in sorted(found)}
    for name in found:
        other = meant[PART_NAMES[name.lower()]]
        if name != other:
            raise DataError(f"{shown(folder)} holds {name} and {other}, which are one part: put them into one folder")
    if "train" not in meant:
        raise DataError(f"{shown(folder)} holds {', '.join(sorted(found))} but no train: add a folder of that name")


def _labels(folder: Path, names: Sequence[tuple[str, ...]]) -> list[Optional[str]]:
    """Return the class of each file, its first folder, or None of each if no file is in a folder."""
    direct = [name for name in names if len(name) == 1]
    if len(direct) == len(names):
        return [None] * len(names)
    if direct:
        inside = next(name for name in names if len(name) > 1)
        raise DataError(
            f"{shown(folder)} holds images, such as {shown(direct[0][0])}, beside folders of images, such as "
            f"{shown(inside[0])}: put all into folders, which are their classes, or none"
        )
    return [name[0] for name in names]
