"""The source of noise: its distribution, its seed, its state, its device."""

import json
import multiprocessing
import threading

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, pixels, set_mode, small_vae
from tests.helpers.processes import python

SIZES = [20_000, gv.noise.MANY]
"""Of a draw that is NumPy's, and of one from a stream of its own."""


@pytest.mark.parametrize("size", SIZES)
def test_distributions(size):
    source = gv.noise.NoiseSource(5)
    assert scipy.stats.kstest(source.normal((size,)).asnumpy(), "norm").pvalue > 1e-3
    uniform = source.uniform((size,)).asnumpy()
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 1e-3
    assert uniform.max() < 1
    assert sorted(source.permutation(100)) == list(range(100))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtype(dtype):
    assert gv.noise.source.normal((3, 2), dtype=dtype).dtype == np.dtype(dtype)


def test_seed_repeats_noise_order_and_initialisation():
    def draw():
        gv.seed(3)
        vae = gv.construct_vae(data_dims=12, latent_variable_size=4)
        vae.initialize()
        weight = vae.generator.logits_head.weight.data().asnumpy()
        orthogonal = mx.nd.zeros((4, 4))
        mx.init.Orthogonal()(mx.init.InitDesc("x_weight"), orthogonal)
        source = gv.noise.source
        return weight, orthogonal.asnumpy(), source.normal((5,)).asnumpy(), source.permutation(9)

    for first, second in zip(draw(), draw()):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", SIZES)
def test_state_goes_through_json_and_resumes(size):
    source = gv.noise.NoiseSource(5)
    source.normal((size,))
    state = json.loads(json.dumps(source.state()))
    expected = [source.normal((n,)).asnumpy() for n in (size, 4)]
    other = gv.noise.NoiseSource(0)
    other.restore(state)
    for n, values in zip((size, 4), expected):
        np.testing.assert_array_equal(other.normal((n,)).asnumpy(), values)
    assert not np.isin(other.normal((size,)).asnumpy()[:100], expected[0]).all()


