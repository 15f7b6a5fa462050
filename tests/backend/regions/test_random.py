"""Streams of random numbers: the words of Philox, what is made of them, and its distribution."""

import numpy as np
import pytest
from scipy import stats

from gluonvae.backend.regions.availability import loops_compile
from gluonvae.backend.regions.random import Stream
from gluonvae.backend.runtime import OPENMP, set_threads
from gluonvae.noise import fill

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


def words(seed, count):
    """The words of a stream: of 64 counters at a time the first of each, then the second, the third and the fourth."""
    key, pieces = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]), -(-count // 256)
    of_counters = np.array([philox((i, 0, 0, 0), (key & LOW, key >> 32)) for i in range(64 * pieces)], np.uint64)
    return of_counters.reshape(pieces, 64, 4).transpose(0, 2, 1)


def drawn(kind, seed, sizes):
    """Numbers drawn in several goes, beside which nothing is written."""
    stream, parts = Stream(seed), []
    for size in sizes:
        out = np.full(size + 8, np.float32(7))
        fill(kind, stream, out[4 : size + 4])
        assert (out[:4] == 7).all()
        assert (out[size + 4 :] == 7).all()
        parts.append(out[4 : size + 4])
    return np.concatenate(parts)


SIZES = [[1], [63], [256], [257], [1000], [1, 254, 1, 1], [255, 2, 700], [100, 300, 512, 88]]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_uniform(sizes):
    of = words((3, 1), sum(sizes))
    np.testing.assert_array_equal(
        drawn("uniform", (3, 1), sizes), ((of >> np.uint64(8)) / 2**24).reshape(-1)[: sum(sizes)]
    )


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_normal(sizes):
    of = words((5,), sum(sizes))
    radius = np.sqrt(-2 * np.log((of[:, 0::2] + 1.0) / 2**32))
    v = of[:, 1::2].astype(np.int64)
    angle = ((v & (2**30 - 1)) - 2**29) * (np.pi / 2 / 2**30)
    cosine, sine, turned = np.where(v < 2**31, 1, -1) * np.cos(angle), np.sin(angle), (v & 2**30) != 0
    pairs = np.stack([np.where(turned, sine, cosine), np.where(turned, cosine, sine)], 2) * radius[:, :, None]
    expected = pairs.reshape(-1)[: sum(sizes)]
    np.testing.assert_allclose(drawn("normal", (5,), sizes), expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_neither_threads_nor_cuts_change_a_number(kind):
    one, most = np.empty(50_001, np.float32), OPENMP.omp_get_max_threads()
    try:
        set_threads(1)
        fill(kind, Stream((1,)), one)
        for threads in (2, 3, 4):
            set_threads(threads)
            stream, other = Stream((1,)), np.empty_like(one)
            for part in np.split(other, [17, 20_017, 20_018]):
                fill(kind, stream, part)
            np.testing.assert_array_equal(other, one)
    finally:
        set_threads(most)


@pytest.mark.parametrize(("kind", "cdf"), [("normal", "norm"), ("uniform", "uniform")])
def test_distribution(kind, cdf):
    draws = np.empty((20, 50_000), np.float32)
    for seed, out in enumerate(draws):
        fill(kind, Stream((0, seed)), out)
    assert stats.kstest(draws.ravel(), cdf).pvalue > 1e-3
    assert len(np.unique(draws[:, 0])) == len(draws)
    # neither within a stream nor from one to the next does a number tell of another
    for lag in (1, 63, 64, 128, 192, 256):
        assert abs(np.corrcoef(draws[:, lag:].ravel(), draws[:, :-lag].ravel())[0, 1]) < 5e-3
    assert abs(np.corrcoef(draws[1:].ravel(), draws[:-1].ravel())[0, 1]) < 5e-3
    if kind == "normal":
        beyond = (np.abs(draws) > 4).sum()
        assert stats.binomtest(int(beyond), draws.size, 2 * stats.norm.sf(4)).pvalue > 1e-3


@pytest.mark.parametrize("out", [np.empty(3), np.empty((4, 4), np.float32)[:, :2]], ids=["float64", "columns"])
def test_what_it_does_not_draw_is_refused(out):
    with pytest.raises(TypeError, match="out must be a contiguous array of float32"):
        Stream((0,)).standard_normal(out)
