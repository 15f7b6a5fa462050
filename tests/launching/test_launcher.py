"""``gluonvae launch``: real processes, on this machine."""

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from gluonvae.distributed.rendezvous import ports_to_try
from gluonvae.launching import launcher
from gluonvae.launching import plan as plans
from gluonvae.launching.agent import prepare
from gluonvae.launching.launcher import PortInUse, launch
from gluonvae.launching.outcome import Outcome
from gluonvae.launching.plan import resuming
from tests.helpers.groups import exit_status, forked, marked, plan, state, wait_for


@pytest.fixture(autouse=True)
def light_roles(monkeypatch):
    """Scheduler and server that do not import MXNet, which takes seconds; restarts at once."""
    monkeypatch.setattr(plans, "ROLE", "import time; time.sleep(60)")
    monkeypatch.setattr(launcher, "PAUSE", 0.0)


def run(tmp_path, code, capfd, **more):
    """Run workers; return the outcome and what was printed. No process may be left."""
    with marked():
        outcome = launch(plan(tmp_path, code, **more))
    return outcome, capfd.readouterr()


def test_what_a_worker_is_told(tmp_path, capfd):
    code = """
names = [name for name in os.environ if name.startswith(("GLUONVAE_", "DMLC_", "OMP_"))]
told = {name: os.environ[name] for name in names}
print(json.dumps({**told, "cores": sorted(os.sched_getaffinity(0))}))
"""
    outcome, printed = run(tmp_path, code, capfd, size=3, timeout=7.5)
    assert outcome == Outcome(0)
    told = dict(re.findall(r"^\[(\d)\] (.*)$", printed.out, re.MULTILINE))
    for rank in range(3):
        one = json.loads(told[str(rank)])
        numbers = [int(one[f"GLUONVAE_{name}"]) for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "RESTARTS")]
        assert numbers == [rank, 3, rank, 3, 0]
        assert re.fullmatch(r"127\.0\.0\.1:\d+", one["GLUONVAE_ROOT"])
        assert one["GLUONVAE_NODE_HOST"] == "127.0.0.1"
        assert float(one["GLUONVAE_TIMEOUT"]) == 7.5
        assert not any(name.startswith("DMLC_") for name in one)
        assert one["OMP_NUM_THREADS"] == one["GLUONVAE_THREADS"]


def test_workers_have_cores_of_their_own(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(plans, "THREADS_FROM", "one for each physical core")
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        pytest.skip("there is one core")
    code = "print(*sorted(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])"
    outcome, printed = run(tmp_path, code, capfd, size=2)
    assert outcome.status == 0
    *one, threads = map(int, re.search(r"\[0\] (.*)", printed.out)[1].split())
    *other, others = map(int, re.search(r"\[1\] (.*)", printed.out)[1].split())
    assert not {*one} & {*other}
    assert sorted(one + other) == available
    assert 1 <= threads <= len(one)
    assert 1 <= others <= len(other)


def test_output_has_its_rank_and_stays_where_it_was_written(tmp_path, capfd):
    code = """
print("first")
sys.stderr.buffer.write(b"odd \\xff byte\\n\\r 10%\\r 20%\\nno end")
"""
    outcome, printed = run(tmp_path, code, capfd)
    assert outcome.status == 0
    assert sorted(printed.out.splitlines()) == ["[0] first", "[1] first"]
    for rank in "01":
        of_rank = [line for line in printed.err.splitlines() if line.startswith(f"[{rank}]")]
        assert of_rank == [f"[{rank}] odd \\xff byte", f"[{rank}]  20%", f"[{rank}] no end"]


@pytest.mark.parametrize(
    ("death", "status", "text"),
    [
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            4,
            r"worker 1 on localhost was killed by SIGKILL \(last report: step 7\)",
        ),
        ("os.abort()", 4, r"worker 1 on localhost was killed by SIGABRT"),
        (
            "raise RuntimeError('no such thing')",
            4,
            r"ended with exit status 1 \(last report: step 7\): RuntimeError: no such thing",
        ),
        ("print('bad input', file=sys.stderr); sys.exit(2)", 2, r"status 2 .*: bad input"),
        ("sys.exit(200)", 4, r"exit status 200"),
    ],
)
def test_one_that_dies_ends_all(death, status, text, tmp_path, capfd):
    code = f"""
tell(step=7, waits=0)
if rank == 1:
    {death}
work()
"""
    outcome, _ = run(tmp_path, code, capfd, size=3)
    assert outcome.status == status
    assert re.search(text, outcome.text)
    assert "\n" not in outcome.text


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        ("time.sleep(1); sys.exit('MemoryError')", r"worker 1 on localhost ended with exit status 1: MemoryError"),
        ("work()", r"worker [02] on localhost ended with exit status 1: MemoryError: rank 1:"),
    ],
)
def test_the_worker_in_which_an_error_began_is_named(origin, text, tmp_path, capfd):
    """Also where others, which raise the same, end before it; for one that does not end it is not waited."""
    code = f"""
if rank == 1:
    {origin}
tell(failed=1)
sys.exit("MemoryError: rank 1:")
"""
    begun = time.monotonic()
    outcome, _ = run(tmp_path, code, capfd, size=3)
    assert re.match(text, outcome.text)
    assert time.monotonic() - begun < 8


