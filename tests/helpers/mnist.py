"""MNIST's files in small: written, damaged, and what must come of them."""

import gzip

import numpy as np

SHAPES = {
    "train-images-idx3-ubyte": (60, 28, 28),
    "train-labels-idx1-ubyte": (60,),
    "t10k-images-idx3-ubyte": (10, 28, 28),
    "t10k-labels-idx1-ubyte": (10,),
}


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


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def tamper(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def empty(path):
    path.write_bytes(b"")


def amat(images):
    return "".join(" ".join(map(str, row)) + "\n" for row in images.astype(int).tolist()).encode()


def write_amat(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in images.items():
        (folder / f"binarized_mnist_{part}.amat").write_bytes(amat(rows))


def assert_is_amat(splits, images):
    for part, rows in images.items():
        np.testing.assert_array_equal(getattr(splits, part).batch(slice(None)), rows)
