"""Workers on other hosts, by ssh: one on PATH that runs the command here, and a real one where sshd is installed."""

import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gluonvae.launching import launcher, link
from gluonvae.launching import plan as plans
from gluonvae.launching.hosts import Host, placed
from gluonvae.launching.launcher import launch
from gluonvae.launching.outcome import Outcome
from tests.helpers.groups import marked, plan, wait_for
from tests.helpers.workers import free_port

HERE_AND_THERE = [Host("localhost", 1), Host("127.0.0.2", 2), Host("127.0.0.3", 1)]
"""This machine under three names, two of which are another's to the launcher."""
FAKE = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
echo $$ > {folder}/ssh-$2
unset GLUONVAE_OF_THE_LAUNCHER {mark}
{instead}
cd /
exec sh -c "$3"
"""
MARK = "PYTHON_TEST_MARK"
"""The mark of processes: the launcher sends variables of such names to other hosts."""


@pytest.fixture(autouse=True)
def light_roles(monkeypatch):
    monkeypatch.setattr(plans, "ROLE", "import time; time.sleep(60)")


def fake_ssh(folder, monkeypatch, instead=""):
    path = folder / "bin" / "ssh"
    path.parent.mkdir()
    path.write_text(FAKE.format(folder=folder, instead=instead, mark=MARK))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")


def run(tmp_path, code, hosts=HERE_AND_THERE, **more):
    """Run workers on hosts; the folder of this process is theirs as well."""
    where = placed(hosts, sum(host.slots for host in hosts))
    with marked(MARK):
        return launch(plan(tmp_path, code, hosts=where, **more))


TOLD = """
names = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE", "NODE_HOST", "ROOT", "OF_THE_LAUNCHER")
print(json.dumps([os.getcwd(), *(os.environ.get("GLUONVAE_" + name) for name in names)]))
"""


def check_told(outcome, printed, folder):
    assert outcome == Outcome(0), printed
    told = {int(rank): json.loads(line) for rank, line in re.findall(r"^\[(\d)\] (.*)$", printed.out, re.MULTILINE)}
    (root,) = {one[6] for one in told.values()}
    assert re.fullmatch(r"127\.0\.0\.1:\d+", root)
    places = [(0, 1, "127.0.0.1"), (0, 2, "127.0.0.2"), (1, 2, "127.0.0.2"), (0, 1, "127.0.0.3")]
    assert [told[rank] for rank in range(4)] == [
        [str(folder), str(rank), "4", str(local), str(size), address, root, "sent"]
        for rank, (local, size, address) in enumerate(places)
    ]


def test_workers_on_several_hosts(tmp_path, monkeypatch, capfd):
    fake_ssh(tmp_path, monkeypatch)
    monkeypatch.setenv("GLUONVAE_OF_THE_LAUNCHER", "sent")
    monkeypatch.chdir(tmp_path)
    check_told(run(tmp_path, TOLD), capfd.readouterr(), tmp_path)


@pytest.mark.parametrize(
    ("instead", "text"),
    [
        (
            "echo 'ann@127.0.0.2: Permission denied (publickey).' >&2; exit 255",
            r"ann@127.0.0.2: Permission denied \(publickey\)\.",
        ),
        ("echo 'ssh: connect to host 127.0.0.2 port 22: Connection refused' >&2; exit 255", "ssh: connect .* refused"),
        ("exit 255", "ssh ended with exit status 255"),
        ("echo Welcome; exit 1", "Welcome"),
    ],
)
def test_a_host_that_cannot_be_reached(instead, text, tmp_path, monkeypatch):
    fake_ssh(tmp_path, monkeypatch, instead)
    outcome = run(tmp_path, "open(sys.argv[1] + '/begun', 'w')", restarts=3)
    assert outcome.status == 4
    assert not outcome.may_restart
    assert re.fullmatch(rf"127\.0\.0\.[23] cannot be used: {text}", outcome.text)
    assert not (tmp_path / "begun").exists()


def test_an_ssh_that_hangs(tmp_path, monkeypatch):
    fake_ssh(tmp_path, monkeypatch, "trap '' TERM; sleep 60 & wait")
    monkeypatch.setattr(link, "TO_CONNECT", 1)
    outcome = run(tmp_path, "open(sys.argv[1] + '/begun', 'w')", timeout=1)
    assert outcome == Outcome(4, "127.0.0.2 has not answered in 1 s")
    assert not (tmp_path / "begun").exists()


def test_a_missing_interpreter(tmp_path, monkeypatch):
    fake_ssh(tmp_path, monkeypatch)
    outcome = run(tmp_path, "", hosts=HERE_AND_THERE[1:2], python="/nowhere/python")
    assert outcome.status == 4
    assert re.fullmatch(r"127\.0\.0\.2 cannot be used: .*/nowhere/python.*not found.*", outcome.text)


def test_what_a_shell_prints_at_login_is_no_harm(tmp_path, monkeypatch, capfd):
    fake_ssh(tmp_path, monkeypatch, "echo 'Welcome to node 2'; echo 'maintenance on Friday' >&2")
    assert run(tmp_path, "print(rank)").status == 0
    assert sorted(capfd.readouterr().out.splitlines()) == [f"[{rank}] {rank}" for rank in range(4)]


def test_a_connection_that_ends(tmp_path, monkeypatch):
    fake_ssh(tmp_path, monkeypatch)
    # the fake ssh is the agent itself, as it runs its command in place of itself
    code = "if rank == 3: os.kill(int(open(sys.argv[1] + '/ssh-127.0.0.2').read()), signal.SIGKILL)\nwork()"
    outcome = run(tmp_path, code)
    assert outcome == (4, "the connection to 127.0.0.2 has ended: ssh was killed by SIGKILL", True, True)


def test_a_host_that_is_silent(tmp_path, monkeypatch):
    fake_ssh(tmp_path, monkeypatch)
    code = """
