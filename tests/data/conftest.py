"""Fixtures of data: small files under the names of the published ones, and grey images."""

import hashlib

import numpy as np
import pytest

from gluonvae.data import binarized_mnist, known, mnist
from tests.helpers.mnist import SHAPES, amat


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home for MXNet's data, and nothing in the environment."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLUONVAE_DATA", raising=False)
    return tmp_path / "home" / "datasets"


@pytest.fixture
def small_mnist(monkeypatch, rng):
    """MNIST's file names and format with 70 random images: name -> content of the IDX file."""
    contents = {}
    for name, shape in SHAPES.items():
        if "images" in name:
            array = rng.integers(0, 256, shape, dtype=np.uint8)
        else:  # each class occurs
            array = rng.permutation(np.arange(shape[0], dtype=np.uint8) % 10)
        header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        contents[name] = header + array.tobytes()
    files = tuple(
        file._replace(digest=f"sha256:{hashlib.sha256(contents[file.name]).hexdigest()}") for file in mnist.MNIST.files
    )
    monkeypatch.setitem(known.KNOWN, "mnist", mnist.MNIST._replace(files=files, valid=20))
    return contents


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


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (30, 12), dtype=np.uint8)
