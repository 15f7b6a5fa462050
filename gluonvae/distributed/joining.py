"""The group of workers that this process belongs to, which it joins."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from .._version import __version__
from ..backend.runtime import mx
from .group import Group
from .horovod import Horovod
from .identity import EXCHANGE, HOROVODRUN, LAUNCH, TIMEOUT, Identity, identity_of
from .kvstore import KVStore
from .rendezvous import root_of
from .reports import Reports, Watch
from .roles import Roles

_log = logging.getLogger(__name__)

SECONDS = 60.0
"""After how many seconds of waiting for the others a worker gives up, unless told otherwise."""
LOST = 4
"""The exit status of a worker that has lost the others."""

_current: Optional[Group] = None
_is_alone = False


def current() -> Group:
    """Return the group of this process, which is joined at the first call.

    Raises
    ------
    ValueError
        Where what started the process says nothing that could be.
    """
    global _current
    if _is_alone:
        return ALONE
    if _current is None:
        _current = _join(identity_of(os.environ))
    return _current


ALONE = Group(Identity())


@contextmanager
def alone() -> Iterator[None]:
    """Context manager of what this worker does without the others, such as an estimate on data of its own."""
    global _is_alone
    before, _is_alone = _is_alone, True
    try:
        yield
    finally:
        _is_alone = before


def _join(identity: Identity) -> Group:
    if identity.size == 1:
        return ALONE
    reports = Reports.of_environment()

    def end(error: str) -> None:
        reports.tell(error=error)
        print(f"gluonvae: {error}", file=sys.stderr, flush=True)
        os._exit(LOST)  # the main thread hangs in MXNet

    def give_up(seconds: float) -> None:
        end(f"rank {identity.rank} has waited {seconds:.0f} s for the others ({TIMEOUT})")

    watch = Watch(reports, _timeout(), give_up)
    with watch.waiting():
        exchange = _connect(identity, end)
    group = Group(identity, exchange, watch)
    group.check_same({"gluonvae": __version__, "MXNet": mx.__version__, "NumPy": np.__version__})
    _log.info("rank %d of %d workers", identity.rank, identity.size)
    return group


def _timeout() -> float:
    text = os.environ.get(TIMEOUT) or str(SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise ValueError(f"{TIMEOUT} must be a positive number of seconds, got {text!r}")
    return seconds


def _connect(identity: Identity, died: Callable[[str], object]) -> Any:
    """Connect a worker to the others by what sums over them; ``died`` is told of what ends before them."""
    if identity.started_by == HOROVODRUN or os.environ.get(EXCHANGE) == "horovod":
        exchange: Any = Horovod(identity)
    else:
        root = root_of(identity, os.environ)
        if identity.rank == 0 and identity.started_by != LAUNCH:
            roles = Roles(root, identity.size, died=died)
            # who has failed does not wait for the others
            atexit.register(lambda: roles.end(*([0.0] if hasattr(sys, "last_type") else [])))
        exchange = KVStore(identity, root)
    atexit.register(exchange.close)  # left to the interpreter, MXNet aborts
    return exchange
