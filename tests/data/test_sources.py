"""Data over the network: whole, or an error that says which file and what to do."""

import gzip
import http.server
import threading

import pytest

import gluonvae as gv
from gluonvae.data import DataError, binarized_mnist
from tests.helpers.mnist import amat, assert_is, assert_is_amat


class Server(http.server.ThreadingHTTPServer):
    """Serves ``contents`` by file name, in the way that ``behaviour`` says."""

    contents: dict
    behaviour = "right"
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        name = self.path.rsplit("/", 1)[-1]
        content = self.server.contents[name]
        if self.server.behaviour == "missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.server.behaviour != "short":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        sent = {
            "right": content,
            "cut": content[: len(content) // 2],
            "short": content[: len(content) // 2],
            "rubbish": bytes(len(content)),
            "page": b"<html>log in first</html>".ljust(len(content)),
        }
        self.wfile.write(sent[self.server.behaviour])
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(small_mnist, small_amat, monkeypatch):
    server = Server(("127.0.0.1", 0), Handler)
    server.contents = {f"{name}.gz": gzip.compress(content) for name, content in small_mnist.items()}
    server.contents |= {f"binarized_mnist_{part}.amat": amat(rows) for part, rows in small_amat.items()}
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setenv("MXNET_GLUON_REPO", address)
    monkeypatch.setattr(binarized_mnist, "URL", address)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("behaviour", ["cut", "short", "rubbish", "page", "missing"])
@pytest.mark.parametrize(
    ("name", "file"), [("mnist", "train-images-idx3-ubyte.gz"), ("binarized_mnist", "binarized_mnist_train.amat")]
)
def test_broken_download_is_an_error_and_leaves_nothing(name, file, behaviour, home, server):
    server.behaviour = behaviour
    for _ in range(2):
        with pytest.raises(DataError, match=rf"{file} could not be downloaded from http.*put the file into"):
            gv.data.load(name)
        assert [path for path in home.rglob("*") if path.is_file()] == []
    assert server.requests == 2
    server.behaviour = "right"
    assert len(gv.data.load(name)) == 3


def test_download_is_kept(home, server, small_mnist, small_amat):
    for _ in range(2):
        assert_is(gv.data.load("mnist"), small_mnist)
        assert_is_amat(gv.data.load("binarized_mnist"), small_amat)
    assert server.requests == 4 + 3
    assert sorted(path.name for path in (home / "binarized_mnist").iterdir()) == [
        f"binarized_mnist_{part}.npz" for part in ("test", "train", "valid")
    ]


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
