"""What values are like, against what NumPy says of all of them."""

import numpy as np
import pytest
import scipy.sparse

from gluonvae.data import stores
from gluonvae.data.stores import InMemory, Sparse
from gluonvae.data.summary import joined, summarize

RNG = np.random.default_rng(0)
VALUES = {
    "bits": RNG.integers(0, 2, (30, 7)),
    "truth values": RNG.random((30, 7)) < 0.5,
    "zeros": np.zeros((30, 7), int),
    "ones": np.ones((30, 7)),
    "bytes": RNG.integers(0, 256, (30, 7), dtype=np.uint8),
    "signed bytes": RNG.integers(-128, 128, (30, 7)).astype(np.int8),
    "large": RNG.integers(0, 2**63, (30, 7)).astype(np.uint64),
    "small": -RNG.integers(0, 2**62, (30, 7)),
    "whole fractions": RNG.poisson(4, (30, 7)) / 1,
    "reals": RNG.normal(size=(30, 7)),
    "single": RNG.normal(size=(30, 7)).astype(np.float32),
    "half": RNG.normal(size=(30, 7)).astype(np.float16),
    "fractions in the unit interval": RNG.random((30, 7)),
    "all but zeros and ones": np.where(np.arange(210).reshape(30, 7) == 180, 0.5, 1),
    "all but whole": np.where(np.arange(210).reshape(30, 7) == 180, 7.5, 3),
    "big-endian": RNG.normal(size=(30, 7)).astype(">f8"),
    "mostly zeros": RNG.poisson(0.1, (30, 7)),
    "negative, mostly zeros": -RNG.poisson(0.1, (30, 7)) / 2,
}
HOLES = RNG.random((30, 7)) < 0.3
HOLES[4] = True  # a row of which nothing is known


@pytest.fixture(params=[3, 70, 10**6], autouse=True)
def _blocks(request, monkeypatch):
    monkeypatch.setattr(stores, "BLOCK", request.param)


def check(summary, values):
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    assert (summary.low, summary.high) == (float(known.min()), float(known.max()))
    assert summary.binary == np.isin(known, [0, 1]).all()
    assert summary.whole == (known.dtype.kind in "bui" or (known == np.rint(known)).all())
    missing = np.argwhere(np.isnan(values)) if values.dtype.kind == "f" else []
    assert summary.missing == len(missing)
    assert summary.first_missing == (tuple(missing[0]) if len(missing) else None)


@pytest.mark.parametrize("name", VALUES)
def test_of_arrays(name):
    values = VALUES[name]
    check(summarize("x", InMemory(values)), values)
    holes = np.where(HOLES, np.nan, values.astype(float))
    if name not in ("large", "small"):
        check(summarize("x", InMemory(holes)), holes)


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ("half", "big-endian", "truth values")])
def test_of_sparse_matrices(name):
    values = VALUES[name]
    check(summarize("x", Sparse(scipy.sparse.csr_matrix(values))), values)
    holes = np.where(HOLES, np.nan, values.astype(float))
    if name not in ("large", "small"):
        check(summarize("x", Sparse(scipy.sparse.csr_matrix(holes))), holes)


def test_of_several_parts():
    parts = [VALUES["bits"], np.where(HOLES, np.nan, VALUES["bytes"]), VALUES["reals"]]
    found = joined([summarize("x", InMemory(part)) for part in parts])
    all_parts = np.concatenate([part.ravel() for part in parts])
    assert (found.low, found.high) == (np.nanmin(all_parts), np.nanmax(all_parts))
    assert (found.binary, found.whole, found.missing) == (False, False, HOLES.sum())
    assert found.first_missing == tuple(np.argwhere(HOLES)[0])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.inf, r"x has inf at \(22, 3\)"),
        (-np.inf, r"x has -inf at \(22, 3\)"),
        (1e39, r"x has 1e\+39 at \(22, 3\), and a float32"),
    ],
)
def test_what_no_model_can_take(value, message):
    values = VALUES["reals"].copy()
    values[22, 3] = value
    with pytest.raises(ValueError, match=message):
        summarize("x", InMemory(values))
    values[2, 2] = np.nan
    with pytest.raises(ValueError, match=message):
        summarize("x", InMemory(values))
    values[:20] *= values[:20] > 0  # not all are kept
    with pytest.raises(ValueError, match=message):
        summarize("x", Sparse(scipy.sparse.csr_matrix(values)))


@pytest.mark.parametrize("form", [InMemory, lambda values: Sparse(scipy.sparse.csr_matrix(values))])
def test_nothing_is_known(form):
    with pytest.raises(ValueError, match="x has nan everywhere: all values are missing"):
        summarize("x", form(np.full((3, 2), np.nan)))
