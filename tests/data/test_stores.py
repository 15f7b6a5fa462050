"""Where values are kept: rows of any store are those of the array."""

import numpy as np
import pytest
import scipy.sparse

from gluonvae.backend.runtime import mx
from gluonvae.data import stores
from gluonvae.data.stores import Bits, InMemory, Items, Mapped, Selected, Sparse

ROWS = np.random.default_rng(0).integers(0, 2, (40, 13)).astype(np.uint8)
STORES = {
    "in memory": lambda: InMemory(ROWS),
    "mapped": lambda: Mapped(ROWS),
    "sparse": lambda: Sparse(scipy.sparse.csr_matrix(ROWS)),
    "items": lambda: Items(mx.gluon.data.SimpleDataset(list(ROWS))),
    "pictures": lambda: Items(mx.gluon.data.SimpleDataset(list(ROWS[..., None]))),
    "pairs": lambda: Items(mx.gluon.data.SimpleDataset([(row, 0) for row in ROWS])),
    "bits": lambda: Bits(np.packbits(ROWS, axis=1), 13),
    "selected": lambda: Selected(InMemory(np.concatenate([1 - ROWS, ROWS])), slice(40, None)),
    "selected at random": lambda: Selected(InMemory(ROWS[::-1]), np.arange(40)[::-1]),
}
CHOSEN = [slice(None), slice(3, 17), slice(-5, None), slice(30, 100), slice(None, None, -3), np.array([5, 0, 5, 39]), np.array([], int), np.arange(40) % 2 == 0]  # fmt: skip


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("rows", CHOSEN, ids=str)
def test_rows(name, rows):
    store = STORES[name]()
    assert (len(store), store.shape) == (40, (40, 13))
    taken = store.take(rows)
    np.testing.assert_array_equal(taken, ROWS[rows])
    assert taken.dtype == store.dtype
    part = store.select(rows)
    assert part.shape == (len(ROWS[rows]), 13)
    assert part.reads_ahead == store.reads_ahead
    np.testing.assert_array_equal(part.take(slice(None)), ROWS[rows])
    for again in (slice(1, 3), np.arange(len(part))[::-1]):
        np.testing.assert_array_equal(part.take(again), ROWS[rows][again])
        np.testing.assert_array_equal(part.select(again).take(slice(None)), ROWS[rows][again])


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize("block", [1, 13, 50, 10**9])
def test_blocks_are_all_rows(name, block, monkeypatch):
    monkeypatch.setattr(stores, "BLOCK", block)
    parts = list(STORES[name]().blocks())
    assert max(map(len, parts)) <= max(1, block // 13)
    np.testing.assert_array_equal(np.concatenate(parts), ROWS)


def test_which_read_ahead():
    """Those for which a thread is of use: Gluon's items may be NDArrays, which are of one thread."""
    assert [name for name in STORES if STORES[name]().reads_ahead] == ["mapped", "sparse"]
    assert STORES["mapped"]().select(np.arange(3)).reads_ahead


def test_of_a_sparse_matrix_batches_alone_are_made_dense():
    rng = np.random.default_rng(0)
    places = (rng.integers(0, 1000, 5000), rng.integers(0, 10**6, 5000))
    wide = scipy.sparse.csr_matrix((rng.random(5000, np.float32), places), shape=(1000, 10**6))
    store = Sparse(wide)  # 4 GB if it were dense
    batch = store.take(np.array([0, 999, 5]))
    assert batch.shape == (3, 10**6)
    assert batch.sum() == pytest.approx(wide[[0, 999, 5]].sum(), rel=1e-5)
    assert store.select(np.arange(500)).select(slice(3)).take(slice(1)).sum() == pytest.approx(wide[0].sum(), rel=1e-5)


def test_bits_take_an_eighth():
    assert Bits(np.packbits(ROWS, axis=1), 13).packed.nbytes == 40 * 2
