"""EMNIST, handwritten letters and digits, from the one archive of its six sets."""

from __future__ import annotations

import gzip
import string
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, Optional, cast

import numpy as np

from .known_set import KnownSet, named
from .opening import DataError, reading
from .readers.base import Rows
from .readers.idx import read_idx
from .sources import Published

_MERGED = string.digits + string.ascii_uppercase + "abdefghnqrt"
"""Small letters that look like capitals are of one class with these."""

CLASSES: dict[str, Optional[str]] = {
    "balanced": _MERGED,
    "bymerge": _MERGED,
    "byclass": string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "letters": " " + string.ascii_uppercase,  # its numbers begin with 1
    "digits": None,
    "mnist": None,
}
"""The names of the classes of each set, a character each; None where they are their numbers."""


def _read(paths: Sequence[Path], which: str) -> dict[str, Rows]:
    (path,) = paths
    with reading(path, "EMNIST's archive", zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return {part: _part(archive, f"gzip/emnist-{which}-{part}", CLASSES[which]) for part in ("train", "test")}


def _part(archive: zipfile.ZipFile, stem: str, classes: Optional[str]) -> Rows:
    images, labels = (_member(archive, f"{stem}-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1"))
    upright = np.ascontiguousarray(images.swapaxes(1, 2))  # rows and columns are exchanged in the files
    return Rows(upright, named(labels, classes) if classes else labels)


def _member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    try:
        with archive.open(name) as packed, gzip.open(packed) as file:
            return read_idx(cast(BinaryIO, file))
    except KeyError:
        raise DataError(f"{archive.filename} has no {name}") from None


EMNIST = {
    f"emnist_{which}": KnownSet(
        title=f"EMNIST, {which}",
        folder="emnist",
        address=lambda: "https://biometrics.nist.gov/cs_links/EMNIST/",
        files=(Published("gzip.zip", "md5:58c8d27c78d21e728a6bc7b3cc06412e"),),  # as torchvision has it
        read=partial(_read, which=which),
        licence="none stated; made of NIST Special Database 19, a work of the United States government",
        citation="Cohen, Afshar, Tapson and van Schaik, EMNIST: extending MNIST to handwritten letters, 2017",
    )
    for which in CLASSES
}
