"""Folders whose files are the parts of a data set by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..opening import reading
from .base import PARTS


def parts_in(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Find train, valid and test in a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    suffixes : Sequence[str]
        What the names of the files may end with, such as ".npy".

    Returns
    -------
    dict[str, Path]
        The files by part.
    """
    files = {part: [folder / f"{part}{suffix}" for suffix in suffixes] for part in PARTS}
    there = {part: [path for path in paths if path.is_symlink() or path.exists()] for part, paths in files.items()}
    return {part: paths[0] for part, paths in there.items() if paths}


def names_in(folder: Path) -> list[str]:
    """Return the names of all that is in a folder and not hidden, in order."""
    with reading(folder, "a folder"):
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
