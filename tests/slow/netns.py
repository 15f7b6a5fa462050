"""Hosts of their own on one machine: network namespaces, each with a name, an address and sshd, joined by a switch.

As root, with iproute2 and openssh-server installed. Nothing of the machine's own network is touched. Trial::

    python -m tests.slow.netns
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

SSHD = """
Port 22
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
"""
SSH = """
Host {names}
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    StrictHostKeyChecking yes
    LogLevel ERROR
"""


def call(*command):
    """Run a command that must succeed, and return its output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def missing():
    """Return why there can be no such hosts here, or an empty string."""
    programs = [name for name in ("ip", "unshare", "ssh", "ssh-keygen", "sshd") if path_of(name) is None]
    if programs:
        return f"{', '.join(programs)} not installed"
    return "" if os.geteuid() == 0 else "needs root"


def path_of(program):
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


class Hosts:
    """Context manager of some hosts, named node0, node1 and so on, which reach each other by these names.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count):
        self.names = [f"node{i}" for i in range(count)]
        self.addresses = [f"10.77.0.{i + 1}" for i in range(count)]
        self._spaces = [f"gv{os.getpid()}-{name}" for name in self.names]
        self._switch = f"gv{os.getpid()}-switch"
        self._servers = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hosts")))
            self._write_keys()
            self._add_space(stack, self._switch)
            call("ip", "-n", self._switch, "link", "add", "switch", "type", "bridge")
            call("ip", "-n", self._switch, "link", "set", "switch", "up")
            for i in range(len(self.names)):
                self._add_host(stack, i)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        self._stack.close()

    def _write_keys(self):
        """Keys of the hosts and of their user, and an ``ssh`` that uses them."""
        for name in ("host_key", "key"):
            call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        public = (self.folder / "host_key.pub").read_text()
        names = [*self.names, *self.addresses]
        (self.folder / "known_hosts").write_text("".join(f"{name} {public}" for name in names))
        self.ssh_config = self.folder / "ssh_config"
        self.ssh_config.write_text(SSH.format(names=" ".join(names), folder=self.folder))
        ssh = self.folder / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(f'#!/bin/sh\nexec {path_of("ssh")} -F {self.ssh_config} "$@"\n')
        ssh.chmod(0o755)

    def _add_space(self, stack, space):
        call("ip", "netns", "add", space)
        stack.callback(call, "ip", "netns", "del", space)
        stack.callback(end_processes_of, space)

    def _add_host(self, stack, i):
        space, address = self._spaces[i], self.addresses[i]
        files = self.etc(i)
        files.mkdir(parents=True)
        stack.callback(shutil.rmtree, files)
        known = zip([*self.addresses, "127.0.0.1"], [*self.names, "localhost"])
        (files / "hosts").write_text("".join(f"{address} {name}\n" for address, name in known))
        self._add_space(stack, space)
        call("ip", "-n", self._switch, "link", "add", f"to{i}", "type", "veth", "peer", "eth0", "netns", space)
        call("ip", "-n", self._switch, "link", "set", f"to{i}", "master", "switch", "up")
        call("ip", "-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        for link in ("lo", "eth0"):
            call("ip", "-n", space, "link", "set", link, "up")
        Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / f"sshd_config{i}"
        config.write_text(SSHD.format(address=address, folder=self.folder))
        self.start(i, [path_of("sshd"), "-D", "-E", self.folder / f"sshd{i}.log", "-f", config])
        wait_for(lambda: f"{address}:22" in call("ip", "netns", "exec", space, "ss", "-Hltn"))
        self._servers += self._processes(i)

    def etc(self, i):
        """The folder of the files that a host has in the place of the machine's in /etc, such as hosts."""
        return Path("/etc/netns", self._spaces[i])

    def start(self, i, command, **options):
        """Start a command on a host, with the ``ssh`` that reaches the others, as subprocess.Popen does."""
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.names[i]]
        environment = {**(options.pop("env", None) or os.environ)}
        environment["PATH"] = f"{self.folder / 'bin'}:{environment.get('PATH', os.defpath)}"
        words = ["ip", "netns", "exec", self._spaces[i], *named, *map(str, command)]
        return subprocess.Popen(words, env=environment, **options)

    def run(self, i, command, timeout=60):
        """Run a command on a host, and return what subprocess.run does, with its output as text."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = self.start(i, command, text=True, **pipes)
        try:
            output, errors = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def _processes(self, i):
        return {int(number) for number in call("ip", "netns", "pids", self._spaces[i]).split()}

    def guests(self):
        """The numbers of the processes on all hosts but those of sshd, which does not hear that a link is cut."""
        found = {number for i in range(len(self.names)) for number in self._processes(i)}
        return {number for number in found if not name_of(number).startswith("sshd")}

    def replace(self, i, path, other):
        """Have a file of a host be another one, for what ssh starts there."""
        call("nsenter", "--mount", "--target", self._servers[i], "mount", "--bind", other, path)

    def cut(self, i):
        """Pull the cable of a host out of the switch."""
        call("ip", "-n", self._switch, "link", "set", f"to{i}", "down")

    def join(self, i):
        """Put it back."""
        call("ip", "-n", self._switch, "link", "set", f"to{i}", "up")


def end_processes_of(space):
    """Kill what runs in a namespace, and wait until it has gone."""

    def none_left():
        processes = call("ip", "netns", "pids", space).split()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        return not processes

    wait_for(none_left)


def name_of(process):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text()
    return ""


def wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.05)


def main():
    """Show that the hosts reach each other, and that what is cut is cut and survives."""
    reach = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3"]
    with Hosts(3) as hosts:
        for name in hosts.names:
            print(f"node0 to {name}: {hosts.run(0, [*reach, name, 'hostname']).stdout.strip()}")
        counting = [*reach, "node1", "for i in 1 2 3 4 5 6; do sleep 1; echo $i; done"]
        session = hosts.start(0, counting, stdout=subprocess.PIPE, text=True)
        print(f"a session on node1 says {session.stdout.readline().strip()}")
        hosts.cut(1)
        for name in hosts.names[1:]:
            done = hosts.run(0, [*reach, name, "hostname"])
            print(f"node1 is cut; node0 to {name}: {(done.stdout or done.stderr).strip()}")
        hosts.join(1)
        print(f"node1 is back; the session says {' '.join(session.communicate()[0].split())}")
        print(f"node0 to node1: {hosts.run(0, [*reach, 'node1', 'hostname']).stdout.strip()}")


if __name__ == "__main__":
    main()
