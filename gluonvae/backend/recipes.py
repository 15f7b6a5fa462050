"""What a block was made with, as plain values that JSON can hold: enough to make its like.

A block of this library is ``{"class": NAME, "arguments": {...}}``, its arguments by name, blocks among them. What only
the user can make again, a block or a function of their own, is ``{"own": NAME}``.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .runtime import mx

Recipe = dict[str, Any]

MADE_WITH = "_made_with"
"""The attribute in which a block keeps its recipe."""

KINDS: dict[str, type] = {}
"""The classes of this library that a recipe may name."""

_LIBRARY = __name__.partition(".")[0] + "."


def record(kind: type) -> None:
    """Let a class of blocks keep what its instances are made with."""
    if kind.__module__.startswith(_LIBRARY):
        KINDS[kind.__name__] = kind
    if "__init__" in vars(kind):
        kind.__init__ = _recording(kind.__init__)  # type: ignore[misc]


def _recording(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
        # the constructor of the block's own class comes first, and those of its bases within it
        if MADE_WITH not in self.__dict__:
            self.__dict__[MADE_WITH] = _of_call(type(self), args, kwargs)
        init(self, *args, **kwargs)

    return recorded


def _of_call(kind: type, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Recipe:
    try:
        given = inspect.signature(kind).bind(*args, **kwargs)
    except (TypeError, ValueError):  # the constructor says what is wrong in a moment
        return {"own": kind.__name__}
    return _of_arguments(kind, given)


def recipe_of_call(kind: type, **arguments: Any) -> Recipe:
    """Return what makes an instance of a class with these arguments by name, and others that are not known yet."""
    return _of_arguments(kind, inspect.signature(kind).bind_partial(**arguments))


def _of_arguments(kind: type, given: inspect.BoundArguments) -> Recipe:
    name = kind.__name__
    if KINDS.get(name) is not kind:
        return {"own": name}
    given.apply_defaults()  # another version may have others
    arguments: Recipe = {}
    for argument, value in given.arguments.items():
        of = given.signature.parameters[argument]
        if of.kind is of.VAR_POSITIONAL:
            return {"own": name}
        if of.kind is of.VAR_KEYWORD:
            arguments.update({key: recipe_of(inner) for key, inner in value.items()})
        elif not (value is of.default and callable(value)):
            arguments[argument] = recipe_of(value)
    return {"class": name, "arguments": arguments}


def recipe_of(value: Any) -> Any:
    """Return what makes the like of a block or a plain value; of a list or array, of each of its items."""
    if isinstance(value, mx.gluon.Block):
        return vars(value).get(MADE_WITH, {"own": type(value).__name__})
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [recipe_of(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return {"own": getattr(value, "__qualname__", type(value).__name__)}


def owned(recipe: Any) -> Iterator[str]:
    """Return the names of what only the user can make again."""
    if isinstance(recipe, list):
        for item in recipe:
            yield from owned(item)
    elif isinstance(recipe, dict) and "own" in recipe:
        yield str(recipe["own"])
    elif isinstance(recipe, dict):
        yield from owned(list(recipe.get("arguments", {}).values()))


def make(recipe: Any) -> Any:
    """Make what a recipe says; blocks in it that are made already are taken as they are.

    Raises
    ------
    ValueError
        For what is no recipe, a class that is none of this library, or what only the user can make.
    """
    if isinstance(recipe, list):
        return [make(item) for item in recipe]
    if not isinstance(recipe, dict):
        return recipe
    own = list(owned(recipe))
    if own:
        raise ValueError(f"{', '.join(dict.fromkeys(own))} cannot be made here: it is the user's own")
    name, arguments = recipe.get("class"), recipe.get("arguments")
    if name not in KINDS or not isinstance(arguments, dict):
        raise ValueError(f"there is no class {name!r} in gluonvae")
    return KINDS[name](**{argument: make(value) for argument, value in arguments.items()})