def test_those_that_do_not_heed_sigterm_end_in_time(tmp_path, capfd):
    code = """
signal.signal(signal.SIGTERM, lambda *rest: None)  # as one that hangs in MXNet
if rank == 1:
    time.sleep(0.2)
    open(sys.argv[1] + "/died", "w").close()
    sys.exit(6)
elif rank == 2:
    os.kill(os.getpid(), signal.SIGSTOP)
work()
"""
    outcome, _ = run(tmp_path, code, capfd, size=3)
    assert outcome.status == 6
    assert time.time() - (tmp_path / "died").stat().st_mtime < 5


@pytest.mark.parametrize("role", ["scheduler", "server"])
def test_scheduler_or_server_that_dies_ends_all(role, tmp_path, capfd, monkeypatch):
    die = f"import os, time; time.sleep(0.3); os.environ['DMLC_ROLE'] == {role!r} and os.kill(os.getpid(), 9); time.sleep(60)"
    monkeypatch.setattr(plans, "ROLE", die)
    outcome, _ = run(tmp_path, "work()", capfd)
    assert outcome.status == 4
    assert outcome.may_restart
    assert outcome.text.startswith(f"{role} on localhost was killed by SIGKILL")


def test_what_a_worker_has_started_ends_with_it(tmp_path, capfd):
    code = "import subprocess; subprocess.Popen(['sleep', '60']); work(1) if rank == 0 else sys.exit(5)"
    outcome, _ = run(tmp_path, code, capfd)
    assert outcome.status == 5


def test_silence(tmp_path, capfd):
    code = "tell(step=2, waits=0)\nos.kill(os.getpid(), signal.SIGSTOP) if rank == 1 else work()"
    outcome, _ = run(tmp_path, code, capfd, timeout=1.2)
    assert outcome.status == 4
    assert re.fullmatch(
        r"worker 1 on localhost is stopped, and has been silent for [12] s \(last report: step 2\)", outcome.text
    )


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ("time.sleep(60)", "worker 1 on localhost has not joined the group"),
        ("work()", r"worker 1 on localhost does not take part \(last report: step"),
        ("tell(step=9)", r"worker 1 on localhost ended before the others, with exit status 0 \(last report: step 9\)"),
        (
            "tell(step=9), os.kill(os.getpid(), signal.SIGSTOP)",
            "worker 1 on localhost (is stopped, and )?has been silent",
        ),
        ("wait(60)", r"worker 0 on localhost has waited for 1 s \(last report: step 3\), and so have the others"),
    ],
)
def test_one_that_waits_in_vain_is_not_to_blame(other, text, tmp_path, capfd):
    outcome, _ = run(tmp_path, f"wait(0.6) if rank == 0 else ({other})", capfd, timeout=0.9)
    assert outcome.status == 4
    assert outcome.may_restart
    assert re.match(text, outcome.text)


def test_restarts_take_the_same_command(tmp_path, capfd):
    code = """
print("restarts", restarts, os.environ["GLUONVAE_ROOT"])
sys.exit(7 if rank == 1 and restarts < 1 else 0)
"""
    outcome, printed = run(tmp_path, code, capfd, restarts=3)
    assert outcome.status == 0
    again = re.findall(
        r"^gluonvae launch: worker 1 on localhost ended.*; started again \((\d) of 3\)$", printed.err, re.M
    )
    assert again == ["1"]
    assert len(re.findall(r"^\[0\] restarts (\d)", printed.out, re.M)) == 2
    assert len({*re.findall(r":(\d+)$", printed.out, re.M)}) == 2


@pytest.mark.parametrize(("status", "starts"), [(2, 1), (3, 1), (7, 2)])
def test_what_is_not_started_again(status, starts, tmp_path, capfd):
    outcome, printed = run(tmp_path, f"print('here'); sys.exit({status})", capfd, restarts=1, size=1)
    assert outcome.status == status
    assert printed.out.splitlines() == ["[0] here"] * starts


