"""Data over the network: whole, or in bounded time an error that says which file and what to do."""

import gzip
import multiprocessing
import time

import pytest

import gluonvae as gv
from gluonvae.data import DataError, binarized_mnist, download
from tests.helpers.mnist import amat, assert_is, assert_is_amat
from tests.helpers.server import serving


@pytest.fixture
def server(small_mnist, small_amat, monkeypatch):
    contents = {f"{name}.gz": gzip.compress(content) for name, content in small_mnist.items()}
    contents |= {f"binarized_mnist_{part}.amat": amat(rows) for part, rows in small_amat.items()}
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(contents) as server:
        monkeypatch.setenv("MXNET_GLUON_REPO", server.address)
        monkeypatch.setattr(binarized_mnist, "URL", server.address)
        yield server


BOTH = pytest.mark.parametrize(
    ("name", "file"), [("mnist", "train-images-idx3-ubyte.gz"), ("binarized_mnist", "binarized_mnist_train.amat")]
)


@pytest.mark.parametrize(
    "behaviour", ["cut", "short", "rubbish", "page", "missing", "short of its length", "odd length"]
)
@BOTH
def test_broken_download_is_an_error_and_leaves_nothing(name, file, behaviour, home, server):
    server.behaviour = behaviour
    for _ in range(2):
        with pytest.raises(DataError, match=rf"{file} could not be downloaded from http.*put the file into"):
            gv.data.load(name)
        assert [path for path in home.rglob("*") if path.is_file()] == []
    assert server.requests == 2
    server.behaviour = "right"
    assert len(gv.data.load(name)) == 3


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("drip", r"only \d+ bytes came in"),
        ("slow header", "no answer within"),
        ("endless", "more than 100,000 bytes came"),
        ("circle", "redirects"),
    ],
)
@BOTH
def test_a_server_that_goes_on_is_given_up(name, file, behaviour, said, home, server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    monkeypatch.setattr(download, "ANSWER", 1.0)
    monkeypatch.setattr(download, "LARGEST", 100_000)
    server.behaviour, started = behaviour, time.monotonic()
    with pytest.raises(DataError, match=f"could not be downloaded.*{said}"):
        gv.data.load(name)
    assert time.monotonic() - started < 5
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_page_is_called_one(home, server):
    server.behaviour = "page"
    with pytest.raises(DataError, match="it is a web page"):
        gv.data.load("mnist")


def test_redirections_are_followed(home, server, small_mnist):
    server.behaviour = "redirected"
    assert_is(gv.data.load("mnist"), small_mnist)


def test_download_is_kept(home, server, small_mnist, small_amat):
    for _ in range(2):
        assert_is(gv.data.load("mnist"), small_mnist)
        assert_is_amat(gv.data.load("binarized_mnist"), small_amat)
    assert server.requests == 4 + 3
    assert sorted(path.name for path in (home / "binarized_mnist").iterdir()) == [
        f"binarized_mnist_{part}.npz" for part in ("test", "train", "valid")
    ]


@pytest.mark.parametrize("name", ["mnist", "binarized_mnist"])
def test_of_processes_that_start_together_one_downloads(name, home, server):
    """They are forked, so that the small files stand for the published ones in them too."""
    context = multiprocessing.get_context("fork")
    ready, failed = context.Barrier(12), context.Value("i", 0)

    def load():
        ready.wait(30)
        try:
            gv.data.load(name)
        except BaseException:
            failed.value += 1
            raise

    processes = [context.Process(target=load) for _ in range(12)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 12
    assert server.requests == {"mnist": 4, "binarized_mnist": 3}[name]


def test_download_goes_to_the_folder_named(home, tmp_path, server, small_mnist):
    (tmp_path / "mine").mkdir()
    gv.data.load("mnist", str(tmp_path / "mine"))
    assert len(list((tmp_path / "mine").iterdir())) == 4
    assert not home.exists()


def test_nobody_answers(home, small_mnist, monkeypatch):
    monkeypatch.setenv("MXNET_GLUON_REPO", "http://127.0.0.1:9/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(DataError, match="could not be downloaded"):
        gv.data.load("mnist")


def test_a_folder_that_cannot_be_written_to(home, small_mnist, monkeypatch):
    home.parent.mkdir()
    home.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="nothing can be downloaded to"):
        gv.data.load("mnist")
