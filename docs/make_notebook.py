"""Run the notebook of the tutorial and keep what it printed and drew: python docs/make_notebook.py."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
from make_pictures import small
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).resolve().parent / "tutorial" / "variational_autoencoder.ipynb"
BYTES = 38_000
"""Of a picture, about."""


def main() -> None:
    """Run all cells, make the pictures small, and write the notebook again."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, record_timing=False, coalesce_streams=True).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            shrink(output)
    nbformat.validate(notebook)
    nbformat.write(notebook, NOTEBOOK)
    print(f"{NOTEBOOK.name}: {NOTEBOOK.stat().st_size / 1000:.0f} kB")


def shrink(output: nbformat.NotebookNode) -> None:
    """Make the picture of an output small, and leave out how the figure is written in words."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
        data["image/png"] = base64.b64encode(small(picture, BYTES)).decode()
        data["text/plain"] = "<Figure>"


if __name__ == "__main__":
    main()
