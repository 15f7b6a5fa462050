"""The pixels of one image: formats, depths, colours, orientation; and files that are not read."""

import io
import os
import struct
import subprocess
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms

from gluonvae.data import DataError
from tests.helpers.pictures import contents, exif, grey, images, png, png16, save, tiff16

RAMP16 = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
RAMP16[-1, -1] = 65535


def only(folder, **wishes):
    (image,) = images(folder, **wishes)
    return image


class TestModes:
    @pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "pgm", "tif", "tiff", "PNG"])
    def test_grey(self, tmp_path, rng, suffix):
        values = rng.integers(0, 256, (5, 4), dtype=np.uint8)
        save(tmp_path / f"x.{suffix}", values)
        np.testing.assert_array_equal(only(tmp_path), values)

    @pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "tif"])
    def test_colour(self, tmp_path, rng, suffix):
        values = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        save(tmp_path / f"x.{suffix}", values)
        np.testing.assert_array_equal(only(tmp_path), values)

    def test_webp(self, tmp_path, rng):
        values = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        save(tmp_path / "x.webp", values, lossless=True)
        np.testing.assert_array_equal(only(tmp_path), values)

    def test_a_suffix_of_another_format(self, tmp_path):
        Image.fromarray(grey(100, (8, 8))).save(tmp_path / "x.png", format="JPEG")
        np.testing.assert_array_equal(only(tmp_path), grey(100, (8, 8)))

    @pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "pbm"])
    def test_one_bit(self, tmp_path, rng, suffix):
        bits = rng.random((5, 4)) < 0.5
        save(tmp_path / f"x.{suffix}", bits)
        np.testing.assert_array_equal(only(tmp_path), 255 * bits)

    def test_palette(self, tmp_path):
        image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8), mode=None)
        image = image.convert("P")
        image.putdata([0, 1, 2, 0])
        image.putpalette([255, 0, 0, 0, 128, 0, 7, 8, 9])
        image.save(tmp_path / "x.png")
        red, green, other = (255, 0, 0), (0, 128, 0), (7, 8, 9)
        np.testing.assert_array_equal(only(tmp_path), [[red, green], [other, red]])

    def test_cmyk(self, tmp_path):
        # R = (1 - C) (1 - K), and G and B of M and Y
        inks = [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255)]
        image = Image.new("CMYK", (5, 1))
        image.putdata(inks)
        image.save(tmp_path / "x.tif")
        shown = [(255, 255, 255), (0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)]
        np.testing.assert_array_equal(only(tmp_path), [shown])

    def test_ycbcr(self, tmp_path):
        # by JFIF: R = Y + 1.402 (Cr - 128), G = Y - 0.344 (Cb - 128) - 0.714 (Cr - 128), B = Y + 1.772 (Cb - 128)
        image = Image.new("YCbCr", (4, 4), (100, 110, 150))
        image.save(tmp_path / "x.tif", compression="tiff_lzw")
        expected = 100 + 1.402 * 22, 100 + 0.344 * 18 - 0.714 * 22, 100 - 1.772 * 18
        np.testing.assert_allclose(only(tmp_path)[0, 0], expected, atol=1)

    def test_lab(self, tmp_path):
        colours = [(255, 255, 255), (90, 120, 40), (200, 180, 160), (60, 90, 140), (0, 0, 0)]
        image = Image.new("RGB", (5, 1))
        image.putdata(colours)
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        ImageCms.profileToProfile(image, *profiles, outputMode="LAB").save(tmp_path / "x.tif")
        np.testing.assert_allclose(only(tmp_path), [colours], atol=3)


