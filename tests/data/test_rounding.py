"""Whole numbers that float32 rounds: those with more than 24 binary digits between the first and the last 1."""

import numpy as np
import pytest
import scipy.sparse

import gluonvae as gv
from gluonvae.data import Stream, stores
from gluonvae.data.rounding import find_rounded

N, FIRST = 40, 2**24 + 1


def with_one(value, dtype=np.int64, place=(17, 2)):
    values = np.arange(N * 3).reshape(N, 3).astype(dtype)
    values[place] = value
    return values


def is_rounded(number):
    """By the definition of a float32: 24 binary digits."""
    digits = bin(abs(int(number)))[2:].rstrip("0")
    return len(digits) > 24


@pytest.fixture(autouse=True, params=[1, 10**6])
def _blocks(request, monkeypatch):
    monkeypatch.setattr(stores, "BLOCK", request.param)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.int64, np.uint64, ">i8", np.float64])
def test_which_whole_numbers_are_rounded(dtype, rng):
    large = 2**31 if np.dtype(dtype).itemsize == 4 else 2**53 if dtype == np.float64 else 2**63
    edges = [2**24 - 1, 2**24, 2**24 + 1, 2**24 + 2, 2**25 + 1, 2**25 + 2, 2**30, large - 1]
    numbers = np.array([*edges, *rng.integers(0, large, 50), *(rng.integers(0, 2**24, 50) << 6)], dtype)
    for number in numbers if np.dtype(dtype).kind == "u" else np.concatenate([numbers, -numbers]):
        assert find_rounded(number.reshape(1, 1)) == ((0, 0) if is_rounded(number) else None), number


ROUNDED = {
    "counts": with_one(FIRST),
    "unsigned": with_one(FIRST, np.uint32),
    "negative": with_one(-FIRST),
    "floating-point numbers that are whole": with_one(FIRST, float),
    "with holes": np.where(np.arange(N * 3).reshape(N, 3) == 3, np.nan, with_one(FIRST)),
    "sparse": scipy.sparse.csr_matrix(with_one(FIRST)),
    "two of them": with_one(FIRST),
}
ROUNDED["two of them"][30] = 2**40 + 1


@pytest.mark.parametrize("name", ROUNDED)
def test_whole_numbers_that_are_rounded_are_told_of(name, caplog):
    gv.data.Dataset(ROUNDED[name], binarization="none", things="rows", name="train")
    (record,) = caplog.records
    value, to = (-FIRST, -(2**24)) if name == "negative" else (FIRST, 2**24)
    assert f"train has {value} at (17, 2): " in record.getMessage()
    assert f"rounded, this one to {to};" in record.getMessage()


def test_the_column_is_named(caplog):
    gv.data.Dataset(with_one(FIRST), binarization="none", columns=["a", "b", "id"])
    assert "at (17, 2), in the column 'id': " in caplog.text


SAID_NOTHING = {
    "exact": with_one(2**25),
    "the last": with_one(2**24),
    "reals": with_one(FIRST, float) + 0.25,
    "one real among whole numbers": np.where(np.arange(N * 3).reshape(N, 3) == 90, 0.5, with_one(FIRST)),
    "reals beyond all fractions": 1e20 * (1 + np.random.default_rng(0).random((N, 3))),
    "what is float32 already": with_one(FIRST, np.float32),
    "small": with_one(1000, np.int16),
    "bits": with_one(0) % 2 == 0,
}


@pytest.mark.parametrize("name", SAID_NOTHING)
def test_nothing_is_said_of_others(name, caplog):
    gv.data.Dataset(SAID_NOTHING[name], binarization="none")
    assert not caplog.records


def test_nothing_is_said_where_numbers_become_fractions(caplog):
    gv.data.Dataset(with_one(FIRST), binarization="none", white=2.0**26)
    assert not caplog.records


def test_training_on_counts_says_so_once(caplog):
    vae = gv.construct_vae(
        likelihood="poisson", data_dims=3, latent_variable_size=2, generator_layer_sizes=[3], infer_layer_sizes=[3]
    )
    vae.initialize()
    gv.fit(gv.ELBO(vae), with_one(FIRST), epochs=2, batch_size=20, learning_rate=1e-6)
    assert caplog.text.count("train has 16777217 at (17, 2)") == 1


def test_batches_say_so_once(caplog):
    stream = Stream([with_one(5), with_one(FIRST), with_one(FIRST)])
    for _ in range(2):
        assert sum(len(part.values) for part in stream.epoch(0)) == 3 * N
    (record,) = caplog.records
    assert "a batch has 16777217 at (17, 2): " in record.getMessage()


@pytest.mark.parametrize("values", [with_one(2**25), with_one(FIRST, float) + 0.5, np.full((N, 3), np.nan)])
def test_nothing_is_said_of_other_batches(values, caplog):
    assert len(Stream([values])) == N
    assert not caplog.records
