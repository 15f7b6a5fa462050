"""Kinds of arguments: numbers, choices, names in a registry, and options of a class as KEY=VALUE."""

from __future__ import annotations

import argparse
import ast
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Optional, Union

from ..backend.environment import MOST_THREADS
from ..registry import Registry

Group = argparse._ActionsContainer


def number(
    group: Group,
    flag: str,
    text: str,
    default: object = None,
    *,
    type: type = int,
    metavar: Union[str, tuple[str, ...]] = "N",
    **options: Any,
) -> None:
    """Add a flag of a number, or with ``nargs`` of several."""
    group.add_argument(flag, type=_NUMBERS.get(type, type), default=default, metavar=metavar, help=text, **options)


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        several = "; several have spaces between them, as 500 200" if re.search(r"\d[, ]+\d", text) else ""
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}{several}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


_NUMBERS: dict[Any, Callable[[str], Any]] = {int: _whole_number, float: _number}
"""Types that say what was wanted."""


def thread_count(text: str) -> int:
    """Return a number of threads, as an argparse type."""
    if re.fullmatch("[0-9]{1,9}", text) is None or not 1 <= int(text) <= MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MOST_THREADS}, got {text!r}")
    return int(text)


def choice(group: Group, flag: str, choices: Sequence[str], default: str, text: str) -> None:
    group.add_argument(flag, choices=choices, default=default, help=text)


def kind(
    group: Group, part: str, kinds: Iterable[str], default: Optional[str], text: str, *, dest: Optional[str] = None
) -> None:
    """Add a flag of a name in a registry, in any spelling."""
    group.add_argument(
        f"--{part}",
        dest=dest,
        type=_name_of(part, kinds),
        default=default,
        metavar="NAME",
        help=f"{text}: {', '.join(sorted(kinds))}",
    )


def _name_of(part: str, kinds: Iterable[str]) -> Callable[[str], str]:
    """Return an argparse type: what is typed, in any spelling, becomes the registered name."""
    known = Registry(f"the {part.replace('-', ' ')}")
    known.update(dict.fromkeys(kinds))

    def canonical(text: str) -> str:
        try:
            return known.canonical(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return canonical


def options(group: Group, part: str, example: str, *, dest: Optional[str] = None) -> None:
    text = f"further arguments of the {part.replace('-', ' ')}'s class, such as {example}"
    wanted = f"KEY=VALUE, such as {example}"
    more: dict[str, Any] = {
        "type": partial(key_and_value, wanted=wanted),
        "action": Update,
        "default": {},
        "metavar": "KEY=VALUE",
    }
    group.add_argument(f"--{part}-options", dest=dest, nargs="+", help=text, **more)


def key_and_value(text: str, wanted: str = "KEY=VALUE") -> tuple[str, object]:
    """Split ``KEY=VALUE``, as an argparse type."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} must be {wanted}")
    return key, _value(key, value)


WORDS = {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False, "none": None, "null": None}
"""What stands for truth values and for nothing, in any case."""


def _value(key: str, text: str) -> object:
    """What a text stands for: a word of :data:`WORDS`, a Python literal that JSON knows, or itself."""
    if text.strip().lower() in WORDS:
        return WORDS[text.strip().lower()]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{key} must be a finite number, got {text}")
    try:
        literal = ast.literal_eval(text)
        json.dumps(literal, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return text
    return literal


class Update(argparse.Action):
    """Adds pairs to a dict."""

    def __call__(self, parser: object, namespace: object, values: Any, option_string: object = None) -> None:
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), **dict(values)})


class OneOrSeveral(argparse.Action):
    """One value as it is, several as a list."""

    def __call__(self, parser: object, namespace: object, values: Any, option_string: object = None) -> None:
        setattr(namespace, self.dest, values if len(values) > 1 else values[0])
