"""The command ``gluonvae list``."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Iterator, Mapping

from ..checks import nearest, normalised
from .catalogue import NEEDED, Entry, Kind, Option, catalogue

WIDEST = 100
"""Columns of a line, at most."""

BODIES = "bodies"
"""Stands for those of both networks."""


def list_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae list``."""
    text = "what to list, such as bounds, or the name of one of them, such as iwae (default: all names)"
    command.add_argument("words", nargs="*", metavar="WHAT", help=text)


def list_(asked: argparse.Namespace) -> int:
    """List what a model can be made of and trained with: likelihoods, posteriors, priors, bounds, bodies,
    activations, optimizers, schedules and data sets.

      gluonvae list                 all names
      gluonvae list bounds          each with its options, their values and papers
      gluonvae list iwae            all that there is to say of one"""
    kinds = catalogue()
    chosen, names = _understood(asked.words, kinds)
    if not asked.words:
        lines = (line for title, kind in kinds.items() for line in _names(title, kind))
    elif not names:
        lines = (line for title in chosen for line in _in_short(title, kinds[title]))
    else:
        of = [kinds[title] for title in chosen]
        found = [(kind, kind.entries[name]) for name in names for kind in of if name in kind.entries]
        lines = (line for kind, entry in found for line in _in_full(kind, entry))
    print("\n".join(lines))
    return 0


def _understood(words: list[str], kinds: Mapping[str, Kind]) -> tuple[list[str], list[str]]:
    """The kinds and the names that are meant by words, in any spelling, singular or plural."""
    titles = {normalised(title): [title] for title in kinds}
    titles[BODIES] = [title for title in kinds if title.endswith(BODIES)]
    titles.update({_singular(title): of for title, of in list(titles.items())})
    names = {normalised(name): name for kind in kinds.values() for name in kind.entries}
    chosen: list[str] = []
    found: list[str] = []
    for word in words:
        typed = normalised(word)
        if typed in titles:
            chosen += titles[typed]
        elif typed in names:
            found.append(names[typed])
        else:
            raise ValueError(_unknown(word, titles, names))
    chosen = chosen or list(kinds)
    for name in found:
        if not any(name in kinds[title].entries for title in chosen):
            raise ValueError(f"{name} is none of the {' and '.join(chosen)}: gluonvae list {name} tells what it is")
    return chosen, found


def _unknown(word: str, titles: Mapping[str, object], names: Mapping[str, str]) -> str:
    near = nearest(word, [*titles, *names])
    hint = f"; did you mean {names.get(near, near)!r}?" if near else ""
    return f"there is nothing called {word!r}{hint} (gluonvae list has all names)"


def _singular(title: str) -> str:
    return f"{title[:-3]}y" if title.endswith("ies") else title[:-1] if title.endswith("s") else title


def _names(title: str, kind: Kind) -> Iterator[str]:
    yield f"{title} ({kind.flag})"
    yield from _wrapped(", ".join(kind.entries), "  ")
    yield ""


def _in_short(title: str, kind: Kind) -> Iterator[str]:
    """Each entry with what it is, its papers and its options."""
    options = f", with options by {kind.options_flag} KEY=VALUE" if kind.options_flag else ""
    yield f"{title}, chosen by {kind.flag}{options}"
    shared = _shared(kind)
    if shared:
        yield "each takes"
        yield from (line for option in shared for line in _wrapped(_signature(option), "    "))
    yield ""
    for entry in kind.entries.values():
        yield entry.name
        yield from _wrapped(entry.text.split("\n\n")[0], "  ")
        elsewhere = [paper for paper in entry.papers if paper not in entry.text.split("\n\n")[0]]
        if elsewhere:
            yield from _wrapped("; ".join(elsewhere), "  ")
        for option in entry.options:
            if option not in shared:
                yield from _wrapped(_signature(option), "    ")
        yield ""


def _shared(kind: Kind) -> list[Option]:
    """The options that all entries have."""
    first, *others = kind.entries.values()
    return [option for option in first.options if all(option in other.options for other in others)]


def _in_full(kind: Kind, entry: Entry) -> Iterator[str]:
    """All that there is to say of an entry."""
    yield f"{kind.flag} {entry.name}" + (f" ({entry.python} in Python)" if entry.python else "")
    yield ""
    for paragraph in filter(None, entry.text.split("\n\n")):
        yield from _wrapped(paragraph, "  ")
        yield ""
    if entry.options:
        yield f"  {kind.options_flag}"
        for option in entry.options:
            yield from _wrapped(_signature(option), "    ")
            yield from _wrapped(option.text, "        ")
        yield ""


def _signature(option: Option) -> str:
    """An option, its default and its values: ``gradient=standard (standard or stl)``."""
    value = "..." if option.default == NEEDED else option.default
    values = ", ".join(filter(None, ["needed" if option.default == NEEDED else "", option.values]))
    return f"{option.name}={value}" + (f" ({values})" if values else "")


def _wrapped(text: str, indent: str) -> list[str]:
    width = min(WIDEST, shutil.get_terminal_size().columns)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
