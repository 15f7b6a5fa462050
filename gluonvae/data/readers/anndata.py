"""AnnData files: cells with counts of genes, and annotations of both."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ... import checks
from ...backend.address_space import memory_bounded
from ..opening import DataError, check_file, check_unpacked_size, first_bytes, limit, reading
from .base import CELLS, Contents, Reader, Rows, Wishes
from .hdf5 import check_heaps, check_links
from .sparse import checked_csr

if TYPE_CHECKING:
    from h5py import Dataset, File, Group

SPARSE = {"csr_matrix": "csr", "csc_matrix": "csc"}


def recognises(path: Path) -> bool:
    """Return whether a path is named as an AnnData file."""
    return path.suffix.lower() == ".h5ad" and not path.is_dir()


def read(path: Path, wishes: Wishes) -> Contents:
    """Read counts, ``(N, X)``: a ``csr_matrix`` where the file has a sparse matrix, else an array.

    ``wishes.layer`` names a layer, or is "X" or "raw".
    """
    check_file(path)
    if importlib.util.find_spec("anndata") is None:
        raise DataError(f"{path} is read by anndata: pip install 'gluonvae[anndata]'")
    if first_bytes(path, 8)[1:4] != b"HDF":
        raise DataError(f"{path} is no AnnData file: it does not begin as HDF5")
    import anndata  # noqa: F401  # before memory is bounded, in which its libraries would count
    import h5py

    check_heaps(path)
    # a broken file makes the library of HDF5 and anndata raise nearly anything, and ask for memory without end
    allowed = path.stat().st_size + limit(path)
    with reading(path, "an AnnData file", Exception), memory_bounded(allowed), h5py.File(path, "r") as file:
        check_links(path, file)
        if (
            not isinstance(file.get("obs"), h5py.Group)
            or not isinstance(file.get("var"), h5py.Group)
            or "X" not in file
        ):
            raise DataError(
                f"{path} has no X, obs and var as AnnData writes them since 0.7: read it with anndata and write it anew"
            )
        place = _place(path, file, wishes.layer)
        values = _matrix(path, file[place])
        if wishes.layer is None:
            _check_counts(path, file, values)
        names = _names(path, file["raw/var" if place == "raw/X" else "var"])
        labels, groups = (_annotation(path, file["obs"], name) for name in (wishes.label_column, wishes.group_column))
    _check_sizes(path, values, names, labels, groups)
    return Contents({"train": Rows(values, labels, groups)}, CELLS, columns=names)


def _place(path: Path, file: File, layer: Optional[str]) -> str:
    places = {"X": "X", **({"raw": "raw/X"} if "raw/X" in file else {})}
    places.update({name: f"layers/{name}" for name in file.get("layers", ())})
    try:
        return places[checks.known_name("layer", layer or "X", places)]
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def _matrix(path: Path, item: Any) -> Any:
    """Read a matrix, which is checked; what lies in the file as it is in memory is mapped."""
    import h5py

    form = item.attrs.get("encoding-type", "array")
    if form in SPARSE and isinstance(item, h5py.Group):
        shape = tuple(int(size) for size in item.attrs["shape"])
        if len(shape) != 2 or min(shape) < 1:
            raise DataError(f"{path}: {item.name} has shape {shape}: it must be (N, X), not empty")
        data, indptr, indices = (_values(path, item[key]) for key in ("data", "indptr", "indices"))
        if data.dtype.kind not in "buif":
            raise DataError(f"{path}: {item.name} must be numbers, got {data.dtype}")
        return checked_csr(f"{path}: {item.name}", SPARSE[form], data, indptr, indices, shape)
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "buif" or item.ndim != 2 or not item.size:
        raise DataError(f"{path}: {item.name} must be a matrix of numbers (N, X), not empty")
    if item.id.get_offset() is not None:
        return np.memmap(path, item.dtype, "r", item.id.get_offset(), item.shape)
    return _values(path, item)


def _values(path: Path, item: Dataset) -> np.ndarray:
    check_unpacked_size(path, math.prod(item.shape) * item.dtype.itemsize)
    return item[()]


def _check_counts(path: Path, file: File, values: Any) -> None:
    """Refuse normalised values where there are counts beside them."""
    others = [f"--layer {name}" for name in file.get("layers", ()) if "count" in name or name == "raw"]
    others += ["--layer raw"] * ("raw/X" in file)
    if others and not _are_whole(values):
        raise DataError(
            f"{path}: X is not of whole numbers, so it is normalised, and there are other values: choose "
            f"{' or '.join(others)}, or --layer X to have it as it is"
        )


def _are_whole(values: Any) -> bool:
    """Return whether all values are whole, looked at in pieces."""
    entries = values.data if hasattr(values, "indptr") else values
    step = max(1, (1 << 22) * len(entries) // max(1, entries.size))
    pieces = (entries[start : start + step] for start in range(0, len(entries), step))
    return all(np.array_equal(piece, np.rint(piece)) for piece in pieces)


def _element(path: Path, item: Any) -> Any:
    """Read an annotation, in whichever of AnnData's forms it is written."""
    try:
        from anndata.io import read_elem
    except ImportError:  # before 0.11
        from anndata.experimental import read_elem
    import h5py

    def check(dataset: Any) -> None:
        if isinstance(dataset, h5py.Dataset):
            check_unpacked_size(path, math.prod(dataset.shape) * dataset.dtype.itemsize)

    if isinstance(item, h5py.Group):
        item.visititems(lambda _, dataset: check(dataset))
    check(item)
    return read_elem(item)


def _names(path: Path, frame: Group) -> tuple[str, ...]:
    return tuple(str(name) for name in _element(path, frame[frame.attrs["_index"]]))


def _annotation(path: Path, obs: Group, name: Optional[str]) -> Optional[np.ndarray]:
    """Return an annotation of cells, ``(N,)``: names, None where one is missing, or numbers."""
    if name is None:
        return None
    known = [column for column in obs if column != obs.attrs["_index"] and not column.startswith("__")]
    try:
        element = _element(path, obs[checks.known_name("annotation of cells", name, known)])
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    array = np.asarray(element)
    if array.dtype.kind not in "OSU":
        return array
    import pandas as pd

    return np.array([None if pd.isna(value) else str(value) for value in array], object)


def _check_sizes(path: Path, values: Any, names: tuple[str, ...], *annotations: Optional[np.ndarray]) -> None:
    rows, columns = values.shape
    if len(names) != columns or any(a is not None and a.shape != (rows,) for a in annotations):
        raise DataError(f"{path} is broken: its annotations do not fit its matrix {values.shape}")


READER = Reader("AnnData files", recognises, read, ("label_column", "group_column", "layer"))