def test_many_numbers_take_one_of_numpys():
    source, numpys = gv.noise.NoiseSource(5), np.random.default_rng(5)
    source.normal((gv.noise.MANY // 4, 4))
    numpys.integers(2**63)
    np.testing.assert_array_equal(source.normal((5,)).asnumpy(), numpys.standard_normal(5, np.float32))


def test_without_numba_all_numbers_are_numpys(monkeypatch):
    monkeypatch.setattr("gluonvae.noise.loops_compile", lambda: False)
    drawn = gv.noise.NoiseSource(5).normal((gv.noise.MANY,)).asnumpy()
    np.testing.assert_array_equal(drawn, np.random.default_rng(5).standard_normal(gv.noise.MANY, np.float32))


@pytest.mark.parametrize("mode", MODES)
def test_drawn_noise_is_the_source_s_noise(mode, rng, seed):
    vae = small_vae()
    set_mode(vae, mode)
    data = pixels(rng, 7)
    gv.seed(seed)
    drawn = vae(data)
    gv.seed(seed)
    given = vae(data, gv.noise.source.normal((7, 4)))
    for got, want in zip(drawn, given):
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())


def test_noise_for_a_gpu_comes_from_mxnets_generator_unless_it_is_to_be_restored(monkeypatch):
    monkeypatch.setattr("gluonvae.noise.is_gpu", lambda ctx: True)
    source, state = gv.noise.source, gv.noise.source.state()
    first = source.normal((20_000,), mx.cpu(), "float32").asnumpy()
    assert source.state() == state
    assert scipy.stats.kstest(first, "norm").pvalue > 1e-3
    gv.seed(5)
    second = source.normal((7,), mx.cpu()).asnumpy()
    gv.seed(5)
    np.testing.assert_array_equal(source.normal((7,), mx.cpu()).asnumpy(), second)
    monkeypatch.setattr(source, "on_gpu", False)
    gv.seed(5)
    expected = np.random.default_rng(5).standard_normal(7, np.float32)
    np.testing.assert_array_equal(source.normal((7,), mx.cpu()).asnumpy(), expected)


@pytest.mark.skipif(mx.context.num_gpus() == 0, reason="needs a GPU")
def test_a_gpu_draws_its_own_noise_and_the_same_for_the_same_seed():
    draws = []
    for _ in range(2):
        gv.seed(5)
        draws.append(gv.noise.source.normal((3, 4), mx.gpu()))
    assert draws[0].context == mx.gpu()
    np.testing.assert_array_equal(draws[0].asnumpy(), draws[1].asnumpy())


UNSEEDED = """
import gluonvae as gv, mxnet as mx
vae = gv.construct_vae(data_dims=12, latent_variable_size=2)
vae.initialize()
print(vae.generator.logits_head.weight.data()[0, 0].asscalar(), gv.noise.source.normal((1,)).asscalar())
mx.random.seed(7)
print(mx.nd.random.normal(shape=(1,)).asscalar())
"""


def test_processes_that_are_not_seeded_differ():
    first, second = (python(UNSEEDED, OMP_NUM_THREADS="1").stdout.split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]
    assert first[2] == second[2]


def test_a_source_knows_whether_it_was_seeded():
    """One that was goes on in a forked process, any other starts anew there."""
    source = gv.noise.NoiseSource()
    assert not source.seeded
    source.restore(gv.noise.NoiseSource(5).state())
    assert source.seeded
    assert gv.noise.NoiseSource(0).seeded
    assert gv.noise.source.seeded  # by this test's fixture


def numbers():
    """Of the initial parameters, of the noise and of MXNet's generator."""
    weight = small_vae().generator.logits_head.weight.data()
    draws = (weight[0, 0], gv.noise.source.normal((1,)), mx.nd.random.normal(shape=(1,)))
    return [draw.asscalar() for draw in draws]


@pytest.mark.parametrize("seeded", [True, False])
def test_forked_processes_draw_the_same_where_they_are_seeded(seeded, monkeypatch):
    monkeypatch.setattr(gv.noise.source, "seeded", seeded)
    drawn = []
    for _ in range(2):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            drawn.append(pool.apply_async(numbers).get(timeout=60))
    drawn.append(numbers())
    for of_one_kind in zip(*drawn):
        assert len(set(of_one_kind)) == (1 if seeded else 3)


def test_a_seed_ends_with_an_error():
    before = gv.noise.source.state()
    with pytest.raises(ValueError, match="kind"), gv.noise.seeded(5):
        small_vae().phantasize(3, "kind")
    assert gv.noise.source.state() == before
    with pytest.raises(ValueError, match="seed must not be negative, got -2"), gv.noise.seeded(-2):
        pass


def test_what_is_drawn_while_seeded_is_that_of_the_seed_and_leaves_no_trace():
    gv.seed(3)
    wanted = numbers(), np.random.random()
    for before in (5, 6):
        gv.seed(before)
        with gv.noise.seeded(3):
            assert (numbers(), np.random.random()) == wanted
        after = gv.noise.source.normal((2,)).asnumpy(), np.random.random(2)
        gv.seed(before)
        np.testing.assert_array_equal(after, (gv.noise.source.normal((2,)).asnumpy(), np.random.random(2)))


def test_mxnets_generator_goes_on_as_the_seed_says():
    """Its state cannot be read: it goes on from a number that it drew, and so the same after the same seed."""
    drawn = []
    for before in (5, 5, 6):
        gv.seed(before)
        with gv.noise.seeded(3):
            pass
        drawn.append(mx.nd.random.normal(shape=(1,)).asscalar())
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_error_while_seeded_leaves_no_trace_either():
    gv.seed(5)
    with pytest.raises(KeyError), gv.noise.seeded(3):
        raise KeyError
    after = gv.noise.source.normal((2,)).asnumpy()
    gv.seed(5)
    np.testing.assert_array_equal(after, gv.noise.source.normal((2,)).asnumpy())
    assert gv.noise.source.seeded


def test_threads_take_turns_while_seeded():
    drawn = []

    def draw(value):
        for _ in range(50):
            with gv.noise.seeded(value):
                drawn.append((value, *gv.noise.source.normal((3,)).asnumpy(), np.random.random()))

    threads = [threading.Thread(target=draw, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 3
