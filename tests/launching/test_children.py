"""How workers share the cores of a host."""

import builtins
import io
import os

import pytest

from gluonvae.backend.processor import physical_cores
from gluonvae.launching.children import cores, share, threads


def test_cores_are_those_of_the_process():
    found = cores()
    assert sorted(cpu for core in found for cpu in core) == sorted(os.sched_getaffinity(0))
    assert len(found) >= physical_cores()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("workers", [1, 2, 3, 5, 64, 100])
def test_shares(count, workers):
    among = [[2 * core, 2 * core + 1] for core in range(count)]
    shares = [share(among, part, workers) for part in range(workers)]
    sizes = [len(one) for one in shares]
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= 1
    used = [core[0] for one in shares for core in one]
    assert {*used} == {2 * core for core in range(count)} or workers < count
    if workers <= count:
        assert len(used) == len({*used}) == count


@pytest.mark.parametrize(
    ("quota", "own", "workers", "limit", "want"),
    [
        ("max 100000", 8, 2, None, 8),
        ("max 100000", 8, 2, 3, 3),
        ("400000 100000", 8, 2, None, 2),
        ("50000 100000", 8, 2, None, 1),
        (None, 0, 1, None, 1),
        (None, 4, 1, None, 4),
    ],
)
def test_threads(quota, own, workers, limit, want, monkeypatch):
    before = builtins.open

    def opened(path, *rest, **more):
        if path != "/sys/fs/cgroup/cpu.max":
            return before(path, *rest, **more)
        if quota is None:
            raise FileNotFoundError(path)
        return io.StringIO(f"{quota}\n")

    monkeypatch.setattr(builtins, "open", opened)
    assert threads(own, workers, limit) == want
