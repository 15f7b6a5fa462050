"""The command as it is installed, and its help."""

import os
import subprocess
import sys

import pytest

import gluonvae as gv
from gluonvae.cli.main import main, parser


@pytest.mark.parametrize(
    "command",
    [[], ["train"], ["sample"], ["reconstruct"], ["evaluate"], ["encode"], ["score"], ["interpolate"], ["info"]],
)
def test_help_tells_of_everything(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    subparsers = next(action for action in parser()._actions if action.dest == "command")
    chosen = subparsers.choices[command[0]] if command else parser()
    for action in chosen._actions:
        assert action.help, action.dest
        assert all(option in text for option in action.option_strings)


def test_the_installed_command(tmp_path):
    script = os.path.join(os.path.dirname(sys.executable), "gluonvae")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"gluonvae {gv.__version__}"
