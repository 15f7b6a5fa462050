"""A user's own files."""

import numpy as np
import pytest
from PIL import Image

import gluonvae as gv
from gluonvae.data import Dataset


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

    @pytest.mark.parametrize(("shape", "mode"), [(None, "RGB"), ((4, 3), "L"), ((4, 3, 3), "RGB")])
    def test_folder_of_images(self, tmp_path, rng, shape, mode):
        images = rng.integers(0, 256, (30, 4, 3, 3), dtype=np.uint8)
        (tmp_path / "more").mkdir()
        for index, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / "more" / f"{index:02}.png")
        splits = gv.data.load(str(tmp_path), shape=shape, binarization="none")
        assert splits.train.shape == ((4, 3, 3) if mode == "RGB" else (4, 3))
        expected = {tuple(np.asarray(Image.fromarray(image).convert(mode), np.float32).ravel()) for image in images}
        assert {tuple(row) for part in splits for row in part.pixels} == expected

    def test_two_images_as_nested_lists(self):
        assert len(Dataset([[0, 1, 1], [1, 0, 1]])) == 2

    def test_sixteen_bits_are_scaled(self, tmp_path):
        ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
        for index in range(3):
            Image.fromarray(ramp).save(tmp_path / f"{index}.png")
        pixels = gv.data.load(str(tmp_path), binarization="grey").train.batch(slice(1))[0]
        np.testing.assert_allclose(pixels, ramp.ravel() / 65535, rtol=1e-6)

    def test_what_is_wrong_with_the_images_names_the_file(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey * np.nan)
        with pytest.raises(gv.data.DataError, match=r"x\.npy: rows has nan everywhere"):
            gv.data.load(str(tmp_path / "x.npy"))

    def test_trains(self, tmp_path, grey):
        np.save(tmp_path / "x.npy", grey)
        splits = gv.data.load(str(tmp_path / "x.npy"))
        vae = gv.construct_vae(data_dims=12, latent_variable_size=2)
        vae.initialize()
        history = gv.fit(gv.ELBO(vae), splits.train, splits.valid, epochs=2, batch_size=8, progress=False)
        assert len(history) == 2


X = 12
BINARY = np.tile([[0, 1]], (20, X // 2)).astype(np.float32)

FILES = {
    "rubbish npy": ("x.npy", b"rubbish", r"x\.npy cannot be read as an array of numbers"),
    "rubbish npz": ("x.npz", b"rubbish", r"x\.npz cannot be read as an \.npz file"),
    "empty npz": ("x.npz", b"", r"x\.npz cannot be read as an \.npz file"),
    "rubbish picture": ("images/x.png", b"rubbish", r"x\.png is none of BMP, .* or is broken"),
    "no picture": ("images/x.txt", b"text", "images cannot be read as data; what can be read is image folders, arrays"),
}


@pytest.mark.parametrize("name", FILES)
def test_own_files(name, tmp_path):
    file, content, message = FILES[name]
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(gv.data.DataError, match=message):
        gv.data.load(str(tmp_path / file.split("/")[0]))


def test_npz_of_unknown_names(tmp_path):
    np.savez(tmp_path / "x.npz", a=BINARY, b=BINARY)
    with pytest.raises(gv.data.DataError, match=r"x\.npz holds a, b: name arrays train, valid and test"):
        gv.data.load(str(tmp_path / "x.npz"))


def test_images_of_several_sizes(tmp_path):
    from PIL import Image

    for size in (3, 4):
        Image.fromarray(np.zeros((size, size), np.uint8)).save(tmp_path / f"{size}.png")
    with pytest.raises(gv.data.DataError, match=r"4\.png is 4×4 and .*3\.png 3×3.*--resize"):
        gv.data.load(str(tmp_path))
