"""Downloads: whole and checked, or an error in bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..files import replacing
from ..progress import progress_bar
from .opening import DataError

if TYPE_CHECKING:
    from requests import Response

CHUNK = 1 << 20
TIMEOUT = 30.0
"""Seconds without a byte."""
ANSWER = 120.0
"""Seconds until the content begins, all redirections together."""
SLOWEST = 1024
"""Bytes a second that must come, on the average of each :data:`TIMEOUT`."""
LARGEST = 8 << 30
"""Bytes beyond which a download is given up."""


def download(url: str, path: Path, finish: Callable[[Path], object]) -> Path:
    """Download a file. It appears under its name only when it is complete and checked.

    Parameters
    ----------
    url : str
        Address of the file.
    path : Path
        Where to write it.
    finish : Callable[[Path], object]
        Called with the path of the temporary file; raises a ValueError, such as DataError, if the content is wrong.
        It may write to the file what is to be kept instead.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    DataError
        If the download or the check fails; nothing is kept then.
    """
    import requests
    from urllib3.exceptions import HTTPError

    name = url.rsplit("/", 1)[-1]
    try:
        with replacing(path) as part:
            with _answer(url) as response:
                _write(response, part, name)
            finish(part)
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        raise DataError(
            f"{name} could not be downloaded from {url}: {error}. Nothing was "
            f"kept. Try again, or put the file into {path.parent} yourself"
        ) from error
    return path


def _answer(url: str) -> Response:
    import requests

    as_it_is = {"Accept-Encoding": "identity"}  # no compression in transit: the digest is of the file
    answer = _within(ANSWER, lambda: requests.get(url, stream=True, timeout=TIMEOUT, headers=as_it_is))
    answer.raise_for_status()
    return answer


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return what a call returns, or raise DataError in time: no time-out of a socket bounds the sum of its waits."""
    future: Future = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except OutOfTime:
        raise DataError(f"no answer within {seconds:.0f} seconds") from None


def _write(response: Response, part: Path, name: str) -> None:
    promised = int(response.headers.get("Content-Length") or 0)
    bar, received = progress_bar(promised or None, "B", desc=name), 0
    with open(part, "wb") as file, bar:
        for chunk in _chunks(response):
            received += file.write(chunk)
            bar.update(len(chunk))
            if received > LARGEST:
                raise DataError(f"more than {LARGEST:,} bytes came")
    if promised and received != promised:
        raise DataError(f"got {received} of {promised} bytes")


def _chunks(response: Response) -> Iterator[bytes]:
    """Yield the content as it comes; raise DataError where it comes slower than :data:`SLOWEST`."""
    started, count = time.monotonic(), 0
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        yield chunk
        count += len(chunk)
        passed = time.monotonic() - started
        if passed > TIMEOUT:
            if count < SLOWEST * passed:
                raise DataError(f"only {count} bytes came in {passed:.0f} seconds")
            started, count = time.monotonic(), 0
