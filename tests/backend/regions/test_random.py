"""Noise by counters: the words of Philox, what is made of them, and its distribution."""

import numpy as np
import pytest
from scipy import stats

from gluonvae.backend.regions import random
from gluonvae.backend.regions.availability import loops_compile
from gluonvae.backend.runtime import OPENMP, set_threads

pytestmark = pytest.mark.skipif(not loops_compile(), reason="numba does not compile")

LOW = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. 2011, in Python's integers."""
    (a, b, c, d), (first, second) = counter, key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ first, q & LOW, (p >> 32) ^ d ^ second, p & LOW
        first, second = (first + 0x9E3779B9) & LOW, (second + 0xBB67AE85) & LOW
    return a, b, c, d


# the vectors that the authors publish with Random123
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((LOW,) * 4, (LOW,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), PUBLISHED)
def test_the_reference_is_philox(counter, key, words):
    assert philox(counter, key) == words


def words(key, count):
    """The words of a fill: of 64 counters at a time the first of each, then the second, the third and the fourth."""
    pieces = -(-count // 256)
    of_counters = np.array([philox((i, 0, 0, 0), (key & LOW, key >> 32)) for i in range(64 * pieces)], np.uint64)
    return of_counters.reshape(pieces, 64, 4).transpose(0, 2, 1)


def filled(kind, size, seed):
    out = np.full(size + 8, np.float32(7))
    random.fill(kind, np.random.default_rng(seed), out[4 : size + 4])
    assert (out[:4] == 7).all()
    assert (out[size + 4 :] == 7).all()
    key = int(np.random.default_rng(seed).integers(-(2**63), 2**63)) % 2**64
    return out[4 : size + 4], words(key, size)


SIZES = [1, 63, 255, 256, 257, 1000]


@pytest.mark.parametrize("size", SIZES)
def test_uniform(size):
    got, of = filled("uniform", size, 3)
    np.testing.assert_array_equal(got, ((of >> np.uint64(8)) / 2**24).reshape(-1)[:size])


@pytest.mark.parametrize("size", SIZES)
def test_normal(size):
    got, of = filled("normal", size, 5)
    radius = np.sqrt(-2 * np.log((of[:, 0::2] + 1.0) / 2**32))
    v = of[:, 1::2].astype(np.int64)
    angle = ((v & (2**30 - 1)) - 2**29) * (np.pi / 2 / 2**30)
    cosine, sine, turned = np.where(v < 2**31, 1, -1) * np.cos(angle), np.sin(angle), (v & 2**30) != 0
    pairs = np.stack([np.where(turned, sine, cosine), np.where(turned, cosine, sine)], 2) * radius[:, :, None]
    np.testing.assert_allclose(got, pairs.reshape(-1)[:size], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_threads_change_nothing(kind):
    one, most = np.empty(50_001, np.float32), OPENMP.omp_get_max_threads()
    try:
        set_threads(1)
        random.fill(kind, np.random.default_rng(1), one)
        for threads in (2, 3, 4):
            set_threads(threads)
            other = np.empty_like(one)
            random.fill(kind, np.random.default_rng(1), other)
            np.testing.assert_array_equal(other, one)
    finally:
        set_threads(most)


@pytest.mark.parametrize(("kind", "cdf"), [("normal", "norm"), ("uniform", "uniform")])
def test_distribution(kind, cdf):
    rng, draws = np.random.default_rng(0), np.empty((20, 50_000), np.float32)
    for out in draws:
        random.fill(kind, rng, out)
    assert stats.kstest(draws.ravel(), cdf).pvalue > 1e-3
    assert len(np.unique(draws[:, 0])) == len(draws)
    # neither within a tensor nor from one to the next does a number tell of another
    for lag in (1, 63, 64, 128, 192, 256):
        assert abs(np.corrcoef(draws[:, lag:].ravel(), draws[:, :-lag].ravel())[0, 1]) < 5e-3
    assert abs(np.corrcoef(draws[1:].ravel(), draws[:-1].ravel())[0, 1]) < 5e-3
    if kind == "normal":
        beyond = (np.abs(draws) > 4).sum()
        assert stats.binomtest(int(beyond), draws.size, 2 * stats.norm.sf(4)).pvalue > 1e-3


def test_what_it_does_not_draw():
    assert not random.can_fill("normal", np.empty(3))
    assert not random.can_fill("normal", np.empty((4, 4), np.float32)[:, :2])
    assert not random.can_fill("none", np.empty(3, np.float32))
