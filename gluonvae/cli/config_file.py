"""Options of ``gluonvae train`` from a file: ``--config FILE``."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ..files import parse_json
from ..training.config import read_config
from . import arguments
from .former import as_today

COMMAND = "train"


class _Loader(yaml.SafeLoader):
    """YAML as of its version 1.2, in which 1e-3 is a number, as everybody takes it to be."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def with_config(words: Sequence[str]) -> list[str]:
    """Put the options of a file before those of the command line, which therefore go before them.

    Parameters
    ----------
    words : sequence of str
        The command line, with ``--config FILE`` or without.

    Returns
    -------
    list of str
        The command line.

    Raises
    ------
    ValueError, OSError
        If the file cannot be read, or has what is no option.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", nargs="?")
    name = parser.parse_known_args(words)[0].config
    if name is None or COMMAND not in words:
        return list(words)
    if any(word.split("=")[0] == "--resume" for word in words):
        raise ValueError("--resume goes on with what the run was started with: leave out --config")
    begin = list(words).index(COMMAND) + 1
    return [*words[:begin], *_words(Path(name)), *words[begin:]]


def _words(path: Path) -> list[str]:
    """The options in a file as words of a command line."""
    command = argparse.ArgumentParser(add_help=False)
    arguments.train(command)
    actions = {flag.lstrip("-"): action for action in command._actions for flag in action.option_strings}
    actions.update({action.dest: action for action in command._actions})
    found: list[str] = []
    for name, value in _read(path).items():
        key = str(name).lstrip("-")
        action = actions.get(key) or actions.get(key.replace("_", "-"))
        if action is None or action.dest == "config":
            near = difflib.get_close_matches(key.replace("_", "-"), actions, 1)
            raise ValueError(f"{path}: there is no option {name!r}{f'; did you mean {near[0]!r}?' if near else ''}")
        found += arguments.words_of(action, value)
    return found


def _read(path: Path) -> dict[str, Any]:
    """The options in a file, by name; those that a run was asked for, where it is the run's configuration."""
    text = path.read_text(encoding="utf-8")
    try:
        content = parse_json(text) if path.suffix == ".json" else yaml.load(text, _Loader)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must have a line for each option, as in 'epochs: 20', got {type(content).__name__}")
    if "schema" not in content:
        return content
    config = read_config(path)
    if not config["asked"]:
        raise ValueError(f"{path} is of a training from Python, which has no options of the command")
    return {**as_today(config["asked"]), "data": config["data"]["name"], "data_dir": config["data"]["folder"]}