class TestAlpha:
    def with_alpha(self, mode, opaque):
        image = Image.new(
            "RGBA" if mode in ("RGBA", "P") else "LA", (4, 4), (50,) * (3 if mode in ("RGBA", "P") else 1) + (255,)
        )
        if not opaque:
            image.putpixel((2, 1), (50,) * (len(image.getbands()) - 1) + (254,))
        return image.convert(mode)

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_opaque_is_dropped(self, tmp_path, mode, suffix):
        self.with_alpha(mode, True).save(tmp_path / f"x.{suffix}")
        np.testing.assert_array_equal(only(tmp_path), grey(50))

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_transparent_is_refused(self, tmp_path, mode, suffix):
        self.with_alpha(mode, False).save(tmp_path / f"x.{suffix}")
        with pytest.raises(DataError, match=rf"x\.{suffix} is transparent in places: put it on a background"):
            contents(tmp_path)

    @pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16"])
    @pytest.mark.parametrize("used", [False, True])
    def test_a_transparent_colour(self, tmp_path, mode, used):
        if mode == "I;16":
            image = Image.fromarray(np.full((4, 4), 1000, np.uint16))
        else:
            image = Image.new(mode, (4, 4), (1, 1, 1) if mode == "RGB" else 1)
        if mode == "P":
            image.putpalette([10, 10, 10, 20, 20, 20])
        value = {"1": 255, "L": 1, "P": 1, "RGB": (1, 1, 1), "I;16": 1000}[mode]
        image.save(tmp_path / "x.png", transparency=value if used else {"RGB": (2, 1, 1)}.get(mode, 0))
        if used:
            with pytest.raises(DataError, match="is transparent in places"):
                contents(tmp_path)
        else:
            assert np.ptp(only(tmp_path)) == 0

    @pytest.mark.parametrize("alpha", [65535, 65534])
    def test_of_sixteen_bits(self, tmp_path, rng, alpha):
        values = rng.integers(0, 65536, (4, 3, 4), dtype=np.uint16)
        values[..., 3] = 65535
        values[2, 1, 3] = alpha
        (tmp_path / "x.png").write_bytes(png16(values))
        if alpha == 65535:
            np.testing.assert_array_equal(only(tmp_path), values[..., :3])
        else:
            with pytest.raises(DataError, match="is transparent in places"):
                contents(tmp_path)

    def test_a_transparent_colour_of_sixteen_bits(self, tmp_path):
        values = np.full((2, 2, 3), 300, np.uint16)
        for colour, wrong in ((300, True), (301, False)):
            (tmp_path / "x.png").write_bytes(png16(values, before=[(b"tRNS", struct.pack(">HHH", colour, 300, 300))]))
            if wrong:
                with pytest.raises(DataError, match="is transparent in places"):
                    contents(tmp_path)
            else:
                assert (only(tmp_path) == 300).all()


