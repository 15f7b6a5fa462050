"""AnnData files: counts, annotations, and nothing outside the file."""

import resource
import struct

import numpy as np
import pytest
from scipy import sparse

from gluonvae.data import DataError
from gluonvae.data.readers import anndata as reader
from gluonvae.data.readers.base import CELLS, Wishes

anndata = pytest.importorskip("anndata", reason="needs the extra gluonvae[anndata]")
h5py = pytest.importorskip("h5py", reason="needs the extra gluonvae[anndata]")
pd = pytest.importorskip("pandas", reason="needs the extra gluonvae[anndata]")

FORMS = {"csr": sparse.csr_matrix, "csc": sparse.csc_matrix, "dense": np.asarray}


def read(path, **wishes):
    return reader.READER.read(path, Wishes(**wishes))


def dense(values):
    return values.toarray() if sparse.issparse(values) else np.asarray(values)


@pytest.fixture
def counts(rng):
    return rng.poisson(0.7, (8, 5)).astype(np.float32)


@pytest.fixture
def cells(counts):
    """A function that makes an AnnData object of a matrix."""
    obs = pd.DataFrame(
        {
            "type": pd.Categorical(["T", "B", None, "T", "B", "B", "T", "B"], categories=["T", "B", "NK"]),
            "patient": ["p1", "p1", "p1", "p2", "p2", "p3", "p3", "p3"],
            "age": np.arange(8) / 2,
            "stage": np.arange(8),
        },
        index=[f"cell{i}" for i in range(8)],
    )
    var = pd.DataFrame(index=["g0", "g1", "g2", "g3", "g4"])
    return lambda x: anndata.AnnData(x, obs=obs, var=var)


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_counts(tmp_path, counts, cells, form, compression):
    cells(FORMS[form](counts)).write_h5ad(tmp_path / "a.h5ad", compression=compression)
    contents = read(tmp_path / "a.h5ad", label_column="type", group_column="patient")
    rows = contents.parts["train"]
    np.testing.assert_array_equal(dense(rows.values), counts)
    assert isinstance(rows.values, np.ndarray if form == "dense" else sparse.csr_matrix)
    assert isinstance(rows.values, np.memmap) == (form == "dense" and compression is None)
    assert rows.labels.tolist() == ["T", "B", None, "T", "B", "B", "T", "B"]
    assert rows.groups.tolist() == ["p1", "p1", "p1", "p2", "p2", "p3", "p3", "p3"]
    assert contents.columns == ("g0", "g1", "g2", "g3", "g4")
    assert contents.kind == CELLS


@pytest.mark.parametrize(("column", "values"), [("age", np.arange(8) / 2), ("stage", np.arange(8))])
def test_labels_of_numbers(tmp_path, counts, cells, column, values):
    cells(counts).write_h5ad(tmp_path / "a.h5ad")
    got = read(tmp_path / "a.h5ad", label_column=column).parts["train"].labels
    np.testing.assert_array_equal(got, values)
    assert got.dtype == values.dtype


@pytest.mark.parametrize("form", FORMS)
def test_normalised_values_are_not_taken_for_counts(tmp_path, counts, cells, form):
    data = cells(FORMS[form](counts))
    data.raw = data[:, :4].copy()
    data.layers["counts"] = FORMS[form](counts + 1)
    data.X = FORMS[form](np.log1p(counts))
    data.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(DataError, match=r"X is not of whole numbers.*--layer counts or --layer raw, or --layer X"):
        read(tmp_path / "a.h5ad")
    for layer, values in {"X": np.log1p(counts), "counts": counts + 1, "raw": counts[:, :4]}.items():
        contents = read(tmp_path / "a.h5ad", layer=layer)
        np.testing.assert_array_equal(dense(contents.parts["train"].values), values)
        assert len(contents.columns) == values.shape[1]


def test_normalised_values_alone_are_what_there_is(tmp_path, counts, cells):
    cells(np.log1p(counts)).write_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(read(tmp_path / "a.h5ad").parts["train"].values, np.log1p(counts))


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (
            {"label_column": "types"},
            "annotation of cells must be one of age, patient, stage, type, got 'types'; did you",
        ),
        ({"layer": "counts"}, "layer must be one of X, got 'counts'"),
    ],
)
def test_wishes_that_cannot_be(tmp_path, counts, cells, wishes, said):
    cells(counts).write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(DataError, match=said):
        read(tmp_path / "a.h5ad", **wishes)


