"""Files of data, each read by a reader, and ways to damage them. A reader of another kind is a line in SAMPLES."""

import gzip
import importlib
import io
import struct
import zipfile
from functools import partial
from typing import Callable, NamedTuple

import numpy as np

from gluonvae.data import DataError
from gluonvae.data.readers.base import PARTS, Contents, Wishes
from tests.helpers.pictures import SMALL_FILES


class Sample(NamedTuple):
    """A small valid file."""

    reader: str
    """Name of the module in gluonvae.data.readers."""
    file: str
    """Name of the file."""
    make: Callable[[], bytes]
    """Returns its content."""
    wishes: Wishes = Wishes()
    packed: bool = False
    """Whether what :attr:`make` returns is damaged first and compressed then."""
    needs: str = "numpy"
    """What must be installed."""


def _npy(dtype="<f4", order="C"):
    file = io.BytesIO()
    np.save(file, np.arange(24).reshape(8, 3).astype(dtype, order=order))
    return file.getvalue()


def _npz(save=np.savez):
    file = io.BytesIO()
    save(file, train=np.arange(24).reshape(8, 3), train_labels=np.arange(8), test=np.ones((2, 3)))
    return file.getvalue()


def _sparse(kind):
    from scipy import sparse

    file = io.BytesIO()
    made = getattr(sparse, f"{kind}_matrix")(np.eye(6, 4) * 3)
    sparse.save_npz(file, made, compressed=False)
    return file.getvalue()


def _idx():
    return struct.pack(">4B3I", 0, 0, 8, 3, 4, 3, 2) + bytes(range(24))


def _parquet():
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.table({"a": [1, 2, 3], "b": [1.5, None, 2], "c": ["x", "y", None]}), file)
    return file.getvalue()


def _h5ad():
    import tempfile
    from pathlib import Path

    import anndata
    import pandas as pd
    from scipy import sparse

    obs = pd.DataFrame({"c": pd.Categorical(["x", "y", "x", None])}, index=list("abcd"))
    data = anndata.AnnData(sparse.csr_matrix(np.eye(4, 3, dtype=np.float32)), obs=obs)
    data.layers["counts"] = np.ones((4, 3))
    with tempfile.TemporaryDirectory() as folder:
        data.write_h5ad(Path(folder) / "a.h5ad")
        return (Path(folder) / "a.h5ad").read_bytes()


TABLE = b'a,b,c\n1,1.5,x\n2,,"y, z"\n3,4,\n'
COMMAS = "a;b;c\n1,5;2;x\n2,5;3;ä\n".encode()

SAMPLES = {
    "npy": Sample("arrays", "a.npy", _npy),
    "npy of Fortran": Sample("arrays", "a.npy", lambda: _npy(">i2", "F")),
    "npz": Sample("arrays", "a.npz", _npz),
    "npz, compressed": Sample("arrays", "a.npz", lambda: _npz(np.savez_compressed)),
    "csr": Sample("arrays", "a.npz", lambda: _sparse("csr")),
    "csr, whole around": Sample("arrays", "a.npz", lambda: _sparse("csr"), packed=True),
    "coo, whole around": Sample("arrays", "a.npz", lambda: _sparse("coo"), packed=True),
    "npz, whole around": Sample("arrays", "a.npz", _npz, packed=True),
    "idx": Sample("idx", "a-idx3-ubyte", _idx),
    "idx, compressed": Sample("idx", "a-idx3-ubyte.gz", lambda: gzip.compress(_idx())),
    "idx, whole around": Sample("idx", "a-idx3-ubyte.gz", _idx, packed=True),
    "csv": Sample("tables", "a.csv", lambda: TABLE, Wishes(label_column="c"), needs="pyarrow"),
    "csv with commas": Sample("tables", "a.csv", lambda: COMMAS, Wishes(drop=("c",)), needs="pyarrow"),
    "csv in UTF-16": Sample("tables", "a.csv", lambda: TABLE.decode().encode("utf-16"), needs="pyarrow"),
    "csv, whole around": Sample(
        "tables", "a.csv.gz", lambda: TABLE, Wishes(label_column="c", group_column="a"), True, "pyarrow"
    ),
    "parquet": Sample("tables", "a.parquet", _parquet, Wishes(label_column="c"), needs="pyarrow"),
    "h5ad": Sample("anndata", "a.h5ad", _h5ad, Wishes(label_column="c"), needs="anndata"),
    "h5ad, a layer": Sample("anndata", "a.h5ad", _h5ad, Wishes(layer="counts"), needs="anndata"),
}
"""By what they are; "whole around" are those of which the content is damaged, and not what compresses it."""

IMAGES = {name: Sample("images", "images/a.png", partial(SMALL_FILES.get, name)) for name in SMALL_FILES}
"""Images, whose reader reads the folder that they are in."""

UNNAMED = "the file is not named"

NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]


def damage(content, random):
    """Change, move, take out or put in some of the bytes; ``random`` is a ``random.Random``."""
    for _ in range(random.randint(1, 4)):
        start = random.randint(0, max(0, len(content) - 1))
        end = min(len(content), start + random.randint(1, 16))
        piece = content[start:end]
        size = random.choice([1, 2, 4, 8])
        number = random.choice(NUMBERS) % 256**size
        piece = random.choice(
            [
                b"",
                piece * random.randint(2, 5),
                bytes([random.randint(0, 255)]) * len(piece),
                number.to_bytes(size, random.choice(["little", "big"])) + piece[size:],
                bytes(byte ^ (1 << random.randint(0, 7)) for byte in piece),
                random.choice([b'"', b"\n", b",", b";", b"\0", b"\xff\xfe", b"1e999", b"NaN", b"'", b"(", b"\t"]),
            ]
        )
        content = content[:start] + piece + content[end:]
        if random.randint(0, 9) == 0:
            content = content[: random.randint(0, len(content))]
    return content


def damaged_file(sample, content, random):
    """Return the content of a damaged file of a sample, of which ``content`` is the valid one."""
    if not sample.packed:
        return damage(content, random)
    if not sample.file.endswith(".npz"):
        return gzip.compress(damage(content, random), 1)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(file, "w") as archive:
        chosen = random.choice(whole.namelist())
        for name in whole.namelist():
            member = whole.read(name)
            archive.writestr(name, damage(member, random) if name == chosen else member)
    return file.getvalue()


def read(sample, path):
    """Read a file, and return the message of its DataError, or nothing if it was read. Other exceptions get out."""
    reader = importlib.import_module(f"gluonvae.data.readers.{sample.reader}").READER
    place = path.parent if sample.reader == "images" else path
    reader.recognises(place)
    try:
        contents = reader.read(place, sample.wishes)
    except DataError as error:
        said = str(error)
        return said if str(path) in said else f"{UNNAMED}: {said}"
    assert isinstance(contents, Contents)
    for part, rows in contents.parts.items():
        assert part in PARTS
        count, width = rows.values.shape[0], rows.values.shape[1]
        assert count > 0
        assert rows.values[count - 1 :].sum() is not None  # what is mapped is there
        assert contents.columns is None or len(contents.columns) == width
        assert rows.labels is None or len(rows.labels) == count
        assert rows.groups is None or len(rows.groups) == count
    return ""
