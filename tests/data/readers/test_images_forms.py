"""Images of a folder together: one size, and in colour or grey."""

import numpy as np
import pytest

from gluonvae.data import DataError
from tests.helpers.pictures import contents, grey, images, png16, save


@pytest.fixture
def coloured(tmp_path):
    """A folder of a grey image and one with a single pixel that is not."""
    colour = np.full((4, 5, 3), 100, np.uint8)
    colour[1, 2] = 200, 100, 50
    save(tmp_path / "a.png", grey(30, (4, 5)))
    save(tmp_path / "b.png", colour)
    return tmp_path


class TestColour:
    def test_one_image_with_colour_is_enough(self, coloured):
        values = images(coloured)
        assert values.shape == (2, 4, 5, 3)
        np.testing.assert_array_equal(values[0], np.full((4, 5, 3), 30))
        assert values[1, 1, 2].tolist() == [200, 100, 50]

    def test_it_may_be_in_another_part(self, coloured):
        save(coloured / "train" / "a.png", grey(1))
        save(coloured / "test" / "b.png", np.full((4, 4, 3), (1, 2, 3), np.uint8))
        for name in ("a.png", "b.png"):
            (coloured / name).unlink()
        assert images(coloured, "train").shape == (1, 4, 4, 3)

    def test_equal_channels_are_grey(self, tmp_path, rng):
        values = rng.integers(0, 256, (3, 4, 5), dtype=np.uint8)
        for index, suffix in enumerate(("png", "bmp", "gif")):
            save(tmp_path / f"{index}.{suffix}", np.repeat(values[index, ..., None], 3, -1))
        np.testing.assert_array_equal(images(tmp_path), values)

    def test_equal_channels_of_sixteen_bits(self, tmp_path, rng):
        values = rng.integers(0, 65536, (4, 5, 1), dtype=np.uint16)
        values[0, 0] = 65535
        (tmp_path / "x.png").write_bytes(png16(np.repeat(values, 3, -1)))
        np.testing.assert_array_equal(images(tmp_path), values[None, ..., 0])

    @pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (1, 4, 5)])
    def test_grey_if_asked_for(self, coloured, shape):
        values = images(coloured, shape=shape)
        assert values.shape == (2, 4, 5)
        # the luma of ITU-R BT.601
        assert values[1, 1, 2] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
        assert set(np.unique(values)) == {30, 100, values[1, 1, 2]}

    def test_grey_of_sixteen_bits_if_asked_for(self, tmp_path, rng):
        values = rng.integers(0, 65536, (4, 5, 3), dtype=np.uint16)
        values[0, 0] = 65535
        (tmp_path / "x.png").write_bytes(png16(values))
        np.testing.assert_allclose(images(tmp_path, shape=(4, 5))[0], values @ [0.299, 0.587, 0.114], atol=1.5)

    @pytest.mark.parametrize("shape", [(4, 5, 3), (3, 4, 5)])
    def test_colour_if_asked_for(self, tmp_path, shape):
        save(tmp_path / "x.png", grey(30, (4, 5)))
        np.testing.assert_array_equal(images(tmp_path, shape=shape), np.full((1, 4, 5, 3), 30))

    @pytest.mark.parametrize("shape", [(20,), (4, 5, 2), (1, 4, 5, 3), ()])
    def test_shapes_that_ask_for_neither(self, coloured, shape):
        with pytest.raises(DataError, match=r"shape of images must be \(H, W\), \(H, W, 3\) or \(3, H, W\), got"):
            contents(coloured, shape=shape)


