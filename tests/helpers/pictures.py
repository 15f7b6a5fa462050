"""Image files, also of forms that Pillow does not write."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from gluonvae.data.readers.base import Wishes
from gluonvae.data.readers.images import read

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Of a PNG, by its number of channels."""


def save(path, values, **options):
    """Save an array as an image, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values)).save(path, **options)


def grey(value, shape=(4, 4)):
    return np.full(shape, value, np.uint8)


def png16(values, before=(), after=()):
    """The bytes of a PNG of 16 bits, ``(H, W, channels)``, with further chunks before and after the pixels."""
    height, width, channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png((b"IHDR", header), *before, (b"IDAT", zlib.compress(rows)), *after)


def png(*chunks):
    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*parts) for parts in (*chunks, (b"IEND", b"")))


def tiff16(values, order="<"):
    """The bytes of an uncompressed TIFF of 16 bits, ``(H, W, 3)``; ``order`` is that of the bytes."""
    height, width, channels = values.shape
    start = 8 + 2 + 12 * 8 + 4
    entries = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, start),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, start + 6),
        (277, 3, 1, channels),
        (279, 4, 1, values.size * 2),
    ]
    packed = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count)
        + (struct.pack(f"{order}HH", value, 0) if kind == 3 and count == 1 else struct.pack(f"{order}I", value))
        for tag, kind, count, value in entries
    )
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, len(entries))
    return head + packed + bytes(4) + struct.pack(f"{order}HHH", 16, 16, 16) + values.astype(f"{order}u2").tobytes()


def exif(orientation):
    content = Image.Exif()
    content[0x0112] = orientation
    return content


def contents(folder, **wishes):
    """What the reader returns."""
    return read(Path(folder), Wishes(**wishes))


def images(folder, part="train", **wishes):
    """The images of a part."""
    return np.asarray(contents(folder, **wishes).parts[part].values)


RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (6, 7, 3), dtype=np.uint8)


def encoded(form, values=COLOURS, mode=None, **options):
    content = io.BytesIO()
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(content, form, **options)
    return content.getvalue()


SMALL_FILES = {
    "png": encoded("PNG", exif=exif(6)),
    "png, palette": encoded("PNG", mode="P", transparency=3),
    "png, 16 bits": png16(COLOURS.astype(np.uint16) * 257),
    "jpeg": encoded("JPEG", exif=exif(6)),
    "jpeg, progressive": encoded("JPEG", progressive=True),
    "gif": encoded("GIF", mode="P"),
    "bmp": encoded("BMP"),
    "ppm": encoded("PPM"),
    "pgm, text": b"P2 3 2 255 1 2 3 4 5 255\n",
    "tiff": encoded("TIFF", exif=exif(6)),
    "tiff, 16 bits": tiff16(COLOURS.astype(np.uint16) * 257),
    "tiff, deflated": encoded("TIFF", compression="tiff_deflate"),
    "tiff, lzw, grey": encoded("TIFF", COLOURS[..., 0], compression="tiff_lzw"),
    "tiff, floats": encoded("TIFF", COLOURS[..., 0] / np.float32(255)),
    "webp": encoded("WEBP", lossless=True),
}
"""Small images of every form, by what they are."""
