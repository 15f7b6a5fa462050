"""Schedules as text, ``linear:0:1:10``: how ``--anneal`` says that a number changes over the epochs."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional

from .. import checks, schedules
from ..objectives import Objective
from ..registry import Registry
from ..schedules import Schedule
from ..weights import find_weights, set_weight
from .kinds import key_and_value

_log = logging.getLogger(__name__)

RATE = "learning_rate"
"""What may change beside the weights of a bound."""
EXAMPLE = "beta=linear:0:1:10"


class Form(NamedTuple):
    """A kind of schedule."""

    numbers: str
    """What it is given, with its length last; in brackets, if it may be left out: it then takes all epochs left."""
    text: str
    """What it does, for a list."""
    make: Callable[..., Schedule]
    """Makes it, of its numbers, its length in steps, and the number of steps left in the training."""


def _cycles(start: float, end: float, length: int, left: int) -> Schedule:
    return schedules.cyclical(left, max(1, round(left / length)), end=end, start=start)


FORMS = {
    "constant": Form("VALUE[:EPOCHS]", "stays at VALUE", lambda value, length, left: lambda step: value),
    "linear": Form(
        "START:END[:EPOCHS]",
        "from START to END in equal steps",
        lambda start, end, length, left: schedules.linear(start, end, length),
    ),
    "cosine": Form(
        "START:END[:EPOCHS]",
        "from START to END along half a cosine (Loshchilov and Hutter 2017)",
        lambda start, end, length, left: schedules.cosine(start, end, length),
    ),
    "exponential": Form(
        "START:END[:EPOCHS]",
        "from START to END by equal factors; both are positive",
        lambda start, end, length, left: schedules.exponential(start, end, length),
    ),
    "step": Form(
        "START:FACTOR:EPOCHS",
        "starts at START, and is multiplied by FACTOR after each EPOCHS",
        lambda start, factor, length, left: lambda step: start * factor ** (step // length),
    ),
    "cyclical": Form(
        "START:END:EPOCHS",
        "cycles of about EPOCHS, each of which rises from START to END in its first half (Fu et al. 2019)",
        _cycles,
    ),
}
"""The kinds of schedules, by name."""

ENDLESS = ("step", "cyclical")
"""Those whose EPOCHS are not all that they take."""


class _Piece(NamedTuple):
    """A schedule that holds for some epochs."""

    kind: str
    values: tuple[float, ...]
    epochs: Optional[float]
    """None for all that are left."""

    @property
    def ends(self) -> tuple[float, ...]:
        """The values that it starts from and leads to."""
        return self.values[:1] if self.kind == "step" else self.values


def annealing(text: str) -> tuple[str, str]:
    """Split ``NAME=SCHEDULE``, as an argparse type; the schedule is checked and stays a text."""
    name, schedule = key_and_value(text, f"NAME=SCHEDULE, such as {EXAMPLE}")
    try:
        _pieces(str(schedule))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error
    return name, str(schedule)


def annealed(asked: Mapping[str, str], bound: Objective, steps_an_epoch: int, epochs: int) -> dict[str, Schedule]:
    """Return the schedules that were asked for, by the names of the weights, or :data:`RATE`.

    Parameters
    ----------
    asked : mapping
        Schedules as :func:`annealing` returns them, by name.
    bound : Objective
        The bound, whose weights are set by them.
    steps_an_epoch, epochs : int
        Of the training.

    Raises
    ------
    ValueError
        If there is no such weight, or it cannot have a value of its schedule.
    """
    owners, found = find_weights(bound), {}
    known = Registry(f"--anneal: what may change in {type(bound).__name__}")
    known.update(dict.fromkeys([*owners, RATE]))
    for typed, text in asked.items():
        name = known.canonical(typed)
        pieces = _pieces(text)
        for value in (value for piece in pieces for value in piece.ends):
            if name == RATE:
                _check_rate(value)
            else:
                set_weight(owners[name], name, value)
        found[name] = _joined(name, pieces, steps_an_epoch, epochs)
    return found


def _check_rate(value: float) -> None:
    if value < 0:
        raise ValueError(f"{RATE} must not be negative, got {value}")


def _joined(name: str, pieces: list[_Piece], steps_an_epoch: int, epochs: int) -> Schedule:
    """The schedule of pieces that follow on each other; the last one holds on."""
    starts: list[tuple[int, Schedule]] = []
    first, steps = 0, steps_an_epoch * epochs
    for piece in pieces:
        left = max(1, steps - first)
        length = left if piece.epochs is None else max(1, round(piece.epochs * steps_an_epoch))
        starts.append((first, FORMS[piece.kind].make(*piece.values, length, left)))
        first += length
    if first > steps and pieces[-1].kind not in ("constant", *ENDLESS):
        _log.warning(
            "%s would be at %g after %g epochs, and the training ends after %d: give --epochs, or a shorter schedule",
            *(name, pieces[-1].values[-1], first / steps_an_epoch, epochs),
        )
    return lambda step: next(of(step - start) for start, of in reversed(starts) if step >= start)


def _pieces(text: str) -> list[_Piece]:
    """What a schedule is made of."""
    pieces = [_piece(part) for part in text.split(",")]
    for piece in pieces[:-1]:
        if piece.epochs is None:
            raise ValueError(f"{piece.kind} without EPOCHS takes all that are left: give it EPOCHS, or put it last")
        if piece.kind in ENDLESS:
            raise ValueError(f"{piece.kind} goes on to the end of the training: put it last")
    return pieces


def _piece(text: str) -> _Piece:
    kind, *words = text.strip().split(":")
    kind = checks.known_name("a schedule", kind.lower(), FORMS)
    form = FORMS[kind].numbers
    names = form.replace("[", "").replace("]", "").split(":")
    if len(words) not in (len(names), len(names) - ("[" in form)):
        raise ValueError(f"{kind} takes {kind}:{form}, got {text.strip()}")
    values: dict[str, Any] = {name: _number(name, word) for name, word in zip(names, words)}
    epochs = values.pop("EPOCHS", None)
    if epochs is not None and epochs <= 0:
        raise ValueError(f"EPOCHS must be positive, got {epochs:g}")
    if kind == "exponential" and min(values.values()) <= 0:
        raise ValueError(f"START and END of an exponential schedule must be positive, got {text.strip()}")
    return _Piece(kind, tuple(values.values()), epochs)


def _number(name: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {word!r}") from None
    return checks.finite_number(name, value)
