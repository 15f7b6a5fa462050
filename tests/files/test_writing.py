"""A file is written as a whole or not at all."""

import json
import os

import numpy as np
import pytest

from gluonvae.files import append_line, as_json, read_by, replacing, sweep, write_bytes, write_json, written_by


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "a" / "x.txt"
    with replacing(path) as part:
        part.write_text("old")

    def fail():
        with replacing(path) as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert names(path.parent) == ["x.txt"]


def test_an_error_that_the_disk_reports_late_is_seen(tmp_path, monkeypatch):
    """A file system may say only when it synchronises that there is no space."""
    path = tmp_path / "x.txt"
    path.write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.txt"]


def test_file_and_folder_are_synchronised_before_and_after_the_new_name(tmp_path, monkeypatch):
    events, fsync, replace = [], os.fsync, os.replace

    def synchronise(descriptor):
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", synchronise)
    monkeypatch.setattr("os.replace", lambda *paths: (events.append("replace"), replace(*paths)))
    write_bytes(tmp_path / "x", b"1")
    assert events == ["file", "replace", "folder"]


def test_a_link_at_the_temporary_name_is_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 16)
    (tmp_path / ".x.0000000000000000.part.txt").symlink_to(victim)
    with pytest.raises(FileExistsError):
        write_bytes(tmp_path / "x.txt", b"new")
    assert victim.read_text() == "precious"


def test_two_writers_have_temporary_files_of_their_own(tmp_path):
    with replacing(tmp_path / "x.npy") as one, replacing(tmp_path / "x.npy") as other:
        assert one != other
        np.save(one, np.ones(3))
        np.save(other, np.zeros(3))
    assert names(tmp_path) == ["x.npy"]
    assert (np.load(tmp_path / "x.npy") == 1).all()  # the outer one ended last


def test_sweep_removes_what_killed_processes_left(tmp_path):
    kept = [".hidden", "model.params", ".x.part.txt", "step.part"]
    for name in [*kept, ".model.0123456789abcdef.part.params", ".lock.0123456789abcdef.part"]:
        (tmp_path / name).write_text("")
    (tmp_path / ".folder.0123456789abcdef.part").mkdir()
    sweep(tmp_path)
    assert names(tmp_path) == sorted([*kept, ".folder.0123456789abcdef.part"])


def test_written_by_returns_what_was_saved():
    def save(path):
        with open(path, "wb") as file:
            file.write(b"abc")

    assert written_by(save) == b"abc"


def test_read_by_gives_a_file_with_the_content():
    found = []

    def load(path):
        with open(path, "rb") as file:
            found.append((file.read(), path))

    read_by(load, b"abc")
    ((content, path),) = found
    assert content == b"abc"
    assert not os.path.exists(path)


def test_json_is_json(tmp_path):
    content = {"a": float("nan"), "b": [1, (float("inf"), 2.5)], "c": {"d": -float("inf")}, 3: None}
    write_json(tmp_path / "x.json", content)

    def refuse(constant):
        raise ValueError(constant)

    read = json.loads((tmp_path / "x.json").read_text(), parse_constant=refuse)
    assert read == {"a": None, "b": [1, [None, 2.5]], "c": {"d": None}, "3": None}
    assert as_json({"x": 0.1 + 0.2}) == '{"x": 0.30000000000000004}'


def test_a_line_is_added_whole_or_not_at_all(tmp_path):
    """On a file system that is full; /dev/full is always so."""
    path = tmp_path / "x.jsonl"
    append_line(path, "one")
    append_line(path, "two")
    assert path.read_text() == "one\ntwo\n"
    with pytest.raises(OSError, match="No space"):
        append_line(type(path)("/dev/full"), "three")
