"""What docstrings in NumPy's style say of a class and its arguments, as plain text."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple, Optional

_SECTION = re.compile(r"^(Parameters|Returns|Raises|Attributes|Examples|Notes)\n-+\n", re.MULTILINE)
_ROLE = re.compile(r":\w+:`(~?)([^`]+)`")
_SEE = re.compile(r"See :(?:class|data):`~?([\w.]+)`[.;,]?\s*")
_CLASSES = r":class:`[^`]+`(?:(?:,? and |, ):class:`[^`]+`)*(?: for the options)?"
_ELSEWHERE = re.compile(rf"(?:^|(?<=\. ))See {_CLASSES}\.\s*|, see {_CLASSES}")
_SYMBOL = re.compile(r"\S( \S)?\.")
_NAME = r"(?:(?:van den|van|von|de) )?[A-ZÀ-Þ][\w’-]+"
_PAPER = re.compile(rf"{_NAME}(?:, {_NAME})*(?: and {_NAME}| et al\.)? \d{{4}}")


class Argument(NamedTuple):
    """What is said of an argument."""

    kind: str
    """Its type, such as ``int`` or ``{"softplus", "exp"}``."""
    text: str


def text_of(thing: object) -> str:
    """Return what the docstring of a class says before its sections, in paragraphs."""
    text, *_ = _SECTION.split(_doc(thing), maxsplit=1)
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n") if ">>>" not in part)
    return "\n\n".join(filter(None, (_plain(_without_references(part)) for part in paragraphs)))


def _without_references(paragraph: str) -> str:
    """A paragraph without "see" and the names of classes."""
    text = _ELSEWHERE.sub("", paragraph).strip()
    return text if not text or text.endswith((".", ":")) else f"{text}."


def papers_of(thing: object) -> list[str]:
    """Return the papers that the docstring of a class names, as ``Kingma and Welling 2014``."""
    return list(dict.fromkeys(_PAPER.findall(" ".join(_doc(thing).split()))))


def argument_of(kind: type, name: str) -> Argument:
    """Return what is said of an argument of a class, or of one that the class hands it on to.

    Parameters
    ----------
    kind : type
        The class.
    name : str
        The argument.

    Returns
    -------
    Argument
        Its type, and a text; empty where there is none.
    """
    found, addition = Argument("", ""), ""
    for described in _classes(kind):
        argument = _arguments(described).get(name)
        if argument is None:
            continue
        text = argument.text
        see = _SEE.match(text)
        if see:
            addition, text = addition or text[see.end() :], ""
            other = _referred(described, see[1])
            argument = argument if other is None else argument_of(other, name)
            text = "" if other is None else argument.text
        better = text and not _SYMBOL.fullmatch(text)
        found = Argument(found.kind or argument.kind, text if better else found.text or text)
        if better:
            break
    text = f"{found.text} {addition[:1].upper()}{addition[1:]}" if addition else found.text
    return Argument(found.kind.split(", default")[0].split(", optional")[0], _plain(text.strip()))


def _classes(kind: type) -> Iterator[type]:
    """A class, its bases, and the classes that take the arguments which it has no name for."""
    yield from inspect.getmro(kind)
    for name in ("family_type", "flow_type"):
        inner = getattr(kind, name, None)
        if inner is not None:
            yield from _classes(inner)


def _arguments(kind: type) -> dict[str, Argument]:
    """The section Parameters of a docstring, by name."""
    sections = _SECTION.split(_doc(kind))
    lines = dict(zip(sections[1::2], sections[2::2])).get("Parameters", "").splitlines()
    found: dict[str, Argument] = {}
    names: list[str] = []
    for line in lines:
        if line[:1].strip():
            head, _, of = line.partition(" : ")
            names = head.split(", ")
            found.update(dict.fromkeys(names, Argument(of, "")))
        else:
            for name in names:
                found[name] = found[name]._replace(text=f"{found[name].text} {line.strip()}".strip())
    return found


def _doc(thing: object) -> str:
    """The docstring of a class itself, not of a base."""
    return inspect.cleandoc((vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__) or "")


def _referred(kind: type, name: str) -> Optional[type]:
    """The class that a docstring refers to by its name."""
    module, _, last = name.rpartition(".")
    for where in filter(None, (kind.__module__, module, "gluonvae")):
        found = getattr(sys.modules.get(where), last, None)
        if isinstance(found, type) and found is not kind:
            return found
    return None


def _plain(text: str) -> str:
    """A text without the marks of reStructuredText."""
    return _ROLE.sub(lambda match: match[2].split(".")[-1], text).replace("``", "")
