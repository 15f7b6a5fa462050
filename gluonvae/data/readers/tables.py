"""Tables: .csv, .tsv and .parquet files, and folders of them by part."""

from __future__ import annotations

import importlib.util
import logging
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ... import checks
from ..opening import DataError, check_file, check_unpacked_size, reading
from .base import ROWS, Contents, Reader, Rows, Wishes
from .columns import as_annotation, as_values
from .parts import names_in, parts_in

if TYPE_CHECKING:
    from pyarrow import Table

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")

INDEX = re.compile(r"|Unnamed: 0|__index_level_\d+__")
"""Names of the columns in which pandas writes the names or numbers of rows."""

_log = logging.getLogger(__name__)


def recognises(path: Path) -> bool:
    """Return whether a path is named as a table, or is a folder with a table called train."""
    if path.is_dir():
        return "train" in parts_in(path, SUFFIXES)
    return path.name.lower().endswith(SUFFIXES)


def read(path: Path, wishes: Wishes) -> Contents:
    """Read numbers ``(N, X)``, with the names of their columns. Missing ones are NaN, true and false 1 and 0."""
    if importlib.util.find_spec("pyarrow") is None:
        raise DataError(f"{path}: tables are read by pyarrow: pip install 'gluonvae[tables]'")
    if not path.is_dir():
        rows, columns = _read_part(path, wishes, None)
        return Contents({"train": rows}, ROWS, columns=columns)
    files = parts_in(path, SUFFIXES)
    if "train" not in files:
        raise DataError(f"{path} is a folder without a table called train ({', '.join(SUFFIXES)})")
    others = sorted(set(names_in(path)) - {file.name for file in files.values()})
    if others:
        raise DataError(
            f"{path} holds {', '.join(others[:3])} beside tables called train, valid and test: keep these alone"
        )
    parts = {part: _read_part(file, wishes, path) for part, file in files.items()}
    columns = parts["train"][1]
    for part, (_, names) in parts.items():
        if names != columns:
            odd = sorted(set(names) ^ set(columns))[:5]
            raise DataError(f"{files[part]} has other columns than train: {', '.join(odd) or 'in another order'}")
    return Contents({part: rows for part, (rows, _) in parts.items()}, ROWS, columns=columns)


def _read_part(path: Path, wishes: Wishes, folder: Optional[Path]) -> tuple[Rows, tuple[str, ...]]:
    import pyarrow as pa

    from .delimited import read_delimited

    check_file(path, folder)
    with reading(path, "a table", pa.ArrowException, OverflowError, LookupError):
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else read_delimited(path)
        _check_table(path, table)
        labels, groups = (_annotation(path, table, name) for name in (wishes.label_column, wishes.group_column))
        if groups is not None and table[wishes.group_column].null_count:
            raise DataError(f"{path}: the column {wishes.group_column!r} of groups has empty cells: fill them")
        left = _without(path, table, wishes)
        values = as_values(path, left)
    return Rows(values, labels, groups), tuple(left.column_names)


def _read_parquet(path: Path) -> Table:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        metadata = file.metadata
        said = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        check_unpacked_size(path, max(said, 8 * metadata.num_rows * metadata.num_columns))
        return file.read()


def _check_table(path: Path, table: Table) -> None:
    names = table.column_names
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{path} has several columns called {', '.join(map(repr, twice[:5]))}: give each its own name")
    if not table.num_rows:
        raise DataError(f"{path} has no rows")


def _annotation(path: Path, table: Table, name: Optional[str]):  # type: ignore[no-untyped-def]  # array or None
    return None if name is None else as_annotation(table[_known(path, table, name)])


def _known(path: Path, table: Table, name: str) -> str:
    try:
        return checks.known_name("column", name, table.column_names)
    except ValueError as error:
        names, hint = table.column_names, str(error).partition("; ")[2]
        shown = ", ".join(names[:10]) + ", ..." * (len(names) > 10)
        raise DataError(f"{path} has no column {name!r}; {hint or f'it has {shown}'}") from None


def _without(path: Path, table: Table, wishes: Wishes) -> Table:
    """Leave out what is no value: what was asked for, and the names of rows in a column without a name."""
    asked = {wishes.label_column, wishes.group_column, *(_known(path, table, name) for name in wishes.drop)} - {None}
    index = [name for i, name in enumerate(table.column_names) if _is_index(i, name) and name not in asked]
    if index:
        _log.warning("%s: the column %s is taken for names of rows and left out", path, ", ".join(map(repr, index)))
    left = table.drop_columns([*asked, *index]) if asked or index else table
    if not left.num_columns:
        raise DataError(f"{path} has no columns left")
    return left


def _is_index(number: int, name: str) -> bool:
    return INDEX.fullmatch(name) is not None and (number == 0 or name.startswith("__"))


READER = Reader("tables", recognises, read, ("label_column", "group_column", "drop"))