class TestDepth:
    @pytest.mark.parametrize("suffix", ["png", "tif"])
    def test_sixteen_bits(self, tmp_path, suffix, caplog):
        save(tmp_path / f"x.{suffix}", RAMP16)
        found = contents(tmp_path)
        np.testing.assert_array_equal(found.parts["train"].values[0], RAMP16)
        assert found.parts["train"].values.dtype == np.uint16
        assert found.white == 65535
        assert not caplog.messages

    def test_the_other_order_of_bytes(self, tmp_path):
        Image.frombytes("I;16B", (8, 8), RAMP16.astype(">u2").tobytes()).save(tmp_path / "x.tif")
        np.testing.assert_array_equal(only(tmp_path), RAMP16)

    def test_pgm_says_how_bright_white_is(self, tmp_path):
        (tmp_path / "x.pgm").write_bytes(b"P5 3 1 4095\n" + struct.pack(">HHH", 0, 1365, 4095))
        found = contents(tmp_path)
        np.testing.assert_allclose(found.parts["train"].values[0, 0] / found.white, [0, 1 / 3, 1], atol=1e-4)

    @pytest.mark.parametrize("make", [png16, tiff16, lambda values: tiff16(values, ">")], ids=["png", "<tif", ">tif"])
    def test_colours_of_sixteen_bits(self, tmp_path, rng, make):
        values = rng.integers(0, 65536, (5, 4, 3), dtype=np.uint16)
        values[0, 0] = 65535
        (tmp_path / "x.png").write_bytes(make(values))
        np.testing.assert_array_equal(only(tmp_path), values)

    def test_compressed_colours_of_sixteen_bits(self, tmp_path, rng):
        # a raw strip that Pillow hands to libtiff: PackBits, as literal runs of at most 128 bytes
        values = rng.integers(0, 65536, (2, 4, 3), dtype=np.uint16)
        values[0, 0] = 65535
        content = bytearray(tiff16(values))
        raw = content[-values.nbytes :]
        packed = b"".join(bytes([len(row) - 1]) + row for row in (raw[:24], raw[24:]))
        content[-values.nbytes :] = packed
        place = content.index(struct.pack("<HHIHH", 259, 3, 1, 1, 0))
        content[place : place + 12] = struct.pack("<HHIHH", 259, 3, 1, 32773, 0)
        place = content.index(struct.pack("<HHII", 279, 4, 1, values.nbytes))
        content[place : place + 12] = struct.pack("<HHII", 279, 4, 1, len(packed))
        (tmp_path / "x.tif").write_bytes(content)
        np.testing.assert_array_equal(only(tmp_path), values)

    def test_grey_with_alpha_of_sixteen_bits_is_refused(self, tmp_path):
        (tmp_path / "x.png").write_bytes(png16(np.full((2, 2, 2), 65535, np.uint16)))
        with pytest.raises(DataError, match=r"x\.png has 16 bits in a form that is not read.*without alpha"):
            contents(tmp_path)

    @pytest.mark.parametrize(
        ("top", "white"), [(255, 255), (256, 1023), (1023, 1023), (4000, 4095), (4095, 4095), (9999, 16383)]
    )
    def test_bits_that_are_not_used(self, tmp_path, top, white, caplog):
        for part, most in (("train", top), ("test", top // 2)):
            save(tmp_path / part / "x.png", np.linspace(0, most, 64).astype(np.uint16).reshape(8, 8))
        found = contents(tmp_path)
        assert found.white == white
        assert found.parts["train"].values.max() == top
        assert "no value of the 16-bit images is above" in caplog.text
        caplog.clear()
        contents(tmp_path)
        assert f"bits are taken to be all: the brightest has {white}" in caplog.text

    def test_black_says_nothing_of_bits(self, tmp_path, caplog):
        save(tmp_path / "x.png", np.zeros((4, 4), np.uint16))
        assert contents(tmp_path).white == 65535
        assert not caplog.messages

    def test_eight_beside_sixteen_bits(self, tmp_path):
        save(tmp_path / "a.png", np.array([[0, 1, 128, 255]], np.uint8))
        save(tmp_path / "b.png", np.array([[0, 1, 32768, 65535]], np.uint16))
        found = contents(tmp_path)
        assert found.white == 65535
        np.testing.assert_array_equal(
            found.parts["train"].values, [[[0, 257, 128 * 257, 65535]], [[0, 1, 32768, 65535]]]
        )

    def test_eight_beside_twelve_bits(self, tmp_path):
        save(tmp_path / "a.png", np.array([[0, 255]], np.uint8))
        save(tmp_path / "b.png", np.array([[0, 4095]], np.uint16))
        with pytest.raises(DataError, match=r"b\.png has 16 bits and .*a\.png has not.*is above 4095"):
            contents(tmp_path)

    def test_fractions(self, tmp_path):
        save(tmp_path / "x.tif", np.array([[0, 0.25, 1]], np.float32))
        found = contents(tmp_path)
        assert found.white == 1
        np.testing.assert_array_equal(found.parts["train"].values, np.array([[[0, 0.25, 1]]], np.float32))

    def test_fractions_beside_integers(self, tmp_path):
        save(tmp_path / "a.png", np.array([[0, 51, 255]], np.uint8))
        save(tmp_path / "b.png", np.array([[0, 13107, 65535]], np.uint16))
        save(tmp_path / "c.tif", np.array([[0, 0.2, 1]], np.float32))
        np.testing.assert_allclose(images(tmp_path), np.tile(np.float32([0, 0.2, 1]), (3, 1, 1)), rtol=1e-6)

    @pytest.mark.parametrize("wrong", [-0.01, 1.01, 255, np.nan, np.inf])
    def test_floats_that_are_no_fractions(self, tmp_path, wrong):
        save(tmp_path / "x.tif", np.array([[0, wrong]], np.float32))
        with pytest.raises(DataError, match=r"x\.tif has floating-point values from .*: scale them to lie from 0 to 1"):
            contents(tmp_path)

    @pytest.mark.parametrize("wrong", [-1, 65536])
    def test_thirty_two_bits(self, tmp_path, wrong):
        save(tmp_path / "x.tif", np.array([[0, 65535]], np.int32))
        np.testing.assert_array_equal(only(tmp_path), [[0, 65535]])
        save(tmp_path / "x.tif", np.array([[0, wrong]], np.int32))
        with pytest.raises(DataError, match=rf"x\.tif has values from .*{wrong}.* not of 16 bits"):
            contents(tmp_path)


# how a picture lies in the file at each orientation, by the EXIF standard: 6 is to be turned clockwise, 8 the other way
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("shape", [(5, 4), (4, 4)], ids=["oblong", "square"])
@pytest.mark.parametrize("orientation", STORED)
class TestOrientation:
    @pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
    def test_lossless(self, tmp_path, rng, suffix, orientation, shape):
        values = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        stored = np.ascontiguousarray(STORED[orientation](values))
        save(tmp_path / f"x.{suffix}", stored, exif=exif(orientation), lossless=True)
        np.testing.assert_array_equal(only(tmp_path), values)

    def test_jpeg(self, tmp_path, orientation, shape):
        values = np.kron(
            np.arange(0, 240, 240 // (shape[0] * shape[1])).reshape(-1)[: shape[0] * shape[1]].reshape(shape),
            np.ones((8, 8)),
        )
        stored = np.ascontiguousarray(STORED[orientation](values.astype(np.uint8)))
        save(tmp_path / "x.jpg", stored, exif=exif(orientation), quality=100)
        np.testing.assert_allclose(only(tmp_path), values, atol=2)

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_sixteen_bits(self, tmp_path, rng, orientation, shape, channels, late):
        values = rng.integers(0, 65536, (*shape, channels), dtype=np.uint16)
        values[0, 0] = 65535
        chunk = [(b"eXIf", exif(orientation).tobytes()[6:])]
        content = png16(STORED[orientation](values), **{"after" if late else "before": chunk})
        (tmp_path / "x.png").write_bytes(content)
        np.testing.assert_array_equal(only(tmp_path), values if channels == 3 else values[..., 0])


def test_photographs_with_and_without_orientation(tmp_path):
    save(tmp_path / "a.jpg", grey(90, (8, 16)), exif=exif(6))
    save(tmp_path / "b.jpg", grey(90, (16, 8)))
    assert images(tmp_path).shape == (2, 16, 8)


class TestFrames:
    @pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
    def test_several_are_refused(self, tmp_path, suffix):
        frames = [Image.fromarray(grey(value)) for value in (0, 100, 200)]
        frames[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
        with pytest.raises(DataError, match=rf"x\.{suffix} holds several frames: save each as a file"):
            contents(tmp_path)

    def test_a_preview_in_a_photograph_is_none(self, tmp_path):
        large, preview = (Image.fromarray(grey(value, (8 * size, 8 * size))) for value, size in ((60, 2), (200, 1)))
        large.save(tmp_path / "x.mpo", save_all=True, append_images=[preview])
        (tmp_path / "x.mpo").rename(tmp_path / "x.jpg")
        np.testing.assert_array_equal(only(tmp_path), grey(60, (16, 16)))


def huge(width, height):
    return png((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", b""))


@pytest.mark.usefixtures("no_hang")
class TestRefused:
    @pytest.mark.parametrize("size", [(8193, 8192), (20000, 20000), (2**30, 2**30), (2**31 - 1, 1)])
    def test_bombs(self, tmp_path, size):
        save(tmp_path / "a.png", grey(0))
        (tmp_path / "x.png").write_bytes(huge(*size))
        with pytest.raises(DataError, match=r"x\.png has .*more than 67108864"):
            contents(tmp_path)

    def test_a_large_file(self, tmp_path):
        with open(tmp_path / "x.webp", "wb") as file:
            file.write(b"RIFF\0\0\0\0WEBPVP8 ")
            file.truncate(1 << 40)
        with pytest.raises(DataError, match=r"x\.webp has 1099511627776 bytes, more than"):
            contents(tmp_path)

    @pytest.mark.parametrize(
        "content",
        [
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n%%EndComments\nshowpage\n%%EOF\n",
            b"",
            b"rubbish",
            b"<svg/>",
        ],
    )
    def test_other_formats(self, tmp_path, monkeypatch, content):
        started = []
        monkeypatch.setattr(subprocess.Popen, "__init__", lambda self, *a, **k: started.append(a))
        (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(DataError, match=r"x\.png is none of BMP, GIF, JPEG, PNG, PPM, TIFF, WEBP, or is broken"):
            contents(tmp_path)
        assert not started

    @pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm"])
    def test_truncated(self, tmp_path, rng, suffix, monkeypatch):
        monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)  # as gluoncv.data does
        for name in ("a", "b", "c"):
            save(tmp_path / f"{name}.{suffix}", rng.integers(0, 256, (20, 20), dtype=np.uint8))
        path = tmp_path / f"b.{suffix}"
        path.write_bytes(path.read_bytes()[:-150])
        with pytest.raises(DataError, match=rf"b\.{suffix} (cannot be read as an image: |is none of)"):
            contents(tmp_path)

    def test_missing_strips(self, tmp_path):
        content = tiff16(np.full((2, 3, 3), 65535, np.uint16))
        assert content.count(struct.pack("<HHIHH", 257, 3, 1, 2, 0)) == 1
        # three rows are promised, and the only strip has two (tag 278, in place of the strip's size)
        content = content.replace(struct.pack("<HHIHH", 257, 3, 1, 2, 0), struct.pack("<HHIHH", 257, 3, 1, 3, 0))
        content = content.replace(struct.pack("<HHII", 279, 4, 1, 36), struct.pack("<HHIHH", 278, 3, 1, 2, 0))
        (tmp_path / "x.tif").write_bytes(content)
        with pytest.raises(DataError, match=r"x\.tif lacks some of its pixels"):
            contents(tmp_path)

    def test_a_folder_without_permission(self, tmp_path, monkeypatch):
        save(tmp_path / "x.png", grey(0))

        def refuse(*_, **__):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(DataError, match=r"x\.png cannot be read as an image: .*Permission denied"):
            contents(tmp_path)


class TestSkipBroken:
    def test_leaves_them_out(self, tmp_path, caplog):
        for value in range(40):
            save(tmp_path / ("cat" if value < 20 else "dog") / f"{value:02}.png", grey(value, (8, 8)))
        (tmp_path / "cat" / "05.png").write_bytes(b"rubbish")  # seen in the header
        path = tmp_path / "dog" / "30.png"
        path.write_bytes(path.read_bytes()[:-30])  # seen when it is decoded
        for _ in range(2):
            caplog.clear()
            rows = contents(tmp_path, skip_broken=True).parts["train"]
            assert rows.values[:, 0, 0].tolist() == [value for value in range(40) if value not in (5, 30)]
            assert list(rows.labels) == ["cat"] * 19 + ["dog"] * 19
            (message,) = caplog.messages
            assert "2 of 40 image files are left out, the first: " in message
            assert "05.png is none of" in message

    def test_a_part_of_broken_ones(self, tmp_path):
        save(tmp_path / "train" / "0.png", grey(0))
        save(tmp_path / "test" / "0.png", grey(0))
        (tmp_path / "test" / "0.png").write_bytes(b"rubbish")
        with pytest.raises(DataError, match="none of the image files of test can be read"):
            contents(tmp_path, skip_broken=True)

    def test_none_is_left(self, tmp_path):
        for name in "ab":
            (tmp_path / f"{name}.png").write_bytes(b"rubbish")
        with pytest.raises(DataError, match=r"none of 2 image files can be read; the first: .*a\.png"):
            contents(tmp_path, skip_broken=True)


def test_warnings_of_pillow_are_no_errors(tmp_path):
    # the header of the EXIF data is right, the rest is not
    content = io.BytesIO()
    Image.fromarray(grey(9, (8, 8))).save(
        content, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01\0\0\0"
    )
    (tmp_path / "x.jpg").write_bytes(content.getvalue())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(only(tmp_path), grey(9, (8, 8)))
