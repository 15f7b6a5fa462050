"""Compiling loops, for all cores and for one, and keeping them on disk."""

from __future__ import annotations

import contextlib
import functools
from types import FunctionType
from typing import Any, Callable

import numba

from ..processes import loops_are_parallel


class Loop:
    """A loop that is compiled at its first call, for all cores or, where it has to keep to one, for one.

    Parameters
    ----------
    function : Callable
        What numba compiles.
    options
        Of ``numba.njit``.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        # with Python's error model a division may raise, and the loop would not be vectorised
        self._options = {"error_model": "numpy", "nogil": True, **options}

    def __call__(self, *arguments: Any) -> Any:
        return (self._parallel if loops_are_parallel() else self._serial)(*arguments)

    @functools.cached_property
    def _parallel(self) -> Callable[..., Any]:
        return _Cached(_renamed(self._function, "parallel"), {**self._options, "parallel": True})

    @functools.cached_property
    def _serial(self) -> Callable[..., Any]:
        return _Cached(_renamed(self._function, "serial"), self._options)


class _Cached:
    """A compiled function that is kept on disk, where that can be written to and read."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self._compile = functools.partial(numba.njit, function, **options)
        self._compiled: Any
        try:
            self._compiled = self._compile(cache=True)
        except RuntimeError:  # numba finds no folder that can be written to
            self._compiled = self._compile()

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._compiled(*arguments)
        except Exception:  # what a damaged file raises depends on the damage; a full disk raises too
            with contextlib.suppress(Exception):
                self._compiled.recompile()  # empties the file's index, so that the next process writes it anew
            self._compiled = self._compile()
            return self._compiled(*arguments)


def _renamed(function: Callable[..., Any], suffix: str) -> Callable[..., Any]:
    """Return the function under another name: numba's files are named after it, not after how it was compiled."""
    copy = FunctionType(function.__code__, function.__globals__)
    copy.__qualname__ = f"{function.__qualname__}_{suffix}"
    return copy
