"""Readers of damaged files: data or DataError, and nothing else. tests/slow/fuzz_readers.py goes on for an hour."""

import importlib.util
import os
import random
import socket
import threading
from pathlib import Path

import pytest

from tests.helpers.damage import SAMPLES, UNNAMED, damaged_file, read

hypothesis = pytest.importorskip("hypothesis", reason="needs the extra gluonvae[test]")
from hypothesis import strategies as st  # noqa: E402

BOUNDED = hypothesis.settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(params=SAMPLES)
def sample(request):
    sample = SAMPLES[request.param]
    if importlib.util.find_spec(sample.needs) is None:
        pytest.skip(f"needs {sample.needs}")
    return sample


def test_samples_are_read(sample, tmp_path):
    content = sample.make()
    path = tmp_path / sample.file
    if sample.packed:
        unchanged = random.Random(0)
        unchanged.randint = lambda low, high: 0  # no damage
        content = damaged_file(sample, content, unchanged)
    path.write_bytes(content)
    wanted = "'c' is text" if sample is SAMPLES["csv in UTF-16"] else ""  # which is a table of text
    said = read(sample, path)
    assert wanted in said if wanted else not said


def test_damaged_files(sample, tmp_path):
    content, path = sample.make(), tmp_path / sample.file

    @BOUNDED
    @hypothesis.given(st.randoms(use_true_random=False))
    def check(random):
        path.write_bytes(damaged_file(sample, content, random))
        assert not read(sample, path).startswith(UNNAMED)

    check()


def test_any_bytes(sample, tmp_path):
    content, path = sample.make(), tmp_path / sample.file

    @BOUNDED
    @hypothesis.given(st.integers(0, 16), st.binary(max_size=300))
    def check(kept, rest):
        path.write_bytes(content[:kept] + rest)
        assert not read(sample, path).startswith(UNNAMED)

    check()


def _pipe(path):
    os.mkfifo(path)


def _folder(path):
    path.mkdir()


def _link_to_nothing(path):
    path.symlink_to("nothing")


def _link_to_itself(path):
    path.symlink_to(path)


def _link_to_zeros(path):
    path.symlink_to("/dev/zero")


def _socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)  # its path must be short
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def _nothing(path):
    pass


def _unreadable(path):
    path.touch(mode=0)


SPECIAL = [_pipe, _folder, _link_to_nothing, _link_to_itself, _link_to_zeros, _socket, _nothing, _unreadable]


@pytest.mark.parametrize("make", SPECIAL)
def test_what_is_no_file(sample, make, tmp_path):
    """In a thread, so that one that waits for a pipe fails."""
    path, said = tmp_path / sample.file, []
    make(path)
    thread = threading.Thread(target=lambda: said.append(read(sample, path)), daemon=True)
    thread.start()
    thread.join(20)
    assert said
    assert said[0]
    assert not said[0].startswith(UNNAMED)


def test_a_path_that_cannot_be(sample):
    assert read(sample, Path(f"a\0b{sample.file}"))