def test_a_training_goes_on_with_its_run(tmp_path, capfd, monkeypatch):
    """The command of a worker is one that knows what a run has."""
    own = tmp_path / "own"
    own.write_text(f'#!/bin/sh\nshift 2\nexec {sys.executable} {tmp_path}/worker.py "$@"\n')
    own.chmod(0o755)
    code = """
print(*sys.argv[1:])
if sys.argv[1:3] != ["train", "--resume"]:
    os.makedirs("run", exist_ok=True)
    tell(step=0, waits=0, run="run")
    open("run/config.json", "w").close() if restarts else None
    time.sleep(0.2)
    sys.exit(9)
"""
    monkeypatch.chdir(tmp_path)
    command = ["train", "--epochs", "3", "--threads", "1", "--quiet", "--out", "run"]
    asked = plan(tmp_path, code, size=1, restarts=3)._replace(command=command)
    with marked():
        outcome = launch(asked._replace(python=str(agent_or(own, tmp_path))))
    assert outcome.status == 0, outcome.text
    want = ["[0] " + " ".join(command)] * 2 + ["[0] train --resume run --threads 1 --quiet"]
    assert capfd.readouterr().out.splitlines() == want


def agent_or(own, tmp_path):
    """An interpreter that runs ``-m gluonvae`` as another program."""
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\n[ "$1" = -m ] && exec {own} "$@"\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return path


def test_words_that_go_on_with_a_run():
    words = ["train", "--data", "x", "--threads=2", "--debug", "--out", "here"]
    assert resuming(words, "here") == ["train", "--resume", "here", "--threads=2", "--debug"]
    words = ["train", "--resume", "there", "--data", "moved"]
    assert resuming(words, "there") == words


SAVES = """
def save(number, frame):
    time.sleep(0.3)
    print("saved", number)
    sys.exit(128 + number)


for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, save)
open(sys.argv[1] + f"/ready{rank}", "w").close()
"""


def started(tmp_path, code, **more):
    """The number of a launcher whose workers have begun."""
    asked = plan(tmp_path, code, **more)
    number = forked(lambda: launch(asked).status, tmp_path / "printed")
    wait_for(lambda: all((tmp_path / f"ready{rank}").exists() for rank in range(2)))
    return number


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(asked, tmp_path):
    with marked():
        number = started(tmp_path, SAVES + "work()")
        os.kill(number, asked)
        assert exit_status(number) == 128 + asked
    saved = sorted((tmp_path / "printed").read_text().splitlines())
    assert saved == [f"[0] saved {int(asked)}", f"[1] saved {int(asked)}"]


def test_a_second_signal_ends_at_once(tmp_path):
    with marked():
        number = started(tmp_path, SAVES.replace("time.sleep(0.3)", "work()") + "work()")
        os.kill(number, signal.SIGINT)
        time.sleep(0.4)
        os.kill(number, signal.SIGINT)
        begin = time.monotonic()
        assert exit_status(number) == 130
        assert time.monotonic() - begin < 2


def test_a_launcher_that_is_killed_leaves_nothing(tmp_path):
    code = "import subprocess\nsubprocess.Popen(['sleep', '60'])\n" + SAVES.replace("sys.exit", "print") + "work()"
    with marked() as processes:
        number = started(tmp_path, code)
        assert len(processes()) > 5
        os.kill(number, signal.SIGKILL)
        exit_status(number)


def test_an_agent_that_is_killed_leaves_nothing(tmp_path):
    code = "import subprocess\nsubprocess.Popen(['sleep', '60'])\nopen(sys.argv[1] + '/agent', 'w').write(str(os.getppid()))\n"
    with marked():
        number = started(tmp_path, code + SAVES + "work()")
        os.kill(int((tmp_path / "agent").read_text()), signal.SIGKILL)
        assert exit_status(number) == 4


def test_a_launcher_that_was_stopped_goes_on(tmp_path):
    with marked():
        number = started(tmp_path, SAVES + "work(2)", timeout=0.8)
        os.kill(number, signal.SIGSTOP)
        wait_for(lambda: state(number) == "T")
        time.sleep(1.2)
        os.kill(number, signal.SIGCONT)
        assert exit_status(number) == 0, (tmp_path / "printed").read_text()


def test_an_interpreter_that_is_not_there(tmp_path, capfd):
    outcome, _ = run(tmp_path, "", capfd, python=str(tmp_path / "python9"), restarts=2)
    assert outcome == Outcome(4, f"localhost cannot be used: No such file or directory: {tmp_path}/python9")


def test_port_in_use(tmp_path, capfd):
    with socket.socket() as one:
        one.bind(("", 0))
        one.listen()
        port = one.getsockname()[1]
        with pytest.raises(PortInUse, match=f"--port {port} of localhost cannot be used: Address already in use"):
            run(tmp_path, "", capfd, port=port)
    _, printed = run(tmp_path, "print(os.environ['GLUONVAE_ROOT'])", capfd, port=port, size=1)
    assert printed.out == f"[0] 127.0.0.1:{port}\n"


def test_a_port_that_is_chosen_is_none_of_those_that_connections_get():
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    chosen = [prepare(ports_to_try(), None)["port"] for _ in range(50)]
    assert max(chosen) < first
    with socket.create_server(("", chosen[0])):
        assert prepare(ports_to_try(chosen[0]), None) == {"error": "Address already in use"}
