"""Forked processes, and calls from several threads."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from pathlib import Path
from threading import get_ident, get_native_id
from typing import Any, Callable, TypeVar

from .runtime import OPENMP, mx

Method = TypeVar("Method", bound=Callable[..., Any])

_caller = "_caller"
"""The attribute in which an object keeps the thread that is at work in it."""


def _after_fork() -> None:
    """Keep a forked process to one thread: those that wait for work in its parent were not copied, and the first
    operator would wait for them for ever."""
    global _caller
    _caller = f"_caller_in_{os.getpid()}"  # the thread that was at work in the parent is not here
    OPENMP.omp_set_num_threads(1)


def _activity() -> dict[str, list[str]]:
    """The state and the number of context switches of each other thread, where the system tells them."""
    found = {}
    for task in Path("/proc/self/task").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # a thread that has ended
            lines = (task / "status").read_text(errors="replace").splitlines()
            found[task.name] = [line for line in lines if line.startswith("State") or "ctxt_switches" in line]
    found.pop(str(get_native_id()), None)
    return found


def _before_fork() -> None:
    """Let the pooled engine come to rest. MXNet stops it when no operator is left, but a thread frees the arrays of
    its operator after that has been counted as done, and would crash in the engine that was stopped."""
    mx.nd.waitall()
    before = None
    for _ in range(100):  # other threads of the user's may never rest
        now = _activity()
        if now == before and all("(sleeping)" in state for state, *_ in now.values()):
            return
        before = now
        time.sleep(0.001)


os.register_at_fork(after_in_child=_after_fork)
if os.environ.get("MXNET_ENGINE_TYPE") == "ThreadedEngine":
    os.register_at_fork(before=_before_fork)


def one_thread_at_a_time(owner: Callable[[Any], Any]) -> Callable[[Method], Method]:
    """Make a method raise where another thread is in such a method of the same owner.

    A graph has one memory for its tensors, and MXNet does not guard it: two threads would get each other's numbers.

    Parameters
    ----------
    owner : Callable
        What of ``self`` is used by one thread at a time, as a function of ``self``.

    Returns
    -------
    Callable
        A decorator. What it makes raises RuntimeError.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            attributes, me = owner(self).__dict__, get_ident()
            first = attributes.setdefault(_caller, me)
            if first is me:  # this object, not its like of a call around this one
                try:
                    return method(self, *args, **kwargs)
                finally:
                    del attributes[_caller]
            if first == me:
                return method(self, *args, **kwargs)
            raise RuntimeError(
                f"another thread is computing with this {type(owner(self)).__name__}: give each thread a model of its "
                "own, or let the calls take turns, under one threading.Lock"
            )

        return guarded  # type: ignore[return-value]

    return decorate
