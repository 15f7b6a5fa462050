"""The command line of ``gluonvae launch``."""

import re
import signal
import socket

import pytest

from gluonvae.cli import launch
from gluonvae.cli.main import main, parser
from gluonvae.launching.hosts import Host
from gluonvae.launching.outcome import Outcome


@pytest.fixture
def asked(monkeypatch):
    """What would be run, as plans; nothing is."""
    plans = []
    monkeypatch.setattr(launch, "run_group", lambda plan: plans.append(plan) or Outcome(0))
    return plans


def test_plan(asked, tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("node1 slots=2\nnode2:2\n")
    options = ["-n", "3", "--hosts", str(hosts), "--restarts", "5", "--timeout", "7.5", "--port", "9000"]
    words = ["train", "--epochs", "3", "--config", str(tmp_path / "config.yaml"), "--quiet"]
    (tmp_path / "config.yaml").write_text("beta: 2\n")
    assert main(["launch", *options, "--python", "/opt/python", "--", *words]) == 0
    (plan,) = asked
    assert plan.command == words
    assert [placed.host for placed in plan.hosts] == [Host("node1", 2), Host("node2", 2)]
    assert [placed.ranks for placed in plan.hosts] == [range(2), range(2, 3)]
    assert plan[2:] == (7.5, 5, 9000, "/opt/python")


def test_plan_by_default(asked, tmp_path):
    assert main(["launch", "-n", "4", "--", "python", "own.py", "--", "-n", "2"]) == 0
    hosts = tmp_path / "hosts"
    hosts.write_text("node1 slots=2\nnode2:3\n")
    assert main(["launch", "--hosts", str(hosts), "--", "evaluate", "run"]) == 0
    here, there = asked
    assert here.command == ["python", "own.py", "--", "-n", "2"]
    assert [(one.host.name, one.host.is_local, one.ranks) for one in here.hosts] == [("localhost", True, range(4))]
    assert (here.timeout, here.restarts, here.port) == (60, 0, 0)
    assert there.size == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-n", "0", "--", "train"], "-n must be"),
        (["-n", "-2", "--", "train"], "-n must be"),
        (["-n", "two", "--", "train"], "must be a whole number, got 'two'"),
        (["--", "train"], "-n must say how many workers"),
        (["-n", "2"], "what the workers do stands behind --"),
        (["-n", "2", "--"], "what the workers do stands behind --"),
        (["-n", "2", "train"], "'train' belongs to no option"),
        (["-n", "2", "--", "sample", "run"], "got 'sample'"),
        (["-n", "2", "--", "tran"], "behind -- must stand train, evaluate or python SCRIPT, got 'tran'"),
        (["-n", "2", "--", "python"], "python must have a script"),
        (["-n", "2", "--", "train", "--epohcs", "3"], "there is no option --epohcs; did you mean --epochs?"),
        (["-n", "2", "--timeout", "0", "--", "train"], "--timeout must be positive, got 0"),
        (["-n", "2", "--timeout", "nan", "--", "train"], "--timeout must be positive, got nan"),
        (["-n", "2", "--restarts", "-1", "--", "train"], "--restarts must not be negative, got -1"),
        (["-n", "2", "--port", "70000", "--", "train"], "--port must lie in 1 to 65535, got 70000"),
        (["-n", "2", "--hosts", "FOLDER", "--", "train"], "FOLDER: Is a directory"),
        (["-n", "2", "--hosts", "FOLDER/none", "--", "train"], "FOLDER/none: No such file or directory"),
        (["-n", "4", "--hosts", "FOLDER/hosts", "--", "train"], "-n 4 is more than the 3 slot(s) of the hosts"),
        (["-n", "2", "--hosts", "FOLDER/binary", "--", "train"], "FOLDER/binary is not a file of hosts"),
    ],
)
def test_bad_input(words, message, asked, tmp_path, capsys):
    (tmp_path / "hosts").write_text("node1 slots=2\nnode2\n")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    words = [word.replace("FOLDER", str(tmp_path)) for word in words]
    try:
        status = main(["launch", *words])
    except SystemExit as error:
        status = error.code
    error = capsys.readouterr().err
    assert status == 2
    assert message.replace("FOLDER", str(tmp_path)) in error
    assert error.count("\n") == 1
    assert not asked


@pytest.mark.parametrize(
    ("outcome", "status", "text"),
    [
        (Outcome(0), 0, ""),
        (Outcome(3, "worker 1 has diverged"), 3, "gluonvae launch: worker 1 has diverged\n"),
        (Outcome(4, "a host is gone", True), 4, "gluonvae launch: a host is gone\n"),
        (Outcome(128 + signal.SIGINT), 130, "gluonvae launch: stopped by SIGINT\n"),
        (Outcome(128 + signal.SIGTERM), 143, "gluonvae launch: stopped by SIGTERM\n"),
    ],
)
def test_exit_status(outcome, status, text, monkeypatch, capsys):
    monkeypatch.setattr(launch, "run_group", lambda plan: outcome)
    assert main(["launch", "-n", "2", "--", "train"]) == status
    assert capsys.readouterr() == ("", text)


def test_help_is_short(capsys):
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args(["launch", "--help"])
    text = capsys.readouterr().out
    assert len(text.splitlines()) < 35
    assert re.search(r"usage: .* launch -n N \[OPTION \.\.\.\] -- train", text)


def test_a_script_runs(tmp_path, capfd, monkeypatch):
    script = tmp_path / "own.py"
    script.write_text("import os, sys; print(sys.argv[1:], os.environ['GLUONVAE_RANK'])")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gluonvae.launching.plan.ROLE", "import time; time.sleep(60)")
    assert main(["launch", "-n", "2", "--", "python", "own.py", "--size", "3"]) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == [f"[{rank}] ['--size', '3'] {rank}" for rank in range(2)]


def test_port_in_use_is_bad_input(tmp_path, capfd):
    with socket.socket() as one:
        one.bind(("", 0))
        one.listen()
        port = one.getsockname()[1]
        assert main(["launch", "-n", "1", "--port", str(port), "--", "python", "-c", "print('never')"]) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == f"gluonvae launch: --port {port} of localhost cannot be used: Address already in use\n"