@pytest.fixture
def change(tmp_path, counts, cells):
    """A function that changes a good file in HDF5, and the path of the file."""
    path = tmp_path / "a.h5ad"
    cells(sparse.csr_matrix(counts)).write_h5ad(path)

    def change_it(what):
        with h5py.File(path, "a") as file:
            what(file)
        return path

    return change_it


def link(name, target):
    def make(file):
        if name in file:
            del file[name]
        file[name] = target

    return make


def replace(name, change):
    def make(file):
        values = change(file[name][()])
        del file[name]
        file[name] = values

    return make


def external_storage(file):
    del file["X/data"]
    file.create_dataset("X/data", (10,), "f4", external=[("/etc/passwd", 0, 40)])


def virtual(file):
    layout = h5py.VirtualLayout((10,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
    del file["X/data"]
    file.create_virtual_dataset("X/data", layout)


def set_attribute(name, attribute, value):
    def make(file):
        file[name].attrs[attribute] = value

    return make


WRONG = {
    "a link to another file": (link("X", h5py.ExternalLink("/etc/passwd", "/")), "is a link, which is not followed"),
    "a link within": (link("obs/more", h5py.SoftLink("/X")), "is a link, which is not followed"),
    "a link to nothing": (link("more", h5py.SoftLink("/nothing")), "is a link, which is not followed"),
    "storage elsewhere": (external_storage, "lies in another file, which is not opened"),
    "a view of another file": (virtual, "lies in another file, which is not opened"),
    "a group in itself": (lambda file: link("uns/again", file["/"])(file), "holds itself"),
    "no X": (lambda file: file.__delitem__("X"), "has no X, obs and var"),
    "no obs": (lambda file: file.__delitem__("obs"), "has no X, obs and var"),
    "an index beyond": (replace("X/indices", lambda x: x + 5), "broken csr matrix"),
    "pointers that fall": (replace("X/indptr", lambda x: x[::-1]), "broken csr matrix"),
    "text": (replace("X/data", lambda x: np.array([b"a"] * len(x))), "must be numbers"),
    "another shape": (set_attribute("X", "shape", (9, 5)), "broken csr matrix"),
    "a shape of one": (set_attribute("X", "shape", (9,)), "must be"),
    "more genes than names": (set_attribute("X", "shape", (8, 6)), "annotations do not fit its matrix"),
    "no form": (set_attribute("X", "encoding-type", "unknown"), "must be a matrix"),
    "no index": (lambda file: file["var"].attrs.__delitem__("_index"), r"a\.h5ad"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_read(change, case):
    what, said = WRONG[case]
    path = change(what)
    with pytest.raises(DataError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_small_file_that_says_very_much(change):
    def grow(file):
        del file["X"]
        file.create_dataset("X", (10**6, 10**6), "f4", chunks=(1000, 1000))

    with pytest.raises(DataError, match="would unpack to 4,000,000,000,000"):
        read(change(grow))


@pytest.mark.parametrize("number", [0, 1])
def test_a_heap_of_hdf5_in_which_it_would_go_round_without_end(change, number):
    """A text of no size but for that of the free space, and one whose size is taken for the negative of its header."""
    path = change(lambda file: None)
    content = path.read_bytes()
    start = content.index(b"GCOL") + 16
    changed = struct.pack("<H6xQ", number, 2**64 - 16 if number else 0)
    path.write_bytes(content[:start] + changed + content[start + 16 :])
    with pytest.raises(DataError, match="the sizes in one of its heaps do not fit"):
        read(path)


@pytest.mark.parametrize("signature", [b"GCOL\1\0\0\0", b"HEAP\0\0\0\0"])
def test_a_heap_of_hdf5_that_says_very_much(change, signature):
    """HDF5 asks for the memory before it finds the file too short."""
    path = change(lambda file: None)
    pieces = path.read_bytes().split(signature)
    assert len(pieces) > 1
    path.write_bytes(signature.join([pieces[0], *((2**33).to_bytes(8, "little") + piece[8:] for piece in pieces[1:])]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"a\.h5ad"):
        read(path, label_column="type")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # kB


@pytest.mark.parametrize(
    "damage", [lambda c: c[: len(c) // 2], lambda c: c[:8] + bytes(len(c)), lambda c: b"", lambda c: b"no"]
)
def test_damaged(tmp_path, change, damage):
    path = change(lambda file: None)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"a\.h5ad"):
        read(path)


def test_without_anndata(tmp_path, change, monkeypatch):
    path = change(lambda file: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'gluonvae\[anndata\]'"):
        read(path)
