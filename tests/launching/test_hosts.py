"""Files of hosts, and where the workers go."""

import socket

import pytest

from gluonvae.launching.hosts import Host, placed, read_hosts

FILE = """
# the cluster
node1 slots=2          # as mpirun has it
ann@node2:3
node3.example.org slots = 1 max_slots=4

node-4
"""


def written(tmp_path, text):
    path = tmp_path / "hosts"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_lines_of_mpirun_and_of_horovodrun(tmp_path):
    want = [("node1", 2), ("ann@node2", 3), ("node3.example.org", 1), ("node-4", 1)]
    assert read_hosts(written(tmp_path, FILE)) == want


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no host"),
        ("# none\n\n", "names no host"),
        (b"\x7fELF\xff\xfe\x00\x80", "it is not text"),
        ("node1\nnode2 slots=-1\n", r"line 2: the slots of node2 must be positive, got -1"),
        ("node1:0\n", r"line 1: the slots of node1 must be positive, got 0"),
        ("node1 slots=2\nnode2\nnode1:2\n", "line 3: node1 is there twice"),
        ("localhost\n127.0.0.1\n", "line 2: 127.0.0.1, which is localhost is there twice"),
        ("node1 slots=two\n", "line 1: 'node1 slots=two' must be NAME, NAME:N or NAME slots=N"),
        ("node1 node2\n", "must be NAME"),
        ("-oProxyCommand=true\n", "must be NAME"),
        ("ann@-oProxyCommand=true\n", "must be NAME"),
        ("node1;reboot\n", "must be NAME"),
    ],
)
def test_what_is_no_file_of_hosts(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_hosts(written(tmp_path, text))


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match=str(path)):
            read_hosts(path)


def test_this_machine_needs_no_ssh():
    assert all(Host(name, 1).is_local for name in ("localhost", "127.0.0.1", socket.gethostname()))
    assert not Host("node1", 1).is_local


def test_hosts_are_filled_in_order():
    hosts = [Host("a", 2), Host("b", 3), Host("c", 1)]
    assert placed(hosts, 6) == [(hosts[0], range(2)), (hosts[1], range(2, 5)), (hosts[2], range(5, 6))]
    assert placed(hosts, 3) == [(hosts[0], range(2)), (hosts[1], range(2, 3))]
    with pytest.raises(ValueError, match=r"-n 7 is more than the 6 slot\(s\)"):
        placed(hosts, 7)
