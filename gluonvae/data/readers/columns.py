"""Columns of a table as numbers, labels and groups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional

import numpy as np

from ..opening import DataError
from .delimited import NUMBER, THOUSANDS

if TYPE_CHECKING:
    from pyarrow import ChunkedArray, DataType, Table

EXACT = 2**53
"""Whole numbers beyond it are not exact in float64."""

REMEDY = "make it the label (--label-column), the groups (--groups) or leave it out (--drop)"


def as_values(path: Path, table: Table) -> np.ndarray:
    """Return the numbers of a table.

    Parameters
    ----------
    path : Path
        Its file, for messages.
    table : pyarrow.Table
        N rows and X columns of numbers, true and false.

    Returns
    -------
    np.ndarray
        ``(N, X)``: integers where there are only these and none is missing, else float32 or float64 with NaN for
        missing numbers.

    Raises
    ------
    DataError
        If a column is not of numbers.
    """
    for name in table.column_names:
        problem = _problem(table[name])
        if problem:
            raise DataError(f"{path}: the column {name!r} {problem}")
    values = np.empty((table.num_rows, table.num_columns), _dtype(table))
    for i, column in enumerate(table.columns):
        values[:, i] = _numbers(column)
    return values


def as_annotation(column: ChunkedArray) -> np.ndarray:
    """Return a column as it is, ``(N,)``: numbers, True and False, or text; a missing one is NaN or None."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        numbers = column.to_numpy()
        is_rounded = pa.types.is_integer(kind) and numbers.dtype.kind == "f" and _inexact(numbers)
        return np.array(column.to_pylist(), object) if is_rounded else numbers
    if pa.types.is_boolean(kind) and not column.null_count:
        return column.to_numpy().astype(bool)
    return np.array([value if value is None else str(value) for value in column.to_pylist()], object)


def _problem(column: ChunkedArray) -> Optional[str]:
    """Return what a column is if it cannot be numbers, and what to do."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        kind, column = kind.value_type, column.cast(kind.value_type)
    if column.null_count == len(column):
        return "is empty: leave it out (--drop)"
    if types.is_temporal(kind):
        return f"has dates or times ({kind}): write them as numbers, such as days since a day, or {REMEDY}"
    if types.is_string(kind) or types.is_large_string(kind):
        return _text_problem(column)
    if isinstance(column.type, pa.DictionaryType) or not _is_number(kind):
        return f"is of the type {kind}, not numbers: {REMEDY}"
    inexact = _inexact(_numbers(column))
    return inexact and f"has whole numbers beyond 2^53, such as {inexact}, which are not exact: {REMEDY}"


def _inexact(numbers: np.ndarray) -> Optional[str]:
    """Return one of whole numbers that float64 does not have; of reals there is none."""
    finite = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    far = finite[(finite >= EXACT) | (finite <= -EXACT)]
    whole = numbers.dtype.kind in "ui" or np.array_equal(finite, np.rint(finite))
    return str(int(far[0])) if len(far) and whole else None


def _text_problem(column: ChunkedArray) -> str:
    from pyarrow import compute

    texts = [text for text in column.unique().to_pylist() if text is not None]
    odd = [text for text in texts[:1000] if not NUMBER.fullmatch(text)]
    if texts and all(map(THOUSANDS.fullmatch, odd)) and odd:
        return f"has separators of thousands, as in {odd[0]!r}: write numbers without them"
    shown = ", ".join(repr(text[:30]) for text in odd[:3])
    if 2 * len(odd) < min(len(texts), 1000):
        row = compute.index(column, odd[0]).as_py() + 1 if odd else 1
        return f"has numbers but for {shown}, first in data row {row}: leave such cells empty if they are missing"
    return f"is text ({len(texts)} different values: {shown}): {REMEDY}"


def _is_number(kind: DataType) -> bool:
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(test(kind) for test in tests)


def _numbers(column: ChunkedArray) -> np.ndarray:
    import pyarrow as pa
    from pyarrow import types

    if types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    elif types.is_decimal(column.type):
        column = column.cast(pa.float64())
    return column.to_numpy()


def _dtype(table: Table) -> np.dtype:
    from pyarrow import types

    kinds = table.schema.types
    whole = [types.is_integer(kind) or types.is_boolean(kind) for kind in kinds]
    if all(whole) and not any(column.null_count for column in table.columns):
        return _smallest(table)
    narrow = all(types.is_float32(k) or types.is_float16(k) or types.is_boolean(k) for k in kinds)
    return np.dtype(np.float32 if narrow else np.float64)


def _smallest(table: Table) -> np.dtype:
    """Return the first of uint8, int32 and int64 that has all the numbers."""
    numbers = [_numbers(column) for column in table.columns]
    low, high = min(int(n.min()) for n in numbers), max(int(n.max()) for n in numbers)
    fitting = (
        kind for kind in (np.uint8, np.int32, np.int64) if np.iinfo(kind).min <= low <= high <= np.iinfo(kind).max
    )
    return np.dtype(next(fitting))
