"""Progress bars."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
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


WITH_EPOCH = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {an_epoch}{rate_fmt}{postfix}]"
"""tqdm's own bar, and how long an epoch takes."""


class EpochBar(tqdm):
    """A progress bar over epochs, which tells from its first steps how long one takes.

    Parameters
    ----------
    epoch_size : int
        The number of units in an epoch.
    **options
        Arguments of ``tqdm``.
    """

    def __init__(self, epoch_size: int, **options: Any) -> None:
        self.epoch_size = epoch_size
        super().__init__(bar_format=WITH_EPOCH, **options)

    @property
    def format_dict(self) -> Any:
        """What the bar may show: ``an_epoch`` with the rest."""
        shown = super().format_dict
        done = (shown["n"] or 0) - (shown["initial"] or 0)
        rate = shown["rate"] or (done / shown["elapsed"] if shown["elapsed"] else 0)
        return {**shown, "an_epoch": f"an epoch {duration(self.epoch_size / rate)}, " if rate else ""}


def duration(seconds: float) -> str:
    """Return a time in words, with two digits: "0.52 s", "12 s", "3.5 min", "26 h"."""
    for size, unit in ((1, "s"), (60, "min"), (3600, "h")):
        if seconds < 99.5 * size or unit == "h":
            break
    return f"{float(f'{seconds / size:.2g}'):g} {unit}"


def progress_bar(
    total: Optional[int], unit: str, shown: bool = True, epoch_size: Optional[int] = None, **options: Any
) -> tqdm:
    """Return a progress bar on the error output, which never raises.

    Parameters
    ----------
    total : int, optional
        The number of units at the end.
    unit : str
        What is counted.
    shown : bool
        Whether there is a bar; it is not shown either if there is no error output.
    epoch_size : int, optional
        The number of units in an epoch, where there are several: the bar is an :class:`EpochBar`.
    **options
        Further arguments of ``tqdm``.
    """
    shown = shown and not _silent and sys.stderr is not None
    options = {"total": total, "unit": unit, "unit_scale": True, **options}
    bar = tqdm if epoch_size is None else partial(EpochBar, epoch_size)
    try:
        return bar(disable=not shown, file=_Forgiving(sys.stderr) if shown else None, **options)
    except (OSError, ValueError):  # tqdm has tried the error output itself
        return tqdm(disable=True, **options)
