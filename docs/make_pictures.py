"""Make the pictures of the guide: python docs/make_pictures.py runs the code of docs/guide/pictures.md."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
COLOURS = 64
WIDTHS, BYTES = (900, 700, 500), 90_000


def main() -> None:
    """Run each block of code, and make the pictures that it writes small."""
    page, folder = DOCS / "guide" / "pictures.md", DOCS / "pictures"
    folder.mkdir(exist_ok=True)
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    os.chdir(folder)
    for code in blocks:
        exec(compile(code, page.name, "exec"), {"__name__": "document"})
    for path in sorted(folder.glob("*.png")):
        shrink(path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def shrink(path: Path) -> None:
    """Write a picture again, small."""
    path.write_bytes(small(Image.open(path), BYTES))


def small(picture: Image.Image, size: int) -> bytes:
    """Return a picture as a .png with fewer colours, as wide as the page or less, so that it has ``size`` bytes."""
    picture = picture.convert("RGB")
    for width in WIDTHS:
        content = io.BytesIO()
        pixels = min(width, picture.width), round(picture.height * min(1, width / picture.width))
        picture.resize(pixels, Image.Resampling.LANCZOS).quantize(COLOURS).save(content, "png", optimize=True)
        if content.tell() < size:
            break
    return content.getvalue()


if __name__ == "__main__":
    main()
