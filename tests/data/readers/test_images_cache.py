"""Images are decoded once, and again when they have changed."""

import errno
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gluonvae.backend.runtime import cache_folder
from gluonvae.data import DataError
from gluonvae.data.readers import image_arrays, image_cache
from tests.helpers.pictures import contents, grey, images, save


@pytest.fixture
def folder(tmp_path):
    """A folder of images with values 0 to 4."""
    for value in range(5):
        save(tmp_path / "images" / f"{value}.png", grey(value))
    return tmp_path / "images"


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded."""
    names = []
    read_pixels = image_arrays.read_pixels

    def counted(stream):
        names.append(os.path.basename(os.readlink(f"/proc/self/fd/{stream.fileno()}")))
        return read_pixels(stream)

    monkeypatch.setattr(image_arrays, "read_pixels", counted)
    return names


def kept(cache):
    return sorted(path.name for path in (cache / "images").iterdir())


def test_once(folder, decoded):
    first = contents(folder).parts["train"].values
    assert sorted(decoded) == [f"{value}.png" for value in range(5)]
    for _ in range(3):
        again = contents(folder).parts["train"].values
        assert isinstance(again.base, np.memmap)
        assert not again.flags.writeable
        np.testing.assert_array_equal(again, first)
    assert len(decoded) == 5


def test_a_moved_folder_is_the_same(folder, decoded):
    contents(folder)
    contents(folder.rename(folder.parent / "moved"))
    assert len(decoded) == 5


@pytest.mark.parametrize("times", ["new", "restored"])
def test_a_changed_file_of_the_same_size(folder, decoded, times):
    path = folder / "3.png"
    before = path.stat()
    assert images(folder)[3, 0, 0] == 3
    time.sleep(0.02)  # more than the clock of a file system lags
    other = grey(9)
    save(path, other)
    assert path.stat().st_size == before.st_size
    if times == "restored":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert images(folder)[3, 0, 0] == 9


@pytest.mark.parametrize("change", ["new", "renamed", "removed"])
def test_other_files(folder, change):
    assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    if change == "new":
        save(folder / "5.png", grey(5))
    elif change == "renamed":
        (folder / "0.png").rename(folder / "9.png")
    else:
        (folder / "4.png").unlink()
    expected = {"new": [0, 1, 2, 3, 4, 5], "renamed": [1, 2, 3, 4, 0], "removed": [0, 1, 2, 3]}
    assert images(folder)[:, 0, 0].tolist() == expected[change]


def test_other_wishes(folder):
    shapes = [images(folder, **wishes).shape for wishes in ({}, {"resize": (2, 3)}, {"shape": (4, 4, 3)}, {})]
    assert shapes == [(5, 4, 4), (5, 2, 3), (5, 4, 4, 3), (5, 4, 4)]


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"rubbish", None])
def test_what_is_damaged_is_made_anew(folder, cache, suffix, content, decoded):
    contents(folder)
    (path,) = (cache / "images").glob(f"*{suffix}")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert len(decoded) == 10
    contents(folder)
    assert len(decoded) == 10


def test_half_of_it_is_made_anew(folder, cache):
    contents(folder)
    (path,) = (cache / "images").glob("*.npy")
    os.truncate(path, path.stat().st_size // 2)
    assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_only_the_user_can_look_into_it(folder, cache):
    contents(folder)
    assert stat.S_IMODE((cache / "images").stat().st_mode) == 0o700


def test_nothing_is_left_of_a_failure(folder, cache):
    (folder / "3.png").write_bytes(b"rubbish")
    with pytest.raises(DataError):
        contents(folder)
    assert kept(cache) == []


class TestWithoutRoom:
    def test_a_folder_that_cannot_be_made(self, folder, tmp_path, monkeypatch, caplog):
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("GLUONVAE_CACHE", str(tmp_path / "file" / "cache"))
        assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
        assert "decoded images cannot be kept in" in caplog.text

    def test_no_home(self, folder, monkeypatch):
        for name in ("GLUONVAE_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(os.path, "expanduser", lambda path: path)
        assert cache_folder() is None
        assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]

    def test_a_full_disk(self, folder, cache, monkeypatch, caplog):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "posix_fallocate", full)
        assert images(folder)[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
        assert "No space left on device" in caplog.text
        assert kept(cache) == []

    def test_memory_is_too_small_as_well(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GLUONVAE_CACHE", "/proc/nothing")
        for value in range(3):
            save(tmp_path / f"{value}.png", grey(value, (100, 100)))
        monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PHYS_PAGES": 5, "SC_PAGE_SIZE": 4096}[name])
        with pytest.raises(DataError, match=r"shape \(3, 100, 100\) take 0\.0 GB.*GLUONVAE_CACHE name a folder"):
            contents(tmp_path)


def test_where_it_is(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("GLUONVAE_CACHE", "/x")
    assert str(cache_folder()) == "/x"
    monkeypatch.delenv("GLUONVAE_CACHE")
    assert str(cache_folder()) == "/home/anna/.cache/gluonvae"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/anna")
    assert str(cache_folder()) == "/var/anna/gluonvae"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, by the XDG specification
    assert str(cache_folder()) == "/home/anna/.cache/gluonvae"


def test_what_was_not_used_for_longest_goes(tmp_path, cache, monkeypatch, decoded):
    folders = [tmp_path / name for name in "abc"]
    for value, folder in enumerate(folders):
        save(folder / "x.png", grey(value, (50, 50)))
    (cache / "images").mkdir(parents=True)
    others = ["mine.npy", ".x.0123456789abcdef.part.npy", "notes.txt"]
    for name in others:
        (cache / "images" / name).write_bytes(bytes(9000))
    monkeypatch.setattr(image_cache, "MOST_BYTES", 6000)  # two of them, 2,628 bytes each
    for folder in (folders[0], folders[1], folders[0], folders[2]):
        contents(folder)
        time.sleep(0.02)
    assert len(decoded) == 3
    contents(folders[0])
    contents(folders[2])
    assert len(decoded) == 3
    contents(folders[1])
    assert len(decoded) == 4
    names = kept(cache)
    assert len(names) == 3 + 2 * 2
    assert set(others) <= set(names)


def test_what_a_killed_process_left_goes_after_a_day(folder, cache):
    (cache / "images").mkdir(parents=True)
    path = cache / "images" / ".x.0123456789abcdef.part.npy"
    path.write_bytes(b"")
    os.utime(path, (time.time() - 90_000,) * 2)
    contents(folder)
    assert not path.exists()


def test_images_stay_when_their_file_goes(folder, cache):
    values = contents(folder).parts["train"].values
    for path in (cache / "images").iterdir():
        path.unlink()
    assert values[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_several_at_once(folder, cache):
    with ThreadPoolExecutor(8) as pool:
        for values in pool.map(lambda _: images(folder), range(16)):
            assert values[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert len(kept(cache)) == 2


def test_another_process_is_first(folder, cache, monkeypatch):
    read_pixels, others = image_arrays.read_pixels, []

    def after_another(stream):
        if not others:
            others.append(None)
            others.append(images(folder))
        return read_pixels(stream)

    monkeypatch.setattr(image_arrays, "read_pixels", after_another)
    np.testing.assert_array_equal(images(folder), others[1])
    assert len(kept(cache)) == 2
