"""The parser of the command: short help first, and errors that say what was meant."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NoReturn, Optional

from .. import checks
from ..data import NAMES
from .former import ANNEALING


class _Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Line breaks of descriptions are kept; defaults are shown where there is one."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in text.splitlines())

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        return action.help if action.default in (None, False, {}) else super()._get_help_string(action)


class _HelpAll(argparse.Action):
    """Prints the help of all options."""

    def __call__(self, parser: Any, *rest: object) -> None:
        parser.common = ()
        parser.print_help()
        parser.exit()


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and that takes no abbreviations: ``--label`` is not ``--labels``."""

    common: Collection[str] = ()
    """The names of the arguments that ``--help`` tells of; all of them, where there are none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Formatter, allow_abbrev=False, **options)

    def shorten_help(self, common: Collection[str], epilog: str) -> None:
        """Have ``--help`` tell of the common arguments alone, and ``--help-all`` of all of them."""
        text = "show all options and exit"
        help_all = self.add_argument("--help-all", action=_HelpAll, nargs=0, default=argparse.SUPPRESS, help=text)
        self.common, self.epilog = (*common, "help", help_all.dest), epilog
        self.usage = f"{self.prog} [OPTION ...]"

    def format_help(self) -> str:
        """Return the text of ``--help``."""
        hidden = {action: action.help for action in self._actions if self.common and action.dest not in self.common}
        try:
            for action in hidden:
                action.help = argparse.SUPPRESS
            return super().format_help()
        finally:
            for action, text in hidden.items():
                action.help = text

    def parse_args(  # type: ignore[override]
        self, args: Optional[Sequence[str]] = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Parse the words of a command line; what is left over is an error of the command that has it."""
        asked, words = self.parse_known_args(args, namespace)
        if words:
            parsers = [action.choices[asked.command] for action in self._actions if isinstance(action.choices, dict)]
            (parsers[0] if parsers else self)._refuse(words)
        return asked

    def _refuse(self, words: Sequence[str]) -> NoReturn:
        """Say what was meant by words that mean nothing."""
        flags = [flag for action in self._actions for flag in action.option_strings]
        word = next((word for word in words if word.startswith("-")), words[0])
        flag = word.split("=")[0]
        if flag in ANNEALING:
            self.error(f"there is no option {flag} any more: {ANNEALING[flag]} does what it did")
        if flag.startswith("-"):
            near = _nearest(flag, flags)
            self.error(f"there is no option {flag}{f'; did you mean {near}?' if near else ''}")
        hint = f"; did you mean --data {word}?" if "--data" in flags and (word in NAMES or os.path.exists(word)) else ""
        self.error(f"{word!r} belongs to no option{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None:
            try:
                checks.known_name(action.dest, value, list(action.choices))
            except ValueError as error:
                raise argparse.ArgumentError(action, str(error)) from error

    def error(self, message: str) -> NoReturn:
        """Print one line, and exit."""
        line, what = " ".join(message.split()), "options" if " " in self.prog else "commands"
        self.exit(2, f"{self.prog}: error: {line} ({self.prog} --help tells of the {what})\n")


def _nearest(flag: str, flags: Iterable[str]) -> Optional[str]:
    """The option that was probably meant: one with these initials, this beginning, or a similar name."""
    typed = flag.strip("-").replace("_", "-").lower()
    names = {known.strip("-"): known for known in flags}
    if typed in names:
        return names[typed]
    for name, known in names.items():
        if typed == "".join(part[0] for part in name.split("-")) and "-" in name:
            return known
    begun = [name for name in names if len(typed) > 2 and name.startswith(typed)]
    near = sorted(begun, key=len) or difflib.get_close_matches(typed, names, n=1)
    return names[near[0]] if near else None
