"""Sparse matrices as SciPy saves them, checked before they are used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..opening import RATIO, ROOM, DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SPARSE = {"format", "shape", "data"}
"""Names that are in each .npz file of ``scipy.sparse.save_npz``."""

KEYS = {"csr": ("indptr", "indices"), "csc": ("indptr", "indices"), "coo": ("row", "col")}


def read_sparse(path: Path, arrays: dict[str, np.ndarray]) -> csr_matrix:
    """Make a matrix of the arrays in a file of ``scipy.sparse.save_npz``.

    Parameters
    ----------
    path : Path
        The file, for messages.
    arrays : dict[str, np.ndarray]
        What it holds.

    Returns
    -------
    csr_matrix
        ``(N, X)``, with sorted indices and no entry twice.

    Raises
    ------
    DataError
        If the arrays are no matrix.
    """
    form = arrays["format"].item() if arrays["format"].shape == () else None
    form = form.decode("ascii", "replace") if isinstance(form, bytes) else form
    if form not in KEYS:
        raise DataError(f"{path} has a sparse matrix of the format {form}: save it as csr, matrix.tocsr()")
    others = sorted(set(arrays) - SPARSE - {*KEYS[form], "_is_array"})
    missing = sorted(set(KEYS[form]) - set(arrays))
    if others or missing:
        raise DataError(f"{path} is no {form} matrix: it has {', '.join(sorted(arrays))}")
    shape, data = arrays["shape"], arrays["data"]
    if shape.shape != (2,) or shape.dtype.kind not in "ui" or shape.min() < 1:
        raise DataError(f"{path} has a sparse matrix of shape {shape.tolist()}: it must be (N, X), not empty")
    if data.ndim != 1 or data.dtype.kind not in "buif":
        raise DataError(f"{path} must have real numbers, got data {data.shape} of {data.dtype}")
    first, second = (arrays[key] for key in KEYS[form])
    return checked_csr(str(path), form, data, first, second, (int(shape[0]), int(shape[1])))


def checked_csr(
    name: str, form: str, data: np.ndarray, first: np.ndarray, second: np.ndarray, shape: tuple[int, int]
) -> csr_matrix:
    """Make a matrix of checked parts.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    form : str
        "csr", "csc" or "coo".
    data : np.ndarray
        The entries, ``(n,)``.
    first, second : np.ndarray
        ``indptr`` and ``indices``, or rows and columns of the entries.
    shape : tuple[int, int]
        ``(N, X)``.

    Raises
    ------
    DataError
        If an index is out of range, or pointers do not rise from 0 to the number of entries.
    """
    from scipy import sparse

    rows, columns = shape
    if 8 * max(shape) > max(ROOM, 8 * RATIO * len(data)):  # a vector of that length may be made
        raise DataError(f"{name} says that it has shape {shape}, of {len(data):,} entries: it is broken")
    minor = columns if form == "csr" else rows
    if form == "coo":
        good = _are_indices(first, rows, len(data)) and _are_indices(second, columns, len(data))
    else:
        good = _are_indices(second, minor, len(data)) and _are_pointers(first, rows + columns - minor, len(data))
    if not good:
        raise DataError(f"{name} is a broken {form} matrix: its indices do not fit its shape {shape} and its entries")
    kind = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "coo": sparse.coo_matrix}[form]
    native = np.float32 if data.dtype == np.float16 else data.dtype.newbyteorder("=")  # SciPy has no others
    data = data.astype(native, copy=False)
    parts = (data, (first, second)) if form == "coo" else (data, second, first)
    matrix = kind(parts, shape=shape).tocsr()
    matrix.sum_duplicates()
    return matrix


def _are_indices(indices: np.ndarray, end: int, count: int) -> bool:
    fit = indices.ndim == 1 and indices.dtype.kind in "ui" and len(indices) == count
    return fit and (count == 0 or (indices.min() >= 0 and indices.max() < end))


def _are_pointers(pointers: np.ndarray, lines: int, count: int) -> bool:
    if pointers.ndim != 1 or pointers.dtype.kind not in "ui" or len(pointers) != lines + 1:
        return False
    return pointers[0] == 0 and pointers[-1] == count and bool((pointers[1:] >= pointers[:-1]).all())
