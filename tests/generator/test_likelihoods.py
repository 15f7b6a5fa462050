"""Every likelihood of the table against scipy, its draws, its gradients, extremes and training."""

import numpy as np
import pytest
import scipy.integrate

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd
from tests.helpers.likelihoods import (
    distribution,
    every_likelihood,
    every_shape,
    from_raw,
    leading_axes,
    make,
    model,
    raw_parameters,
)
from tests.tables.likelihoods import X
from tests.truths.likelihoods import Discrete, K, OneHot

# float32 keeps 24 binary digits of a log-gamma or of a logit, and both may be hundreds
TOLERANCES = {"float32": {"rtol": 2e-5, "atol": 2e-4}, "float64": {"rtol": 1e-9, "atol": 1e-9}}


@every_shape
@pytest.mark.parametrize("dtype", TOLERANCES)
@every_likelihood
def test_log_prob_is_scipys(row, dtype, shapes, rng):
    of_parameters, of_values = leading_axes(shapes, 7)
    raw = [parameter.astype(dtype).astype("float64") for parameter in raw_parameters(row, rng, *of_parameters)]
    x = row.data(rng, *of_values, X)
    log_prob = distribution(row, raw, dtype).log_prob(nd(x, dtype))
    exact = x if isinstance(row.truth(*raw), (Discrete, OneHot)) else x.astype(dtype).astype("float64")
    np.testing.assert_allclose(log_prob.asnumpy(), row.truth(*raw).log_prob(exact), **TOLERANCES[dtype])


@every_likelihood
def test_log_prob_of_many_variables_has_no_bias(row, rng):
    """In float32 the errors of 784 variables average out: they are not the same in all of them."""
    many = 780  # a multiple of the categories
    raw = [parameter.astype("float32").astype("float64") for parameter in raw_parameters(row, rng, 20, size=many)]
    p = distribution(row, raw, "float32")
    x = p.sample()
    truth = row.truth(*raw).log_prob(x.asnumpy().astype("float64"))
    errors = p.log_prob(x).asnumpy() - truth
    by_chance = 4 * errors.std(ddof=1) / np.sqrt(len(errors))
    assert abs(errors.mean()) < by_chance + np.finfo("float32").eps * abs(truth).mean() / 2


def test_log_prob_of_equal_logits_has_no_bias():
    """784 variables of ten categories, all as probable: neither log_softmax nor the sum may be off."""
    labels = np.eye(10)[np.arange(784) % 10].reshape(1, -1)
    for kind in (gv.distributions.OneHotCategorical, gv.distributions.OneHotCodes):
        log_prob = kind(mx.nd.zeros((1, 7840)), 10).log_prob(nd(labels)).asnumpy()
        np.testing.assert_allclose(log_prob, -784 * np.log(10), rtol=1.2e-7)


@every_likelihood
def test_mean_is_scipys(row, rng):
    raw = raw_parameters(row, rng, 7)
    mean = distribution(row, raw, "float64").mean.asnumpy()
    np.testing.assert_allclose(mean, row.truth(*raw).mean, rtol=1e-9, atol=1e-10)


@every_likelihood
def test_nothing_is_more_probable_than_the_mode(row, rng):
    raw = raw_parameters(row, rng, 7)
    truth, mode = row.truth(*raw), distribution(row, raw, "float64").mode.asnumpy()
    if isinstance(truth, OneHot):
        others = np.broadcast_to(np.tile(np.eye(K), 2)[:, None], (K, 7, X))
        assert (truth.log_prob(mode) >= truth.log_prob(others) - 1e-9).all()
    elif isinstance(truth, Discrete):
        others = truth.frozen.logpmf(truth.grid[:, None, None])
        np.testing.assert_allclose(truth.frozen.logpmf(mode), others.max(0), rtol=1e-6)
    else:
        others = row.data(rng, 1000, 1, 1)
        assert (truth.frozen.logpdf(mode) >= truth.frozen.logpdf(others) - 1e-9).all()


@every_likelihood
def test_probabilities_sum_to_one(row, rng):
    raw = raw_parameters(row, rng, 1)
    truth = row.truth(*raw)

    def log_prob(x):
        return distribution(row, [np.repeat(p, len(x), 0) for p in raw], "float64").log_prob(nd(x, "float64")).asnumpy()

    if isinstance(truth, OneHot):
        total = np.exp(log_prob(np.array([np.concatenate([a, b]) for a in np.eye(K) for b in np.eye(K)]))).sum()
    elif isinstance(truth, Discrete):
        total = _marginal(log_prob, truth.frozen.logpmf, np.zeros(X), truth.grid).sum()
    else:
        low, high = (0, 1) if row.name == "continuous_bernoulli" else truth.frozen.ppf([[1e-13], [1 - 1e-13]])[:, 0]
        total, centre = 0, truth.mean[0, 0]
        for ends in ((low, centre), (centre, high)):
            total += scipy.integrate.fixed_quad(
                lambda points: _marginal(log_prob, truth.frozen.logpdf, truth.mean[0], points), *ends, n=200
            )[0]
    assert total == pytest.approx(1, abs=1e-9)