if rank == 3: os.kill(int(open(sys.argv[1] + '/ssh-127.0.0.2').read()), signal.SIGSTOP)
work()
"""
    outcome = run(tmp_path, code, timeout=1.5)
    assert outcome[0] == 4
    assert outcome.may_restart
    assert re.fullmatch(r"the host 127\.0\.0\.2 has been silent for [12] s", outcome.text)


def test_a_host_that_is_back_after_a_restart(tmp_path, monkeypatch, capfd):
    fake_ssh(tmp_path, monkeypatch)
    monkeypatch.setattr(launcher, "LATER", 0.1)
    monkeypatch.setattr(launcher, "GRACE", 0.2)
    code = """
if restarts:
    sys.exit()
if rank == 3:
    os.kill(int(open(sys.argv[1] + '/ssh-127.0.0.2').read()), signal.SIGKILL)
work()
"""
    outcome = run(tmp_path, code, restarts=1, timeout=3)
    assert outcome == Outcome(0)
    said = "the connection to 127.0.0.2 has ended: ssh was killed by SIGKILL; started again (1 of 1)"
    assert f"gluonvae launch: {said}\n" in capfd.readouterr().err


def test_a_worker_of_a_silent_host_is_not_to_blame(tmp_path, monkeypatch):
    """Its last report may come before the host's last sign of life."""
    fake_ssh(tmp_path, monkeypatch)
    code = """
tell(step=1, waits=0)
if rank == 3:
    time.sleep(0.2)
    os.kill(int(open(sys.argv[1] + '/ssh-127.0.0.2').read()), signal.SIGSTOP)
work() if rank not in (1, 2) else time.sleep(60)
"""
    outcome = run(tmp_path, code, timeout=3)
    assert outcome.status == 4
    assert re.fullmatch(r"the host 127\.0\.0\.2 has been silent for [123] s", outcome.text)


