"""What a terminal shows of several workers."""

import os
import pty

import pytest

from gluonvae.launching import plan as plans
from gluonvae.launching.console import CLEAR
from gluonvae.launching.launcher import launch
from tests.helpers.groups import exit_status, forked, marked, plan

BAR = """
for i in range(3):
    sys.stderr.write(f"\\r{rank}: {i} of 3")
    time.sleep(0.15)
    print("a line") if i == 1 else None
sys.stderr.write(f"\\r{rank}: 3 of 3\\n")
"""


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_one_bar_with_lines_above_it(tmp_path, terminal, monkeypatch):
    monkeypatch.setattr(plans, "ROLE", "import time; time.sleep(60)")
    ours, theirs = terminal
    asked = plan(tmp_path, BAR)

    def call():
        os.dup2(theirs, 2)
        return launch(asked).status

    with marked():
        number = forked(call, tmp_path / "out")
        os.close(theirs)
        shown = b""
        while data := _read(ours):
            shown += data
        assert exit_status(number) == 0
    states = shown.decode().replace("\r\n", "\n").split(CLEAR)
    assert [state for state in states if state in ("0: 0 of 3", "0: 1 of 3", "0: 2 of 3")]
    assert not any(state.startswith("1: ") for state in states)
    # lines take the place of a bar that has ended, and nothing stands below them
    assert any("[0] 0: 3 of 3\n" in state for state in states)
    assert "of 3" in states[-1]
    assert states[-1].endswith("\n")
    assert sorted((tmp_path / "out").read_text().splitlines()) == ["[0] a line", "[1] a line"]


def _read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""
