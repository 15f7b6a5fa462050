"""The importance-sampled likelihood, on a model whose evidence is known exactly; and the estimate of a bound."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.pieces import rows_that_fit
from gluonvae.backend.regions import direct
from gluonvae.backend.regions.availability import available, mxnets_own
from gluonvae.backend.regions.operator import FORWARD_SCRATCH
from gluonvae.backend.regions.programs import plan_of
from gluonvae.evaluation.importance import LogWeight, WeightedDraws
from tests.helpers import nd, patterns, pixels, small_vae
from tests.tables import parts
from tests.truths.linear_gaussian import linear_gaussian


@pytest.fixture
def model(rng):
    """The model, data drawn from it, and the evidence of each data point. Its posterior is wider than the
    exact one, so that weights are bounded."""
    vae, truth = linear_gaussian(rng, wider=1.5, dtype="float32")
    data = truth.evidence.rvs(30, random_state=rng).astype(np.float32)
    return vae, data, truth.evidence.logpdf(data)


def test_it_is_the_evidence_of_a_linear_gaussian_model(model):
    vae, data, evidence = model
    estimate = gv.log_marginal_likelihood(vae, data, samples=20_000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence, atol=0.05)
    assert estimate.mean == pytest.approx(evidence.mean(), abs=0.01)
    assert estimate.standard_error == pytest.approx(evidence.std(ddof=1) / np.sqrt(30), rel=0.02)


def test_bounds_lie_below_the_evidence_and_rise_to_it(model):
    vae, data, evidence = model
    many = np.repeat(data, 200, axis=0)
    elbo = gv.evaluate(gv.ELBO(vae), many).bound
    iwae = [gv.evaluate(gv.IWAE(vae, samples=k), many).bound for k in (5, 50)]
    assert elbo < iwae[0] < iwae[1] < evidence.mean() + 0.01


@pytest.mark.parametrize("memory", [1e-3, 0.05, 1, 100])
def test_same_number_whatever_the_memory(memory, rng):
    vae, data = small_vae(), pixels(rng, 13)
    expected = gv.log_marginal_likelihood(vae, data, samples=300, seed=4).log_likelihood
    actual = gv.log_marginal_likelihood(vae, data, samples=300, seed=4, memory=memory).log_likelihood
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    other = gv.log_marginal_likelihood(vae, data, samples=300, seed=5).log_likelihood
    assert abs(other - expected).max() > 1e-5


@pytest.mark.skipif(not available(), reason="graphs are not compiled here")
@pytest.mark.parametrize("likelihood", parts.LIKELIHOODS)
def test_a_draw_takes_no_memory_in_a_graph_that_is_one_program(likelihood):
    """But its noise and its weight: what the program keeps in memory is as much for many draws as for few."""
    vae = parts.model(likelihood=likelihood)
    log_weight = LogWeight(vae)
    if not log_weight.is_one_program(2):
        assert log_weight.draws_that_fit(1) == rows_that_fit(vae.floats_per_sample, 1)
        return
    symbol = log_weight._cached_graph[1]
    kept = []
    for draws in (300, 3000):
        noise = (draws, 2, vae.latent_variable_size)
        shapes = symbol.infer_shape(data0=(2, vae.data_dims), data1=noise)[0]
        kept.append(plan_of(direct.options_of(symbol), tuple(shapes), 0)[0][FORWARD_SCRATCH])
    assert kept[0] == kept[1]
    assert log_weight.draws_that_fit(0.01) == rows_that_fit(vae.latent_variable_size, 0.01)
    assert log_weight.draws_that_fit(1000) == 2**15
    assert WeightedDraws(vae).draws_that_fit(1) == rows_that_fit(vae.floats_per_sample, 1)
    with mxnets_own():
        assert LogWeight(vae).draws_that_fit(1) == rows_that_fit(vae.floats_per_sample, 1)


@pytest.mark.skipif(not available(), reason="graphs are not compiled here")
def test_nothing_as_long_as_the_draws_is_kept(rng):
    """Each estimate has a graph of its own, and what is called by its address is never freed."""
    vae, data, before = small_vae(), pixels(rng, 4), len(direct._for_ever)
    gv.log_marginal_likelihood(vae, data, samples=1000)
    ones = [kept[3] for kept in direct._for_ever[before:] if isinstance(kept, tuple)]
    assert ones == [None]


def test_one_sample_and_one_image(rng):
    vae = small_vae()
    estimate = gv.log_marginal_likelihood(vae, pixels(rng, 1), samples=1)
    assert estimate.log_likelihood.shape == (1,)
    assert np.isnan(estimate.standard_error)


def test_dynamic_pixels_are_drawn_once(rng):
    vae, data = small_vae(), gv.data.Dataset(rng.random((9, 12)))
    first, second = (gv.log_marginal_likelihood(vae, data, samples=50, memory=m).mean for m in (1e-3, 100))
    assert first == pytest.approx(second, rel=1e-6)


def test_no_trace_in_what_is_drawn_later(rng):
    state = gv.noise.source.state()
    gv.log_marginal_likelihood(small_vae(), pixels(rng, 3), samples=10)
    assert gv.noise.source.state() == state


@pytest.mark.parametrize(
    ("options", "message"),
    [({"samples": 0}, "samples must be positive"), ({"memory": 0}, "memory must be positive, got 0")],
)
def test_errors(options, message, rng):
    with pytest.raises(ValueError, match=message):
        gv.log_marginal_likelihood(small_vae(), pixels(rng, 3), **options)
    with pytest.raises(ValueError, match="looks like labels"):
        gv.log_marginal_likelihood(small_vae(), np.arange(3))


def test_evaluate_is_repeatable_exact_and_leaves_no_trace(rng):
    vae, images = small_vae(), patterns(rng, 37)
    bound = gv.IWAE(vae, samples=3)
    state = gv.noise.source.state()
    first = gv.evaluate(bound, images, batch_size=10, seed=2)
    assert gv.noise.source.state() == state
    assert gv.evaluate(bound, images, batch_size=10, seed=2) == first
    noise = gv.noise.NoiseSource(2)
    values = []
    for start in range(0, 37, 10):
        rows = images[start : start + 10]
        values.append(bound(nd(rows), noise.normal((3, len(rows), 4))).asnumpy())
    values = np.concatenate(values).astype(np.float64)
    assert first.bound == pytest.approx(values.mean(), rel=1e-6)
    assert first.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(37), rel=1e-6)