def test_an_agent_without_its_launcher_ends_what_it_started(tmp_path, monkeypatch):
    """A link that is cut closes nothing: the agent hears nothing, and no end either."""
    with marked() as processes:
        agent = subprocess.Popen([sys.executable, "-c", link.BEGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        agent.stdin.write(f"{link.LOAD!r}\n{json.dumps([link._modules(), 1.0])}\n".encode())
        agent.stdin.flush()
        assert "hello" in json.loads(agent.stdout.readline())
        sleep = {"name": "worker 0", "command": ["sleep", "60"], "environment": {}, "reports": "R", "bar": False}
        agent.stdin.write(json.dumps({"start": [sleep]}).encode() + b"\n")
        agent.stdin.flush()
        wait_for(lambda: len(processes()) == 3)
        assert agent.wait(5) == 0
    agent.stdin.close()
    agent.stdout.close()


def test_options_of_ssh():
    """What keeps a connection through a cut of half a minute, and asks nobody for a password."""
    ssh = shutil.which("ssh")
    if ssh is None:
        pytest.skip("ssh is not installed")
    *options, _, host, _ = link.ssh("node1", ["true"], 65)
    shown = subprocess.run([ssh, "-G", *options[1:], host], capture_output=True, text=True, check=True).stdout
    has = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
    assert has["batchmode"] == "yes"
    assert int(has["connecttimeout"]) <= 10
    assert int(has["serveraliveinterval"]) * int(has["serveralivecountmax"]) > 65
    assert has["controlmaster"] == "false"


@pytest.fixture
def sshd(tmp_path_factory, monkeypatch):
    """An sshd on loopback with keys of its own, and an ssh on PATH that knows it."""
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(program).exists() or shutil.which("ssh") is None:
        pytest.skip("sshd is not installed")
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nKbdInteractiveAuthentication no\n"
        f"PasswordAuthentication no\nPermitRootLogin prohibit-password\nPidFile none\nPort {port}\nListenAddress 127.0.0.2\nListenAddress 127.0.0.3\n"
    )
    (folder / "config").write_text(
        f"Host *\n  Port {port}\n  User {getpass.getuser()}\n  IdentityFile {folder}/user\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known\n  StrictHostKeyChecking accept-new\n"
    )
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    server = subprocess.Popen([program, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE)
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")

    def answers():
        assert server.poll() is None, server.stderr.read()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.2", port)) == 0

    wait_for(answers)
    yield folder
    server.terminate()
    server.wait(5)
    server.stderr.close()


def test_workers_by_a_real_ssh(sshd, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GLUONVAE_OF_THE_LAUNCHER", "sent")
    monkeypatch.chdir(tmp_path)
    check_told(run(tmp_path, TOLD), capfd.readouterr(), tmp_path)


def test_a_death_beyond_a_real_ssh(sshd, tmp_path):
    code = "import subprocess\nsubprocess.Popen(['sleep', '60'])\nos.abort() if rank == 2 else work()"
    outcome = run(tmp_path, code)
    assert outcome == Outcome(4, "worker 2 on 127.0.0.2 was killed by SIGABRT", may_restart=True)


def test_a_real_ssh_without_a_key(sshd, tmp_path):
    (sshd / "user.pub").write_text("")
    outcome = run(tmp_path, "", hosts=HERE_AND_THERE[1:])
    assert outcome.status == 4
    assert not outcome.may_restart
    assert re.fullmatch(r"127\.0\.0\.[23] cannot be used: .*Permission denied \(publickey\)\.", outcome.text)


def test_a_host_without_a_real_sshd(sshd, tmp_path):
    outcome = run(tmp_path, "", hosts=[Host("127.0.0.4", 1)])
    assert outcome.status == 4
    assert not outcome.may_restart
    assert re.fullmatch(
        r"127\.0\.0\.4 cannot be used: ssh: connect to host 127\.0\.0\.4 port \d+: Connection refused", outcome.text
    )


KILL_SSH = """
def parent(number):
    return int(open(f"/proc/{number}/stat").read().rpartition(")")[2].split()[1])


if rank == 0:
    launcher = parent(os.getppid())
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if parent(name) == launcher and b"127.0.0.2" in open(f"/proc/{name}/cmdline", "rb").read():
                os.kill(int(name), signal.SIGKILL)
        except OSError:  # another process, which has ended
            pass
work()
"""


def test_a_real_ssh_that_is_killed(sshd, tmp_path):
    outcome = run(tmp_path, KILL_SSH)
    assert outcome == (4, "the connection to 127.0.0.2 has ended: ssh was killed by SIGKILL", True, True)
