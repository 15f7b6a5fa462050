"""Data from files and over the network: whole, or an error that says which file and what to do."""

import gzip
import hashlib
import http.server
import os
import threading
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.data import DataError, binarized_mnist, mnist
from gluonvae.data import sources as files

SHAPES = {"train_images": (60, 28, 28), "train_labels": (60,), "test_images": (10, 28, 28), "test_labels": (10,)}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home for MXNet's data, and nothing in the environment."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLUONVAE_DATA", raising=False)
    return tmp_path / "home" / "datasets"


@pytest.fixture
def small_mnist(monkeypatch, rng):
    """MNIST's file names and format with 70 random images: name -> content of the IDX file."""
    contents, described = {}, {}
    for part, file in mnist.FILES.items():
        array = rng.integers(0, 256 if "images" in part else 10, SHAPES[part], dtype=np.uint8)
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        contents[file.name] = header + array.tobytes()
        described[part] = file._replace(shape=SHAPES[part], sha256=hashlib.sha256(contents[file.name]).hexdigest())
    monkeypatch.setattr(mnist, "FILES", described)
    monkeypatch.setattr(mnist, "VALID_IMAGES", 20)
    return contents


def write(folder, contents, compress):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name + compress * ".gz")).write_bytes(gzip.compress(content, 1) if compress else content)


def assert_is(splits, contents):
    images = np.frombuffer(contents["train-images-idx3-ubyte"], np.uint8, offset=16).reshape(60, 784)
    np.testing.assert_array_equal(splits.train.pixels, images[:40])
    assert splits.train.binarization == "dynamic"
    assert splits.valid.pixels.dtype == splits.test.pixels.dtype == bool
    np.testing.assert_array_equal(splits.test.batch(slice(None)), splits.test.batch(slice(None)))
    labels = np.frombuffer(contents["train-labels-idx1-ubyte"], np.uint8, offset=8)
    np.testing.assert_array_equal(np.r_[splits.train.labels, splits.valid.labels], labels)
    assert [len(part) for part in splits] == [40, 20, 10]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("place", ["folder", "subfolder", "environment", "gluon"])
def test_mnist_is_found(place, compress, home, tmp_path, small_mnist, monkeypatch):
    folder = {"gluon": home / "mnist", "subfolder": tmp_path / "data" / "mnist"}.get(place, tmp_path / "data")
    write(folder, small_mnist, compress)
    if place == "environment":
        monkeypatch.setenv("GLUONVAE_DATA", str(tmp_path / "data"))
    assert_is(gv.data.load("mnist", str(tmp_path / "data") if "folder" in place else None), small_mnist)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def tamper(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("damage", [truncate, tamper, empty])
def test_damaged_mnist_is_an_error_that_names_the_file(damage, compress, home, tmp_path, small_mnist):
    write(tmp_path / "data", small_mnist, compress)
    path = tmp_path / "data" / ("t10k-images-idx3-ubyte" + compress * ".gz")
    damage(path)
    with pytest.raises(DataError, match=rf"{path.name}: .*delete the file"):
        gv.data.load("mnist", str(tmp_path / "data"))


def test_mnist_itself(tmp_path):
    """The real files, where GLUONVAE_DATA names their folder; the digits in the package are among them."""
    name = mnist.FILES["train_images"].name
    if not files.find([name, f"{name}.gz"], files.folders("mnist", None)):
        pytest.skip("needs MNIST's files in the folder that GLUONVAE_DATA names")
    splits = gv.data.load("mnist", binarization="none")
    assert [len(part) for part in splits] == [50_000, 10_000, 10_000]
    everything = {row.astype(np.uint8).tobytes() for part in splits for row in part.pixels}
    for part in gv.data.load("digits", binarization="none"):
        assert all(row.astype(np.uint8).tobytes() in everything for row in part.pixels)


def amat(images):
    return "".join(" ".join(map(str, row)) + "\n" for row in images.astype(int).tolist()).encode()


@pytest.fixture
def small_amat(monkeypatch, rng):
    """Larochelle's file names and format with few rows: part -> images."""
    images, described = {}, {}
    for part, rows in (("train", 50), ("valid", 10), ("test", 20)):
        images[part] = rng.integers(0, 2, (rows, 784)).astype(bool)
        described[part] = binarized_mnist.FILES[part]._replace(
            rows=rows, sha256=hashlib.sha256(amat(images[part])).hexdigest()
        )
    monkeypatch.setattr(binarized_mnist, "FILES", described)
    return images


def write_amat(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in images.items():
        (folder / f"binarized_mnist_{part}.amat").write_bytes(amat(rows))


def assert_is_amat(splits, images):
    for part, rows in images.items():
        np.testing.assert_array_equal(getattr(splits, part).batch(slice(None)), rows)


def test_amat_is_read_packed_and_read_again(home, tmp_path, small_amat):
    write_amat(tmp_path, small_amat)
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), small_amat)
    packed = tmp_path / "binarized_mnist_train.npz"
    assert packed.stat().st_size < 50 * 784 / 8 + 1000
    for text in tmp_path.glob("*.amat"):
        text.unlink()
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), small_amat)


