"""Data sets in memory: binarisation and splits."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.data import Dataset, binarization


def test_dynamic_pixels_are_drawn_with_the_grey_value_as_probability():
    levels = np.array([0, 1, 64, 128, 254, 255], np.uint8)
    data = Dataset(np.tile(levels, (20_000, 1)))
    counts = data.batch(slice(None)).sum(0)
    assert counts[0] == 0
    assert counts[-1] == 20_000
    for level, count in zip(levels, counts):
        assert scipy.stats.binomtest(int(count), 20_000, level / 255).pvalue > 1e-3
    fractions = Dataset(np.tile([[0, 0.3, 1]], (20_000, 1))).batch(slice(None)).sum(0)
    assert fractions[0] == 0
    assert fractions[2] == 20_000
    assert scipy.stats.binomtest(int(fractions[1]), 20_000, 0.3).pvalue > 1e-3


def test_bytes_below_255_are_equally_likely(rng):
    drawn = binarization._below_255(rng, (511, 999))
    assert drawn.shape == (511, 999)
    counts = np.bincount(drawn.ravel(), minlength=256)
    assert counts[255] == 0
    assert scipy.stats.chisquare(counts[:255]).pvalue > 1e-3


def test_dynamic_pixels_are_new_at_each_use_and_follow_the_seed(grey):
    data = Dataset(grey)
    gv.seed(1)
    first, second = data.batch(slice(None)), data.batch(slice(None))
    assert (first != second).any()
    gv.seed(1)
    np.testing.assert_array_equal(first, data.batch(slice(None)))


def test_other_binarizations(grey):
    np.testing.assert_array_equal(Dataset(grey, binarization="threshold").batch(slice(None)), grey >= 128)
    once = Dataset(grey, binarization="once")
    np.testing.assert_array_equal(once.batch(slice(None)), once.batch(slice(None)))
    np.testing.assert_array_equal(once.pixels, Dataset(grey, binarization="once").pixels)
    assert (once.pixels != Dataset(grey, binarization="once", seed=1).pixels).any()
    np.testing.assert_array_equal(Dataset(grey, binarization="none").batch(slice(None)), grey.astype(np.float32))


def test_grey_and_bytes(grey):
    for form in (grey, grey.astype(int), grey / 255):
        fractions, whole = Dataset(form, binarization="grey"), Dataset(form, binarization="bytes")
        np.testing.assert_array_equal(fractions.batch(slice(None)), (grey / 255).astype(np.float32))
        np.testing.assert_array_equal(whole.batch(slice(None)), grey.astype(np.float32))
        for data in (fractions, whole, fractions.subset(slice(5)), whole.drawn_once()):
            assert np.isin(data.batch(slice(None)), np.concatenate(list(data.possible_values()))).all()
    assert Dataset(grey, binarization="grey").pixels.dtype == np.uint8


@pytest.mark.parametrize("form", [lambda grey: grey, lambda grey: grey / 255, lambda grey: grey >= 128])
def test_possible_values_are_zeros_and_ones_of_what_is_drawn(form, grey):
    for name in ("dynamic", "threshold", "once"):
        values = Dataset(form(grey), binarization=name).possible_values()
        assert set(np.unique(np.concatenate(list(values)))) == {0, 1}


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_zeros_and_ones_stay(dtype, rng):
    binary = rng.integers(0, 2, (30, 12))
    for name in gv.data.BINARIZATIONS:
        data = Dataset(binary.astype(dtype), binarization=name)
        np.testing.assert_array_equal(data.batch(slice(None)), binary)
        assert data.batch(slice(3)).dtype == np.float32


def test_split_keeps_the_parts_apart_and_draws_the_last_two_once():
    images = np.arange(100)[:, None] * np.ones((1, 4)) / 200 + 0.25
    train, valid, test = gv.data.split(Dataset(images, labels=np.arange(100)), 20, 10)
    assert (len(train), len(valid), len(test)) == (70, 20, 10)
    assert sorted([*train.labels, *valid.labels, *test.labels]) == list(range(100))
    np.testing.assert_allclose(train.pixels, images[train.labels], rtol=1e-6)
    assert (train.binarization, valid.binarization, test.binarization) == ("dynamic", "once", "once")
    np.testing.assert_array_equal(
        gv.data.split(Dataset(images, labels=np.arange(100)), 20, 10).test.labels, test.labels
    )
