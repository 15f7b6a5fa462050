"""Published sets, from small files in the form of theirs: downloaded, kept, checked, upright and named."""

import gzip
import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest
from scipy import io as matlab

from gluonvae.data import DataError
from gluonvae.data.emnist import CLASSES
from gluonvae.data.known import KNOWN, read_known
from tests.helpers.server import serving

N, TEST = 40, 10


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def mat(**arrays):
    file = io.BytesIO()
    matlab.savemat(file, arrays, do_compression=True)
    return file.getvalue()


class Truth:
    """Images and labels, and the published files that hold them."""

    def __init__(self, rng, name):
        colour = name in ("cifar10", "svhn")
        shape = (32, 32, 3) if colour else (28, 28)
        self.images, self.test = (rng.integers(0, 256, (n, *shape), dtype=np.uint8) for n in (N, TEST))
        self.codes, self.test_codes = (rng.integers(1, 10, n, dtype=np.uint8) for n in (N, TEST))
        form = name.split("_")[0] if name.startswith("emnist") else name
        self.files = getattr(self, form)(name)

    def parts(self):
        return {"train": (self.images, self.codes), "test": (self.test, self.test_codes)}

    def fashion_mnist(self, name):
        arrays = [self.images, self.codes, self.test, self.test_codes]
        return {file.name: gzip.compress(idx(array)) for file, array in zip(KNOWN["kmnist"].files, arrays)}

    kmnist = fashion_mnist

    def emnist(self, name):
        which, members = name.split("_")[1], {}
        for part, (images, codes) in self.parts().items():
            stem = f"gzip/emnist-{which}-{part}"
            lying = np.ascontiguousarray(images.transpose(0, 2, 1))
            members[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(lying))
            members[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(codes))
        return {"gzip.zip": zipped(members)}

    def omniglot(self, name):
        self.images, self.test = (images / np.float32(255) for images in (self.images, self.test))
        arrays = {}
        for prefix, (images, codes) in zip(("", "test"), self.parts().values()):
            # MATLAB keeps the columns of an image one after the other
            arrays[f"{prefix}data"] = np.stack([image.ravel("F") for image in images], axis=1).astype(float)
            arrays[f"{prefix}target"] = np.eye(50)[codes].T
        return {"chardata.mat": mat(**arrays)}

    def svhn(self, name):
        self.codes[:5] = 0
        return {
            f"{part}_32x32.mat": mat(
                X=np.stack(list(images), axis=-1), y=np.where(codes == 0, 10, codes).astype(np.uint8)[:, None]
            )
            for part, (images, codes) in self.parts().items()
        }

    def cifar10(self, name):
        records = {
            part: [bytes([code]) + image.transpose(2, 0, 1).tobytes() for image, code in zip(images, codes)]
            for part, (images, codes) in self.parts().items()
        }
        members = {f"data_batch_{i + 1}.bin": b"".join(records["train"][8 * i : 8 * i + 8]) for i in range(5)}
        members |= {
            "../../evil.bin": b"no",
            "batches.meta.txt": b"airplane\n",
            "test_batch.bin": b"".join(records["test"]),
        }
        return {"cifar-10-binary.tar.gz": tarred({f"cifar-10-batches-bin/{name}": x for name, x in members.items()})}


NAMES = sorted(set(KNOWN) - {"mnist"})  # which tests/data/test_mnist.py and test_sources.py have


@pytest.fixture
def published(request, home, rng, monkeypatch):
    """Let a small set stand for the published one on a server; the set's name, its truth and the server."""
    name = request.param
    truth, known = Truth(rng, name), KNOWN[name]
    files = [
        file._replace(digest=file.digest and f"sha256:{hashlib.sha256(truth.files[file.name]).hexdigest()}")
        for file in known.files
    ]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(truth.files) as server:
        known = known._replace(files=tuple(files), valid=10, address=lambda: server.address)
        monkeypatch.setitem(KNOWN, name, known)
        yield name, truth, server


