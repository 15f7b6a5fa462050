"""Progress bars."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Optional, TextIO

from tqdm import tqdm


class _Forgiving:
    """A text stream that drops what cannot be written: a terminal may be closed, a disk full, a name unprintable."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __eq__(self, other: object) -> bool:
        # tqdm clears a bar before it writes to the stream that the bar is on
        return other is self or other is self._stream

    def __hash__(self) -> int:
        return hash(self._stream)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


_silent = False


@contextlib.contextmanager
def no_progress_bars() -> Iterator[None]:
    """Context manager in which no progress bar is shown, whoever asks for one."""
    global _silent
    before, _silent = _silent, True
    try:
        yield
    finally:
        _silent = before


def progress_bar(total: Optional[int], unit: str, shown: bool = True, **options: Any) -> tqdm:
    """Return a progress bar on the error output, which never raises.

    Parameters
    ----------
    total : int, optional
        The number of units at the end.
    unit : str
        What is counted.
    shown : bool
        Whether there is a bar; it is not shown either if there is no error output.
    **options
        Further arguments of ``tqdm``.
    """
    shown = shown and not _silent and sys.stderr is not None
    options = {"total": total, "unit": unit, "unit_scale": True, **options}
    try:
        return tqdm(disable=not shown, file=_Forgiving(sys.stderr) if shown else None, **options)
    except (OSError, ValueError):  # tqdm has tried the error output itself
        return tqdm(disable=True, **options)
