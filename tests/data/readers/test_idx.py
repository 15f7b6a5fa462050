"""IDX files of any data set."""

import gzip
import struct

import numpy as np
import pytest

from gluonvae.data import DataError, opening
from gluonvae.data.readers import idx
from gluonvae.data.readers.base import IMAGES, ROWS, Wishes

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def content(array, end=">"):
    magic = struct.pack(end + "I", CODES[array.dtype.str[1:]] << 8 | array.ndim)
    return (
        magic + struct.pack(f"{end}{array.ndim}I", *array.shape) + array.astype(array.dtype.newbyteorder(end)).tobytes()
    )


def write(path, array, compress=False, **options):
    made = content(array, **options)
    path.write_bytes(gzip.compress(made) if compress else made)


def read(path):
    return idx.READER.read(path, Wishes())


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (7, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(7, 4, 3), (7, 12), (7, 2, 3, 3)])
def test_any_dtype_and_shape(tmp_path, rng, dtype, shape, compress):
    array = rng.integers(0, 100, shape).astype(dtype)
    path = tmp_path / "a.data"  # known by its first bytes
    write(path, array, compress)
    assert idx.READER.recognises(path)
    contents = read(path)
    got = contents.parts["train"].values
    np.testing.assert_array_equal(got, array)
    assert got.dtype == np.dtype(dtype).newbyteorder(">")
    assert isinstance(got, np.memmap) != compress
    assert contents.kind == (IMAGES if len(shape) > 2 else ROWS)
    assert contents.white == (255 if dtype == "u1" and len(shape) > 2 else None)
    assert idx.READER.read(path, Wishes(shape=shape[1:])).kind == IMAGES


NAMED = {
    "mnist": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    "dotted": (
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ),
    "own": tuple(f"shoes-{part}-{what}-ubyte" for part in ("train", "test") for what in ("images-idx3", "labels-idx1")),
    "emnist": tuple(
        f"emnist-letters-{part}-{what}-ubyte" for part in ("train", "test") for what in ("images-idx3", "labels-idx1")
    ),
}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("naming", NAMED)
def test_a_folder_and_a_file_of_it(tmp_path, images, naming, compress):
    labels = np.arange(7, dtype=np.uint8)
    paths = [tmp_path / (name + compress * ".gz") for name in NAMED[naming]]
    for path, array in zip(paths, (images, labels, images[:2], labels[:2])):
        write(path, array, compress)
    upright = images.transpose(0, 2, 1) if naming == "emnist" else images
    assert idx.READER.recognises(tmp_path)
    parts = read(tmp_path).parts
    assert set(parts) == {"train", "test"}
    np.testing.assert_array_equal(parts["train"].values, upright)
    np.testing.assert_array_equal(parts["train"].labels, labels)
    np.testing.assert_array_equal(parts["test"].values, upright[:2])
    np.testing.assert_array_equal(parts["test"].labels, labels[:2])
    alone = read(paths[2]).parts
    assert set(alone) == {"train"}
    np.testing.assert_array_equal(alone["train"].values, upright[:2])
    np.testing.assert_array_equal(alone["train"].labels, labels[:2])


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda made: made[:-1], r"header says \(7, 4, 3\), so 84 bytes, and there are 83: it is broken"),
        (lambda made: made + b"0", "84 bytes, and there are more"),
        (lambda made: made[:9], "ends within its header"),
        (lambda made: made[:3], "no IDX file: it begins with the bytes 00 00 08$"),
        (lambda made: b"", "it begins with the bytes of nothing"),
        (lambda made: b"\1" + made[1:], "no IDX file"),
        (lambda made: made[:2] + b"\7" + made[3:], "no IDX file"),
        (lambda made: made[:4] + bytes(4) + made[8:], r"its shape is \(0, 4, 3\)"),
        (lambda made: made[:3] + b"\xff" + bytes(2000), "shape is"),
        (lambda made: made[:4] + b"\xff" * 12 + made[16:], r"\(4294967295, 4294967295, 4294967295\)"),
    ],
)
def test_damaged(tmp_path, images, damage, said, compress):
    made = damage(content(images))
    path = tmp_path / "a-idx3-ubyte"
    path.write_bytes(gzip.compress(made) if compress else made)
    with pytest.raises(DataError, match=said) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_little_endian_is_named(tmp_path, images):
    write(tmp_path / "a-idx3-ubyte", images, end="<")
    with pytest.raises(DataError, match="it is little-endian, IDX files are big-endian"):
        read(tmp_path / "a-idx3-ubyte")


@pytest.mark.parametrize(
    "damage", [lambda made: made[:-9], lambda made: made[:12], lambda made: made[:20] + b"\0" * 30]
)
def test_damaged_gzip(tmp_path, images, damage):
    (tmp_path / "a-idx3-ubyte.gz").write_bytes(damage(gzip.compress(content(images))))
    with pytest.raises(DataError, match=r"a-idx3-ubyte\.gz"):
        read(tmp_path / "a-idx3-ubyte.gz")


def test_labels_alone_are_no_data(tmp_path):
    write(tmp_path / "train-labels-idx1-ubyte", np.arange(3, dtype=np.uint8))
    with pytest.raises(DataError, match=r"one number each.*these are labels"):
        read(tmp_path / "train-labels-idx1-ubyte")
    with pytest.raises(DataError, match="no images of the part train"):
        read(tmp_path)


def test_labels_of_others(tmp_path, images):
    write(tmp_path / "train-images-idx3-ubyte", images)
    write(tmp_path / "train-labels-idx1-ubyte", np.arange(6, dtype=np.uint8))
    with pytest.raises(DataError, match=r"labels of shape \(6,\).*has 7 images"):
        read(tmp_path)


def test_parts_of_other_forms(tmp_path, images):
    write(tmp_path / "train-images-idx3-ubyte", images)
    write(tmp_path / "test-images-idx3-ubyte", images[:, :2])
    with pytest.raises(DataError, match="parts have different forms"):
        read(tmp_path)


def test_several_sets_in_a_folder(tmp_path, images):
    for name in ("emnist-letters", "emnist-digits"):
        write(tmp_path / f"{name}-train-images-idx3-ubyte", images)
    with pytest.raises(DataError, match="several data sets, emnist-digits, emnist-letters"):
        read(tmp_path)


def test_a_file_that_is_named_otherwise_is_not_passed_over(tmp_path, images):
    write(tmp_path / "train-images-idx3-ubyte", images)
    write(tmp_path / "more-idx3-ubyte", images)
    with pytest.raises(DataError, match="holds more-idx3-ubyte: name files as in train-images-idx3-ubyte"):
        read(tmp_path)


@pytest.mark.parametrize("said", [(200_000, 1000), (7, 12), (2**32 - 1, 2**32 - 1)])
def test_memory_is_what_the_file_holds_or_less(tmp_path, said, monkeypatch):
    """200 MB of zeros in 200 kB, with a header that says so, that says less and that says more."""
    monkeypatch.setattr(opening, "ROOM", 1 << 20)
    path = tmp_path / "a-idx2-ubyte.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(struct.pack(">4B2I", 0, 0, 8, 2, *said))
        for _ in range(200):
            file.write(bytes(1_000_000))
    assert path.stat().st_size < 1e6
    with pytest.raises(DataError, match=r"a-idx2-ubyte\.gz"):
        read(path)