CLASS_NAMES = {
    "cifar10": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    "fashion_mnist": [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    "kmnist": ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    "emnist_letters": "?ABCDEFGHIJ",
    "emnist_balanced": "0123456789",
    "emnist_byclass": "0123456789",
    "emnist_bymerge": "0123456789",
}


@pytest.mark.parametrize("published", NAMES, indirect=True)
def test_it_is_downloaded_once_and_read(published):
    name, truth, server = published
    for _ in range(2):
        contents = read_known(name)
        train, valid, test = (contents.parts[part] for part in ("train", "valid", "test"))
        assert (len(train.values), len(valid.values), len(test.values)) == (N - 10, 10, TEST)
        order = np.random.default_rng(0).permutation(N) if name == "omniglot" else np.arange(N)
        np.testing.assert_array_equal(np.concatenate([train.values, valid.values]), truth.images[order])
        np.testing.assert_array_equal(test.values, truth.test)
        names = np.array(list(CLASS_NAMES.get(name, range(10))))
        np.testing.assert_array_equal(np.concatenate([train.labels, valid.labels]), names[truth.codes[order]])
        np.testing.assert_array_equal(test.labels, names[truth.test_codes])
        assert contents.white == (1 if name == "omniglot" else 255)
    assert server.requests == len(truth.files)


@pytest.mark.parametrize("published", NAMES, indirect=True)
def test_a_file_that_was_changed_is_an_error_that_does_not_ask_to_delete_it(published, home):
    name, truth, _ = published
    read_known(name)
    (path,) = home.rglob(next(iter(truth.files)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{path.name}: .*digest.*If it is data of your own") as caught:
        read_known(name)
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize("published", ["omniglot"], indirect=True)
def test_the_digest_of_what_was_there_first_is_remembered_and_said(published, home, caplog):
    name, truth, _ = published
    read_known(name)
    assert "no digest of" in caplog.text
    content = truth.files["chardata.mat"]
    (kept,) = home.rglob("*.sha256")
    assert kept.read_text() == f"{hashlib.sha256(content).hexdigest()}  chardata.mat\n"  # as sha256sum --check reads it
    caplog.clear()
    read_known(name)
    assert not caplog.text


@pytest.mark.parametrize("behaviour", ["page", "cut", "rubbish"])
@pytest.mark.parametrize("published", NAMES, indirect=True)
def test_what_is_not_the_file_is_not_kept(published, behaviour, home):
    name, _, server = published
    server.behaviour = behaviour
    with pytest.raises(DataError, match="could not be downloaded"):
        read_known(name)
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("published", ["kmnist"], indirect=True)
def test_files_of_mnist_in_the_folder_of_the_environment_are_not_taken_for_it(published, tmp_path, monkeypatch):
    name, truth, _ = published
    (tmp_path / "shared").mkdir()
    for file in truth.files:
        (tmp_path / "shared" / file).write_bytes(b"MNIST's")
    monkeypatch.setenv("GLUONVAE_DATA", str(tmp_path / "shared"))
    assert len(read_known(name).parts) == 3
    assert {path.name for path in (tmp_path / "shared" / "kmnist").iterdir()} == set(truth.files)


@pytest.mark.parametrize("published", ["cifar10"], indirect=True)
def test_an_archive_without_a_batch(published, tmp_path, monkeypatch):
    name, _, _ = published
    content = tarred({"cifar-10-batches-bin/test_batch.bin": bytes(3073)})
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    (file,) = KNOWN[name].files
    file = file._replace(digest=f"sha256:{hashlib.sha256(content).hexdigest()}")
    monkeypatch.setitem(KNOWN, name, KNOWN[name]._replace(files=(file,)))
    with pytest.raises(DataError, match=r"has no data_batch_1\.bin"):
        read_known(name, str(tmp_path))


def test_classes_of_emnist():
    """Numbers of classes in Cohen and others, table II."""
    counts = {name: 10 if classes is None else len(classes.strip()) for name, classes in CLASSES.items()}
    assert counts == {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}


@pytest.mark.parametrize("name", KNOWN)
def test_each_says_where_it_is_from(name):
    known = KNOWN[name]
    assert known.address().startswith("http")
    assert known.address().endswith("/")
    assert all((known.title, known.licence, known.citation, known.folder))
    lengths = {"md5": 32, "sha256": 64}
    for file in known.files:
        algorithm, digits = (file.digest or f"md5:{'0' * 32}").split(":")
        assert len(digits) == lengths[algorithm]
        assert set(digits) <= set("0123456789abcdef")


def test_an_unknown_name():
    with pytest.raises(ValueError, match="did you mean 'fashion_mnist'"):
        read_known("fashionmist")
