"""Tables of numbers, one row for each data point, in the form that the name of a file says."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np

from ..files import replacing


class Table:
    """Numbers with names.

    Parameters
    ----------
    keys : mapping of str to sequence
        What rows are told apart by, a column of each name: R values each.
    name : str
        What the numbers are called as an array.
    values : numpy.ndarray
        ``(..., C)``, R rows together.
    columns : sequence of str
        The names of the C columns.
    """

    def __init__(self, keys: Mapping[str, Any], name: str, values: np.ndarray, columns: Sequence[str]) -> None:
        self.keys, self.name, self.values, self.columns = keys, name, values, columns

    @property
    def rows(self) -> np.ndarray:
        """``(R, C)``."""
        return self.values.reshape(-1, self.values.shape[-1])

    def write(self, path: Path) -> None:
        """Write it, whole or not at all.

        Raises
        ------
        ValueError
            For a form that is not known.
        """
        if path.suffix not in WRITERS:
            raise ValueError(f"{path} must end in one of {', '.join(WRITERS)}")
        with replacing(path) as part:
            WRITERS[path.suffix](self, part)


def write_text(table: Table, path: Path) -> None:
    """Write a .csv file, or one with tabs, by its name."""
    delimiter = "\t" if ".tsv" in path.name else ","
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([*table.keys, *table.columns])
        for row, *key in zip(table.rows, *table.keys.values()):
            writer.writerow([*key, *(f"{value:.9g}" for value in row)])


def _write_arrays(table: Table, path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, **{table.name: table.values}, **{name: np.asarray(of) for name, of in table.keys.items()})


def _write_parquet(table: Table, path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError(".parquet files are written by pyarrow: pip install 'gluonvae[tables]'") from error
    arrays = {**table.keys, **dict(zip(table.columns, np.ascontiguousarray(table.rows.T)))}
    pyarrow.parquet.write_table(pyarrow.table({name: pyarrow.array(list(of)) for name, of in arrays.items()}), path)


WRITERS: dict[str, Callable[[Table, Path], None]] = {
    ".csv": write_text,
    ".tsv": write_text,
    ".parquet": _write_parquet,
    ".npz": _write_arrays,
}
"""What writes a table, by the suffix of the file."""