def _marginal(log_prob, exact, others, first):
    """The probabilities of values ``first`` of the first variable: joint ones with fixed values of the ``others``,
    over the probability of those."""
    x = np.tile(others, (len(first), 1))
    x[:, 0] = first
    return np.exp(log_prob(x) - exact(x[:1])[0, 1:].sum())


@every_likelihood
def test_draws_follow_the_truth(row, rng):
    raw = raw_parameters(row, rng, 1)
    draws = distribution(row, [np.repeat(parameter, 20_000, 0) for parameter in raw]).sample().asnumpy()
    truth = row.truth(*raw)
    assert truth.p_value(draws.astype("float64")) > 1e-3 / X
    assert (abs(draws.mean(0) - truth.mean[0]) < 5 * (draws.std(0) + 1e-3) / np.sqrt(len(draws))).all()


@every_likelihood
def test_a_sample_is_in_the_support_and_its_mean_is_the_mean(row, rng):
    vae = model(row)
    generator, latent_state = vae.generator, nd(np.repeat(rng.standard_normal((1, 4)), 4000, 0))
    draws = generator.generate_sample(latent_state).asnumpy()
    generator.check_support("draws", draws)
    mean = generator.generate_mean(latent_state[:1]).asnumpy()
    assert mean.shape == generator.generate_mode(latent_state[:1]).shape == (1, vae.data_dims)
    assert (abs(draws.mean(0) - mean[0]) < 5 * (draws.std(0) + 1e-3) / np.sqrt(len(draws))).all()
    noise = nd(rng.random((4000, generator.noise.size)))
    np.testing.assert_array_equal(*(generator.generate_sample(latent_state, noise).asnumpy() for _ in range(2)))
    assert vae.phantasize(3).shape == vae.phantasize(3, "mean").shape == vae.phantasize(3, "mode").shape == (3, 12)


@pytest.mark.parametrize("extreme", [-200, -20, 0, 20, 200])
@every_likelihood
def test_everything_is_finite_at_extreme_outputs_of_the_network(row, extreme, rng):
    # each output at the extreme, and the others at it or not
    raw = [nd(np.where(rng.random((64, row.width * X)) < 0.5, extreme, rng.choice([-200, 0, 200]))) for _ in row.raw]
    x = rng.choice(row.extreme, (64, X)) if row.extreme else row.data(rng, 64, X)
    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        p_x = from_raw(make(row), *raw)
        log_prob = p_x.log_prob(nd(x))
    log_prob.backward()
    noise = rng.choice([0, 0.5, np.float32(1 - 2.0**-24)], (64, make(row).noise.size))
    for tensor in (log_prob, *(tensor.grad for tensor in raw), p_x.mean, p_x.mode, p_x.sample(nd(noise))):
        assert np.isfinite(tensor.asnumpy()).all()


@every_likelihood
def test_gradients_are_those_of_finite_differences(row, rng):
    raw = [nd(parameter, "float64") for parameter in raw_parameters(row, rng, 3)]
    x, generator, step = nd(row.data(rng, 3, X), "float64"), make(row, dtype="float64"), 1e-6

    def total():
        return from_raw(generator, *raw).log_prob(x).sum()

    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        value = total()
    value.backward()
    for tensor in raw:
        for _ in range(5):
            place = int(rng.integers(3)), int(rng.integers(tensor.shape[1]))
            middle, sums = float(tensor[place].asscalar()), []
            for sign in (1, -1):
                tensor[place] = middle + sign * step
                sums.append(float(total().asscalar()))
            tensor[place] = middle
            assert tensor.grad[place].asscalar() == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-5, abs=1e-7)


@every_likelihood
def test_trains_on_digits(row):
    images = gv.data.load("digits", binarization="none").train.pixels[:500].astype(np.uint8)
    data = row.digits(images).astype(np.float32)
    vae = gv.construct_vae(
        likelihood=row.name,
        likelihood_options=row.digits_options or row.options,
        generator_layer_sizes=[50],
        infer_layer_sizes=[50],
        latent_variable_size=5,
        data_dims=data.shape[1],
    )
    vae.initialize()
    if row.adapted:
        vae.adapt(data)
    bound = gv.ELBO(vae)
    before = gv.evaluate(bound, data[:200]).bound
    gv.fit(bound, data, epochs=4, batch_size=50, learning_rate=3e-3, progress=False)
    after = gv.evaluate(bound, data[:200])
    assert after.bound > before + 10 * after.standard_error
