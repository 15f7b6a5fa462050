"""Text with separators: what separates, what is the decimal point and whether there is a line of names."""

from __future__ import annotations

import codecs
import csv
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..opening import DataError, open_unpacked

if TYPE_CHECKING:
    from pyarrow import Table

SAMPLE = 1 << 18
"""Bytes from which the form of a file is told."""

BLOCK = 1 << 20
"""Bytes that pyarrow reads at once: a line has to fit in."""

LONGEST_LINE = 1 << 26
"""Bytes of a line, at most: names of a million columns."""

SEPARATORS = ("\t", ";", "|", ",")
"""In the order in which they are tried: a comma may also be in the numbers."""

POINT = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)
COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
YEAR = re.compile(r"(1[5-9]|20|21)\d\d")
NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)

_log = logging.getLogger(__name__)


class _Form(NamedTuple):
    encoding: str
    separator: str
    decimal: str
    columns: list[str]
    """Names for a file without a line of names, else none."""
    longest_line: int
    """Bytes of the longest of the first lines."""


def read_delimited(path: Path) -> Table:
    """Read a file of text, which may be compressed.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    pyarrow.Table
        With the types that its columns appear to have.

    Raises
    ------
    DataError
        If it is no text in UTF-8 or UTF-16, its rows have unequal numbers of cells, or its numbers can be read in two
        ways.
    Exception
        PyArrow's own, if it is broken otherwise.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    form = _form(path)
    with open_unpacked(path) as file:
        try:
            table = arrow.read_csv(
                file,
                # in one thread, which can tell the number of a row
                arrow.ReadOptions(
                    use_threads=False,
                    encoding=form.encoding,
                    column_names=form.columns,
                    block_size=max(BLOCK, 4 * form.longest_line),
                ),
                arrow.ParseOptions(delimiter=form.separator, newlines_in_values=True),
                arrow.ConvertOptions(decimal_point=form.decimal, strings_can_be_null=True),
            )
        except pa.ArrowInvalid as error:
            raise DataError(f"{path} is not a table: {_said(error)}") from error
    if not _is_text(table):
        raise DataError(f"{path} is not text in UTF-8, perhaps in Latin-1: save it as UTF-8")
    return table


def _is_text(table: Table) -> bool:
    """Return whether names and cells could be decoded."""
    from pyarrow import types

    try:
        return bool(table.column_names) and not any(map(types.is_binary, table.schema.types))
    except UnicodeDecodeError:
        return False


def _said(error: Exception) -> str:
    """Return what pyarrow says of a row with too few or too many cells, in our words, or its first line."""
    match = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
    if match:
        return f"its row {match[1]} has {match[3]} cells and not {match[2]} (the first row of the file is row 1)"
    return str(error).splitlines()[0]


def _form(path: Path) -> _Form:
    encoding, text = _sample(path)
    lines = text.splitlines()[:200]
    _check_lines(path, lines)
    separator = next((mark for mark in SEPARATORS if _separates(lines, mark)), ",")
    rows = _rows(lines, separator)
    if not rows:
        raise DataError(f"{path} is empty")
    names = _names(path, rows)
    return _Form(encoding, separator, _decimal(path, rows, separator), names, max(map(len, lines)))


def _sample(path: Path) -> tuple[str, str]:
    """Return the encoding and the whole lines at the beginning."""
    with open_unpacked(path) as file:
        content = file.read(SAMPLE)
        while b"\n" not in content and len(content) < LONGEST_LINE:  # names of very many columns
            more = file.read(SAMPLE)
            if not more:
                break
            content += more
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8-sig"
    if not wide and b"\0" in content:
        raise DataError(f"{path} is not text in UTF-8: save it as UTF-8")
    text = content.decode(encoding, "replace")
    if len(content) >= SAMPLE:
        text = text[: text.rfind("\n") + 1] or text
    return "utf-16" if wide else "utf-8", text


def _check_lines(path: Path, lines: list[str]) -> None:
    """Refuse forms of text that other programs write, with what to do about each."""
    if lines and lines[0].lower().startswith("sep="):
        raise DataError(f"{path} begins with Excel's line {lines[0]!r}: remove this line")
    for mark in (*SEPARATORS, " "):
        first, *others = [len(row) for row in _rows(lines, mark)] or [0]
        if len(set(others)) == 1 and first > 1 and others[0] == first + 1:
            raise DataError(
                f"{path} has {first} cells in its first line and {others[0]} in the others, as R's write.table writes "
                "names of rows: write it without (row.names = FALSE), or with a name for their column (col.names = NA)"
            )
    if _separates(lines, " ") and not any(_separates(lines, mark) for mark in SEPARATORS):
        raise DataError(f"{path} has spaces between its cells: write commas, semicolons or tabs")


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:
        return []


def _separates(lines: list[str], mark: str) -> bool:
    widths = {len(row) for row in _rows(lines, mark)}
    return len(widths) == 1 and widths != {1}


def _names(path: Path, rows: list[list[str]]) -> list[str]:
    """Return names for the columns, those of pandas, where the first row has none; say so of a row of numbers.

    Numbers are names where they are 0, 1, 2, ... or 1, 2, 3, ..., or years in equal steps above what are no years.
    """
    first = rows[0]
    counted = [[str(i + start) for i in range(len(first))] for start in (0, 1)]
    if (len(first) > 2 and first in counted) or not all(map(NUMBER.fullmatch, first)):
        return []
    if _are_years_alone(rows):
        _log.warning("%s: the years in its first line, %s to %s, are taken for names", path, first[0], first[-1])
        return []
    _log.warning("%s has no line of names: its columns are called 1 to %d", path, len(first))
    return counted[1]


def _are_years_alone(rows: list[list[str]]) -> bool:
    """Return whether the first row is one of years in equal steps, and no other is one of years."""
    first, *others = ([cell.strip() for cell in row] for row in rows)
    if len(first) < 3 or not others or not all(map(YEAR.fullmatch, first)):
        return False
    steps = {int(later) - int(year) for year, later in zip(first, first[1:])}
    return len(steps) == 1 and 0 < min(steps) <= 10 and not any(all(map(YEAR.fullmatch, row)) for row in others)


def _decimal(path: Path, rows: list[list[str]], separator: str) -> str:
    cells = [cell.strip() for row in rows for cell in row]
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    if separator == "," or not commas:
        return "."
    if all(map(THOUSANDS.fullmatch, commas)):
        raise DataError(
            f"{path}: {commas[0]} is a thousand or a fraction: write numbers without separators of thousands"
        )
    points = [cell for cell in cells if POINT.fullmatch(cell)]
    if points:
        raise DataError(f"{path} has decimal points and decimal commas, {points[0]} and {commas[0]}: use one of them")
    return ","
