"""The command as it is installed, and its help."""

import os
import re
import subprocess
import sys

import pytest

import gluonvae as gv
from gluonvae.cli import arguments
from gluonvae.cli.main import main, parser


@pytest.mark.parametrize(
    "command",
    [
        [],
        *(
            [name]
            for name in (
                *("train", "sample", "reconstruct", "evaluate", "encode", "score"),
                *("interpolate", "export", "runs", "list", "info"),
            )
        ),
    ],
)
def test_help_tells_of_everything(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help-all" if command == ["train"] else "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    subparsers = next(action for action in parser()._actions if action.dest == "command")
    chosen = subparsers.choices[command[0]] if command else parser()
    for action in chosen._actions:
        assert action.help, action.dest
        assert all(option in text for option in action.option_strings)


def test_the_short_help_is_of_what_is_asked_for_most(capsys):
    texts = {}
    for flag in ("--help", "--help-all"):
        with pytest.raises(SystemExit, match="0"):
            main(["train", flag])
        texts[flag] = capsys.readouterr().out
    options = {flag: set(re.findall(r"^  (?:-., )?(--[a-z-]+)", text, re.MULTILINE)) for flag, text in texts.items()}
    assert options["--help"] < options["--help-all"]
    assert {"--data", "--bound", "--epochs", "--out", "--help-all"} <= options["--help"]
    assert not {"--checkpoint-minutes", "--white", "--posterior-options"} & options["--help"]
    assert len(options["--help"]) < len(options["--help-all"]) / 2 + 5


def test_the_common_arguments_are_there():
    train = next(action for action in parser()._actions if action.dest == "command").choices["train"]
    assert set(arguments.COMMON) <= {action.dest for action in train._actions}


def test_the_installed_command(tmp_path):
    script = os.path.join(os.path.dirname(sys.executable), "gluonvae")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"gluonvae {gv.__version__}"
