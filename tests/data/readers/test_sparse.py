"""Sparse matrices of SciPy."""

import numpy as np
import pytest
from scipy import sparse

from gluonvae.data import DataError
from gluonvae.data.readers import arrays
from gluonvae.data.readers.base import Wishes


def read(path):
    return arrays.READER.read(path, Wishes()).parts["train"].values


@pytest.fixture
def matrix(rng):
    return rng.poisson(0.4, (15, 7)) * rng.integers(1, 5, (15, 7))


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["f4", "i8", "u1", "?"])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("container", ["matrix", "array"])
def test_any_form_becomes_csr(tmp_path, matrix, kind, dtype, compressed, container):
    matrix = matrix.astype(dtype)
    made = getattr(sparse, f"{kind}_{container}")(matrix)
    sparse.save_npz(tmp_path / "a.npz", made, compressed)
    got = read(tmp_path / "a.npz")
    assert isinstance(got, sparse.csr_matrix)
    np.testing.assert_array_equal(got.toarray(), matrix)
    np.testing.assert_array_equal(got[[3, 1]].toarray(), matrix[[3, 1]])


@pytest.mark.parametrize("dtype", [">i2", ">f8", "f2"])
def test_entries_of_a_dtype_that_scipy_has_not(tmp_path, matrix, dtype):
    made = sparse.csr_matrix(matrix)
    parts = {"indices": made.indices, "indptr": made.indptr, "data": made.data.astype(dtype)}
    np.savez(tmp_path / "a.npz", format=b"csr", shape=made.shape, **parts)
    np.testing.assert_array_equal(read(tmp_path / "a.npz").toarray(), matrix)


def test_entries_of_one_place_are_added(tmp_path):
    sparse.save_npz(tmp_path / "a.npz", sparse.coo_matrix(([1, 2, 4], ([0, 0, 1], [2, 2, 0])), (2, 3)))
    got = read(tmp_path / "a.npz")
    np.testing.assert_array_equal(got.toarray(), [[0, 0, 3], [4, 0, 0]])
    assert got.nnz == 2


DAMAGE = {
    "index too large": ("csr", {"indices": lambda x: np.where(np.arange(len(x)) == 3, 7, x)}),
    "index negative": ("csr", {"indices": lambda x: -x - 1}),
    "rows too large": ("coo", {"row": lambda x: x + 1000}),
    "columns of reals": ("coo", {"col": lambda x: x.astype(float)}),
    "pointers fall": ("csr", {"indptr": lambda x: x[::-1]}),
    "pointers short": ("csc", {"indptr": lambda x: x[:-1]}),
    "pointers beyond": ("csr", {"indptr": lambda x: x + (np.arange(len(x)) == len(x) - 1) * 10**9}),
    "entries short": ("csr", {"data": lambda x: x[:-1]}),
    "shape small": ("csr", {"shape": lambda x: x - 1}),
    "shape negative": ("csr", {"shape": lambda x: -x}),
    "shape of three": ("csr", {"shape": lambda x: np.r_[x, 2]}),
    "rows without end": ("coo", {"shape": lambda x: np.array([10**12, 7])}),
    "columns without end": ("csr", {"shape": lambda x: np.array([15, 10**12])}),
    "complex": ("csr", {"data": lambda x: x * 1j}),
    "unknown form": ("csr", {"format": lambda x: np.array(b"xyz")}),
    "form of numbers": ("csr", {"format": lambda x: np.arange(3)}),
    "more": ("csr", {"labels": lambda x: np.arange(15)}),
    "less": ("csr", {"indices": lambda x: None}),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged(tmp_path, matrix, case):
    kind, changes = DAMAGE[case]
    sparse.save_npz(tmp_path / "a.npz", getattr(sparse, f"{kind}_matrix")(matrix))
    with np.load(tmp_path / "a.npz") as file:
        content = dict(file)
    for key, change in changes.items():
        content[key] = change(content.get(key))
    np.savez(tmp_path / "a.npz", **{key: array for key, array in content.items() if array is not None})
    with pytest.raises(DataError, match=r"a\.npz"):
        read(tmp_path / "a.npz")


@pytest.mark.parametrize("kind", ["dia", "bsr"])
def test_other_forms_are_named(tmp_path, matrix, kind):
    sparse.save_npz(tmp_path / "a.npz", getattr(sparse, f"{kind}_matrix")(matrix))
    with pytest.raises(DataError, match=rf"of the format {kind}: save it as csr"):
        read(tmp_path / "a.npz")