class TestSize:
    @pytest.fixture
    def several(self, tmp_path):
        """A folder of images with sizes 4×4, 4×6 and 9×5."""
        for value, shape in ((1, (4, 4)), (2, (4, 6)), (3, (9, 5))):
            save(tmp_path / f"{value}.png", grey(value, shape))
        return tmp_path

    def test_several_are_an_error(self, several):
        with pytest.raises(DataError, match=r"2\.png is 4×6 and .*1\.png 4×4 .*--resize H W.*--crop"):
            contents(several)

    def test_resize(self, several):
        np.testing.assert_array_equal(images(several, resize=(3, 7)), np.full((3, 3, 7), [[[1]], [[2]], [[3]]]))

    def test_crop(self, several):
        assert images(several, crop=True).shape == (3, 4, 4)

    def test_crop_and_resize(self, several):
        assert images(several, crop=True, resize=(3, 7)).shape == (3, 3, 7)

    def test_crop_takes_the_centre(self, tmp_path, rng):
        values = rng.integers(0, 256, (5, 9), dtype=np.uint8)
        save(tmp_path / "x.png", values)
        np.testing.assert_array_equal(images(tmp_path, crop=True)[0], values[:, 2:7])

    @pytest.mark.parametrize(("shape", "size"), [((30, 60), (10, 10)), ((60, 30), (10, 10)), ((30, 30), (5, 10))])
    def test_crop_to_proportions(self, tmp_path, shape, size):
        # white is what is at the centre, in the proportions of the size
        height, width = shape
        scale = min(height / size[0], width / size[1])
        cut = round(size[0] * scale), round(size[1] * scale)
        values = np.zeros(shape, np.uint8)
        top, left = (height - cut[0]) // 2, (width - cut[1]) // 2
        values[top : top + cut[0], left : left + cut[1]] = 255
        save(tmp_path / "x.png", values)
        assert (images(tmp_path, crop=True, resize=size) == 255).all()
        assert not (images(tmp_path, resize=size) == 255).all()

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_smaller_is_the_average(self, tmp_path, rng, dtype):
        white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
        values = (np.indices((64, 64)).sum(0) % 2 * white).astype(dtype)
        save(tmp_path / ("x.tif" if dtype == np.float32 else "x.png"), values)
        smaller = images(tmp_path, resize=(4, 4))[0]
        assert smaller.dtype == dtype
        np.testing.assert_allclose(smaller / white, 0.5, atol=0.01)

    def test_colours_of_sixteen_bits(self, tmp_path):
        values = np.tile(np.array([1000, 20000, 65535], np.uint16), (8, 8, 1))
        (tmp_path / "x.png").write_bytes(png16(values))
        np.testing.assert_array_equal(images(tmp_path, resize=(3, 5)), np.broadcast_to(values[0, 0], (1, 3, 5, 3)))

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
    def test_no_value_leaves_the_range(self, tmp_path, dtype):
        # as other filters do at an edge
        low, high = {np.uint8: (50, 200), np.uint16: (5000, 50000), np.float32: (0.25, 0.75)}[dtype]
        values = np.full((8, 8), low, dtype)
        values[:, 4:] = high
        save(tmp_path / ("x.tif" if dtype == np.float32 else "x.png"), values)
        larger = images(tmp_path, resize=(8, 64))[0]
        assert (larger.min(), larger.max()) == (low, high)
        assert (np.diff(larger.astype(float)[0]) >= 0).all()

    def test_twelve_bits_stay_twelve(self, tmp_path):
        values = np.zeros((8, 8), np.uint16)
        values[:, 4:] = 4095
        save(tmp_path / "x.png", values)
        assert contents(tmp_path, resize=(8, 64)).white == 4095

    @pytest.mark.parametrize("shape", [(28, 20), (3, 28, 20), (28, 20, 3), (20, 20, 1)])
    def test_another_than_the_shape(self, tmp_path, shape):
        save(tmp_path / "x.png", grey(0, (20, 28)))
        size = shape[1:] if shape[0] == 3 else shape[:2]
        message = rf"x\.png and the others are 20×28 .*asks for {size[0]}×{size[1]}.*--resize {size[0]} {size[1]}"
        with pytest.raises(DataError, match=message):
            contents(tmp_path, shape=shape)
        assert images(tmp_path, shape=shape, resize=size).shape[1:3] == size

    @pytest.mark.parametrize("size", [(0, 4), (-3, -3), (1 << 14, 1 << 13)])
    def test_sizes_that_are_none(self, several, size):
        with pytest.raises(DataError, match=r"images cannot be resized to .*no pixel, or more than"):
            contents(several, resize=size)

    def test_orientation_comes_first(self, tmp_path):
        from tests.helpers.pictures import exif

        values = np.zeros((10, 20), np.uint8)
        values[:, :10] = 255  # left, which is above when it is turned clockwise
        save(tmp_path / "x.png", values, exif=exif(6))
        turned = images(tmp_path, resize=(4, 2))[0]
        assert (turned[0] > 200).all()
        assert (turned[-1] < 50).all()
