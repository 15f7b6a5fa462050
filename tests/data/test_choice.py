"""Which likelihood and which preparation fit data."""

import numpy as np
import pytest
import scipy.sparse
from PIL import Image

import gluonvae as gv
from gluonvae.data import Dataset, Splits, binarization_for, binarized, choose

RNG = np.random.default_rng(0)
N = 30
BITS = RNG.integers(0, 2, (N, 12))
ONE_HOT = np.eye(3)[RNG.integers(0, 3, (N, 4))].reshape(N, 12)
BYTES = RNG.integers(0, 256, (N, 4, 3), dtype=np.uint8)
BYTES[0, 0, 0] = 255
COLOUR = RNG.integers(0, 256, (N, 4, 4, 3), dtype=np.uint8)
COUNTS = RNG.poisson(3, (N, 12))
REALS = RNG.normal(size=(N, 12))


def with_nan(values):
    values = values.astype(np.float32)
    values[3, 1] = np.nan
    return values


def splits_of(train, things="rows", test=None, white=None):
    parts = (train, train[:9], train[:9] if test is None else test)
    return Splits(*(Dataset(part, binarization="none", things=things, white=white) for part in parts))


def images(train, **more):
    return splits_of(train, "images", **more)


GAUSSIAN = {"std": "per_feature", "standardize": True}
GREY, COLOURED = "grey images, whose pixels are drawn", "colour images"
# data: the likelihood, its options, how they are prepared, why
CHOICES = {
    "zeros and ones": (splits_of(BITS), "bernoulli_prod", {}, "none", "zeros and ones"),
    "truth values": (splits_of(BITS > 0), "bernoulli_prod", {}, "none", "zeros and ones"),
    "zeros and ones as fractions": (splits_of(BITS / 1), "bernoulli_prod", {}, "none", "zeros and ones"),
    "zeros and ones, sparse": (splits_of(scipy.sparse.csr_matrix(BITS)), "bernoulli_prod", {}, "none", "zeros and ones"),
    "zeros and ones, some missing": (splits_of(with_nan(BITS)), "bernoulli_prod", {}, "none", "zeros and ones, 3 of them missing"),
    "pictures of zeros and ones": (images(BYTES // 128), "bernoulli_prod", {}, "none", "zeros and ones"),
    "one-hot blocks": (splits_of(ONE_HOT), "categorical", {"categories": 3}, "none", "one-hot blocks of 3"),
    "one-hot blocks, sparse": (splits_of(scipy.sparse.csr_matrix(ONE_HOT)), "categorical", {"categories": 3}, "none", "one-hot blocks of 3"),
    "a single one-hot block": (splits_of(np.eye(5)[np.arange(N) % 5]), "categorical", {"categories": 5}, "none", "one-hot blocks of 5"),
    "one-hot but for a row": (splits_of(np.r_[ONE_HOT, BITS[:1]]), "bernoulli_prod", {}, "none", "zeros and ones"),
    "one-hot but for a row of the test set": (splits_of(ONE_HOT, test=np.ones((2, 12))), "bernoulli_prod", {}, "none", "zeros and ones"),
    "grey pictures": (images(BYTES), "bernoulli_prod", {}, "dynamic", GREY),
    "dark grey pictures": (images(BYTES // 10), "bernoulli_prod", {}, "dynamic", GREY),
    "grey pictures of whole numbers": (images(BYTES.astype(int)), "bernoulli_prod", {}, "dynamic", GREY),
    "grey pictures of fractions": (images(BYTES / 255), "bernoulli_prod", {}, "dynamic", GREY),
    "grey pictures of 16 bits": (images(BYTES.astype(np.uint16) * 257), "bernoulli_prod", {}, "dynamic", GREY),
    "grey pictures up to a white": (images(BYTES / 2.0, white=127.5), "bernoulli_prod", {}, "dynamic", GREY),
    "rows that have a white": (splits_of(BYTES.reshape(N, 12) / 1.0, white=255), "bernoulli_prod", {}, "dynamic", GREY),
    "colour pictures": (images(COLOUR), "discretized_logistic_mixture", {}, "grey", COLOURED),
    "colour pictures, channels first": (images(COLOUR.transpose(0, 3, 1, 2)), "discretized_logistic_mixture", {}, "grey", COLOURED),
    "colour pictures of fractions": (images(COLOUR / 255), "discretized_logistic_mixture", {}, "grey", COLOURED),
    "counts": (splits_of(COUNTS), "negative_binomial", {}, "none", f"counts up to {COUNTS.max()}"),
    "counts as fractions": (splits_of(COUNTS / 1), "negative_binomial", {}, "none", "counts up to"),
    "counts beyond 255": (splits_of(COUNTS * 100), "negative_binomial", {}, "none", "counts up to"),
    "counts, sparse": (splits_of(scipy.sparse.csr_matrix(COUNTS)), "negative_binomial", {}, "none", "counts up to"),
    "counts to 255, sparse": (splits_of(scipy.sparse.csr_matrix(np.minimum(COUNTS * 40, 255))), "negative_binomial", {}, "none", "counts up to"),
    "counts to 255 of cells": (splits_of(np.minimum(COUNTS * 40, 255), "cells"), "negative_binomial", {}, "none", "counts up to"),
    "counts of cells as bytes": (splits_of(COUNTS.astype(np.uint8), "cells"), "negative_binomial", {}, "none", "counts up to"),
    "counts, some missing": (splits_of(with_nan(COUNTS)), "negative_binomial", {}, "none", "3 of them missing"),
    "counts in the test set alone": (splits_of(BITS, test=COUNTS[:9]), "negative_binomial", {}, "none", "counts up to"),
    "reals": (splits_of(REALS), "gaussian", GAUSSIAN, "none", f"real numbers from {REALS.min():.4g} to"),
    "reals in the test set alone": (splits_of(COUNTS, test=REALS[:9]), "gaussian", GAUSSIAN, "none", "real numbers"),
    "reals, some missing": (splits_of(with_nan(REALS)), "gaussian", GAUSSIAN, "none", "3 of them missing"),
    "fractions in a table": (splits_of(RNG.random((N, 12))), "gaussian", GAUSSIAN, "none", "real numbers"),
    "whole numbers below 0": (splits_of(COUNTS - 1), "gaussian", GAUSSIAN, "none", "real numbers from -1 to"),
    "pictures of reals": (images(REALS.reshape(N, 4, 3)), "gaussian", GAUSSIAN, "none", "real numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
def test_what_fits(name):
    splits, likelihood, options, preparation, why = CHOICES[name]
    choice = choose(splits)
    assert (choice.likelihood, choice.options) == (likelihood, options)
    assert choice.why.startswith(why) or why in choice.why
    wanted = binarization_for(splits, choice.likelihood)
    if name == "colour pictures" or "colour" not in name:
        # a likelihood of levels takes bytes
        expected = gv.generator.LIKELIHOODS[likelihood].pixels if "colour" in name else preparation
        assert wanted == expected
    prepared = binarized(splits, wanted)
    missing = {"missing": True} if splits.train.summary.missing else {}
    vae = gv.construct_vae(
        likelihood=choice.likelihood, likelihood_options={**options, **missing}, data_dims=splits.train.width,
        data_shape=splits.train.shape, latent_variable_size=2, generator_layer_sizes=[4], infer_layer_sizes=[4],
    )  # fmt: skip
    vae.initialize()
    history = gv.fit(gv.ELBO(vae), prepared.train, prepared.valid, epochs=1, batch_size=10, progress=False)
    assert np.isfinite(history["valid_bound"]).all()


# what is trained on where nothing is asked for: the values that batches have
@pytest.mark.parametrize("name", CHOICES)
def test_what_is_not_grey_is_left_as_it_is(name):
    splits, _, _, preparation, _ = CHOICES[name]
    assert binarization_for(splits) == preparation
    train = binarized(splits, preparation).train
    if preparation == "none":
        np.testing.assert_array_equal(train.batch(slice(None)), splits.train.batch(slice(None)))


QUESTION = r"whole numbers from 0 to (255|200) may be grey pixels or counts: say which, with --likelihood bernoulli_prod{} .*or --likelihood negative_binomial \(counts\)"


@pytest.mark.parametrize("top", [255, 200])
@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, ""), (np.int64, ""), (np.float32, " --white 255")])
def test_what_may_be_either_is_a_question(top, dtype, white):
    table = np.minimum(BYTES.reshape(N, 12), top).astype(dtype)
    with pytest.raises(ValueError, match=QUESTION.format(white)):
        choose(splits_of(table))
    # both answers work
    grey = splits_of(table, white=255 if white else None)
    assert binarization_for(grey, "bernoulli_prod") == "dynamic"
    np.testing.assert_allclose(
        binarized(grey, "grey").train.batch(slice(None)), np.float32(table) / np.float32(255), rtol=1e-6
    )
    assert binarization_for(splits_of(table), "negative_binomial") == "none"


def test_colour_is_not_drawn_as_zeros_and_ones_without_a_word():
    with pytest.raises(
        ValueError, match="bernoulli_prod is of zeros and ones, and the images are in colour: give --lik"
    ):
        binarization_for(images(COLOUR), "bernoulli_prod")


# what a likelihood is given of data that are others'
@pytest.mark.parametrize(
    ("likelihood", "splits", "preparation"),
    [
        ("negative_binomial", splits_of(COUNTS), "none"),
        ("negative_binomial", splits_of(RNG.random((N, 12))), "none"),
        ("poisson", images(BYTES), "none"),
        ("gaussian", splits_of(COUNTS), "none"),
        ("gaussian", splits_of(RNG.random((N, 12))), "none"),
        ("gaussian", images(BYTES), "grey"),
        ("bernoulli_prod", splits_of(COUNTS * 100), "none"),
        ("bernoulli_prod", splits_of(REALS), "none"),
        ("bernoulli_prod", splits_of(BITS), "none"),
        ("continuous_bernoulli", images(BYTES), "grey"),
        ("categorical", splits_of(ONE_HOT), "none"),
        ("discretized_logistic", images(BYTES), "bytes"),
    ],
)
def test_preparation_for_a_likelihood_that_is_asked_for(likelihood, splits, preparation):
    wanted = binarization_for(splits, likelihood)
    assert wanted == (gv.generator.LIKELIHOODS[likelihood].pixels if preparation == "bytes" else preparation)


class TestOneScale:
    def test_of_arrays(self, tmp_path):
        dark = BYTES[:9] // 128
        np.savez(tmp_path / "x.npz", train=BYTES, valid=BYTES[:9], test=dark)
        parts = gv.data.load(str(tmp_path / "x.npz"), binarization="grey")
        assert [part.white for part in parts] == [255] * 3
        np.testing.assert_array_equal(parts.test.batch(slice(None)).max(), np.float32(1) / np.float32(255))
        np.testing.assert_allclose(parts.train.batch(slice(None)).reshape(BYTES.shape), BYTES / 255, rtol=1e-6)

    def test_of_an_image_folder(self, tmp_path):
        for part, pixels in (("train", BYTES), ("test", BYTES[:5] // 128)):
            (tmp_path / part).mkdir()
            for number, image in enumerate(pixels):
                Image.fromarray(image).save(tmp_path / part / f"{number:02}.png")
        parts = gv.data.load(str(tmp_path), binarization="grey")
        assert parts.test.batch(slice(None)).max() == np.float32(1) / np.float32(255)
        assert parts.train.batch(slice(None)).max() == 1

    def test_of_sixteen_bits(self, tmp_path):
        deep = BYTES.astype(np.uint16) * 257
        np.savez(tmp_path / "x.npz", train=deep, test=BYTES[:9].astype(np.uint16))
        parts = gv.data.load(str(tmp_path / "x.npz"), binarization="grey")
        np.testing.assert_allclose(parts.test.batch(slice(None)), BYTES[:9].reshape(9, 12) / 65535, rtol=1e-6)

    def test_a_white_that_is_given(self, tmp_path):
        np.save(tmp_path / "x.npy", (BYTES % 17).astype(np.float32))
        parts = gv.data.load(str(tmp_path / "x.npy"), white=16)
        assert parts.train.binarization == "dynamic"
        assert [part.full_intensity for part in parts] == [16] * 3
        fractions = gv.data.load(str(tmp_path / "x.npy"), white=16, binarization="grey")
        assert {*np.unique(fractions.train.batch(slice(None)) * 16)} <= set(range(17))

    @pytest.mark.parametrize(("white", "message"), [(0, "white must be positive, got 0"), (-1, "white must be positive"), (float("nan"), "white must be"), (8, "must lie between 0 and")])  # fmt: skip
    def test_a_white_that_cannot_be(self, white, message, tmp_path):
        np.save(tmp_path / "x.npy", BYTES % 17)
        with pytest.raises(ValueError, match=message):
            gv.data.load(str(tmp_path / "x.npy"), white=white, binarization="grey")
