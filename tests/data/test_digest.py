"""The fingerprint of a data set."""

import hashlib

import numpy as np
import pytest

from gluonvae.data import Dataset, load, split


def test_it_is_that_of_the_bytes():
    pixels, labels = np.array([[0, 1], [7, 255]], np.uint8), np.array([1, 0], np.int64)
    content = b"((2,), 'dynamic')" + b"|u1 (2, 2)" + pixels.tobytes() + b"<i8 (2,)" + labels.tobytes()
    assert Dataset(pixels, labels=labels).digest() == hashlib.sha256(content).hexdigest()


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 6), dtype=np.uint8)


def test_the_same_data_have_the_same(images):
    labels = np.arange(20)
    digest = Dataset(images, labels=labels).digest()
    assert digest == Dataset(np.asfortranarray(images), labels=labels.copy()).digest()
    assert digest == Dataset(images.copy(), labels=list(labels)).digest()
    # columns of a larger array: strides say nothing
    assert digest == Dataset(np.c_[images, images][:, :6], labels=labels).digest()


def test_others_have_others(images):
    labels, rolled = np.arange(20), np.roll(images, 1, axis=0)
    others = [
        Dataset(images, labels=labels),
        Dataset(images),
        Dataset(images, labels=labels[::-1]),
        Dataset(images, labels=labels[:, None] / 2),
        Dataset(rolled, labels=labels),
        Dataset(images[:-1], labels=labels[:-1]),
        Dataset(images, (2, 3), labels=labels),
        Dataset(images, binarization="grey", labels=labels),
        Dataset(images / np.float32(255), labels=labels),
    ]
    assert len({data.digest() for data in others}) == len(others)


def test_parts_know_their_split(images):
    data = Dataset(images)
    assert data.split_seed is None
    assert [part.split_seed for part in split(data, 3, 3, seed=5)] == [5, 5, 5]
    assert [part.split_seed for part in load("digits")] == [0, 0, 0]


def test_parts_from_files_and_those_held_out(images, tmp_path):
    np.savez(tmp_path / "two.npz", train=images, test=images[:5])
    assert [part.split_seed for part in load(str(tmp_path / "two.npz"))] == [0, 0, None]


@pytest.mark.parametrize(
    ("images", "binary"), [([[0, 1]], True), ([[0, 255]], False), ([[0.0, 0.5]], False), ([[0.0, 1.0]], True)]
)
def test_images_that_were_binary_when_they_were_given(images, binary):
    images = np.array(images, np.float32 if isinstance(images[0][1], float) else np.uint8)
    for binarization in ("dynamic", "threshold", "once"):
        assert Dataset(images, binarization=binarization).binary == binary
