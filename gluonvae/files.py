"""Files that are written whole or not at all, and strict JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Optional


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file atomically: context manager for a temporary file that replaces ``path`` at the end.

    If the block raises, the temporary file is removed and ``path`` is unchanged. Missing folders are created.

    Parameters
    ----------
    path : Path
        The file to write.

    Yields
    ------
    Path
        The temporary file to write to, in the same folder and with the same suffix.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def as_json(content: object, indent: Optional[int] = None) -> str:
    """Return strict JSON, in which NaN and infinity are null, as JSON has no such numbers.

    Parameters
    ----------
    content : object
        Mappings, sequences, text and numbers.
    indent : int, optional
        As for :func:`json.dumps`.

    Returns
    -------
    str
        The text.
    """
    return json.dumps(_finite_or_none(content), indent=indent, allow_nan=False)


def _finite_or_none(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite_or_none(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite_or_none(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def parse_json(text: str) -> Any:
    """Parse strict JSON: without NaN, infinity, numbers beyond float64 and objects with a key twice.

    Parameters
    ----------
    text : str
        The text.

    Returns
    -------
    object
        What it stands for.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from error
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return content