@pytest.mark.parametrize("age", [10, -1000])
def test_another_amat_replaces_what_was_packed(age, home, tmp_path, small_amat, caplog):
    write_amat(tmp_path, small_amat)
    gv.data.load("binarized_mnist", str(tmp_path))
    assert "not from the published file" not in caplog.text
    flipped = {part: ~rows for part, rows in small_amat.items()}
    write_amat(tmp_path, flipped)
    for text in tmp_path.glob("*.amat"):
        os.utime(text, (time.time() + age, time.time() + age))
    for _ in range(2):
        caplog.clear()
        assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path)), flipped)
        assert "not from the published file" in caplog.text


def test_the_folder_named_goes_before_what_was_packed_elsewhere(home, tmp_path, small_amat):
    write_amat(home / "binarized_mnist", small_amat)
    gv.data.load("binarized_mnist")
    flipped = {part: ~rows for part, rows in small_amat.items()}
    write_amat(tmp_path / "mine", flipped)
    assert_is_amat(gv.data.load("binarized_mnist", str(tmp_path / "mine")), flipped)


@pytest.mark.parametrize("damage", [truncate, empty])
def test_damaged_packed_file_is_an_error_that_names_it(damage, home, tmp_path, small_amat):
    write_amat(tmp_path, small_amat)
    gv.data.load("binarized_mnist", str(tmp_path))
    damage(tmp_path / "binarized_mnist_valid.npz")
    with pytest.raises(DataError, match=r"binarized_mnist_valid\.npz is broken: delete it"):
        gv.data.load("binarized_mnist", str(tmp_path))


@pytest.mark.parametrize("separator", [b"\t", b"  ", b" \r"])
def test_amat_with_other_white_space(separator, rng):
    images = rng.integers(0, 2, (5, 784)).astype(bool)
    content = amat(images)
    content = content.replace(b"\n", b" \r\n") if b"\r" in separator else content.replace(b" ", separator)
    np.testing.assert_array_equal(binarized_mnist.parse_amat(content, 5, "x"), images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], r"x has \d rows, not 5"),
        (lambda text: text + text[:1568], "x has 6 rows, not 5"),
        (lambda text: text.replace(b"1", b"2", 1), "x, line 1, is not 784 zeros and ones"),
        (lambda text: text[:1566] + b"\n" + text[1568:], "x, line 1, is not 784"),
        (lambda text: text[:-3] + b"01\n", "x, line 5, is not 784"),
        (lambda text: b"", "x has 0 rows"),
    ],
)
def test_amat_that_is_not_rows_of_zeros_and_ones(change, message, rng):
    content = amat(np.ones((5, 784)))
    with pytest.raises(DataError, match=message):
        binarized_mnist.parse_amat(change(content), 5, "x")


def test_amat_of_full_size_is_read_in_a_second_or_so(rng):
    """NumPy's loadtxt takes half a minute; the margin is for a busy machine."""
    images = rng.integers(0, 2, (50_000, 784), dtype=np.uint8)
    text = np.full((50_000, 1568), ord(" "), np.uint8)
    text[:, ::2], text[:, -1] = images + ord("0"), ord("\n")
    started = time.perf_counter()
    parsed = binarized_mnist.parse_amat(text.tobytes(), 50_000, "x")
    assert time.perf_counter() - started < 3
    np.testing.assert_array_equal(parsed, images)


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


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path):
    from gluonvae.files import replacing

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
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]
