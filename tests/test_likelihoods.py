"""Every likelihood of the table against scipy, in both modes, at extremes, on wrong data and on real digits."""

import numpy as np
import pytest
import scipy.integrate
import scipy.special
from conftest import MODES, nd, set_mode, small_vae
from likelihoods import LEVELS, ROWS, Discrete, K, OneHot, X
from modes import assert_function_agrees, assert_modes_agree

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from gluonvae.data import Dataset

every_likelihood = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def make(row, **options):
    return gv.generator.LIKELIHOODS.make(
        row.name, {**row.options, **options}, data_dims=X, layer_sizes=[5], latent_variable_size=4
    )


def raw_parameters(row, rng, *leading):
    return [draw(rng, *leading, row.width * X) for draw in row.raw]


def distribution(row, raw, dtype="float32"):
    return make(row).distribution(*(nd(parameter, dtype) for parameter in raw))


def model(row, **changes):
    return small_vae(likelihood=row.name, likelihood_options=row.options, **changes)


# float32 keeps 24 binary digits of a log-gamma or of a logit, and both may be hundreds
TOLERANCES = {"float32": {"rtol": 2e-5, "atol": 2e-4}, "float64": {"rtol": 1e-9, "atol": 1e-9}}
SHAPES = {"(B, X)": ((), ()), "k parameters": ((3,), ()), "k values": ((), (3,))}
"""The leading axes of parameters and of values."""

every_shape = pytest.mark.parametrize("shapes", SHAPES)


def leading_axes(row, shapes, batch):
    if shapes == "k values" and row.name == "bernoulliProd":
        pytest.skip("its compiled operator scores a value for each row of logits")
    return ((*axes, batch) for axes in SHAPES[shapes])


@every_shape
@pytest.mark.parametrize("dtype", TOLERANCES)
@every_likelihood
def test_log_prob_is_scipys(row, dtype, shapes, rng):
    of_parameters, of_values = leading_axes(row, shapes, 7)
    raw = [parameter.astype(dtype).astype("float64") for parameter in raw_parameters(row, rng, *of_parameters)]
    x = row.data(rng, *of_values, X)
    log_prob = distribution(row, raw, dtype).log_prob(nd(x, dtype))
    exact = x if isinstance(row.truth(*raw), (Discrete, OneHot)) else x.astype(dtype).astype("float64")
    np.testing.assert_allclose(log_prob.asnumpy(), row.truth(*raw).log_prob(exact), **TOLERANCES[dtype])


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
        low, high = (0, 1) if row.name == "continuousBernoulli" else truth.frozen.ppf([[1e-13], [1 - 1e-13]])[:, 0]
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
    noise = nd(rng.random((4000, generator.noise_size)))
    np.testing.assert_array_equal(*(generator.generate_sample(latent_state, noise).asnumpy() for _ in range(2)))
    assert vae.phantasize(3).shape == vae.phantasize(3, "mean").shape == vae.phantasize(3, "mode").shape == (3, 12)


@every_shape
@every_likelihood
def test_log_prob_in_both_modes(row, shapes):
    generator = make(row)

    def arrays(rng, batch):
        of_parameters, of_values = leading_axes(row, shapes, batch)
        return [*raw_parameters(row, rng, *of_parameters), row.data(rng, *of_values, X)]

    assert_function_agrees(lambda *tensors: generator.distribution(*tensors[:-1]).log_prob(tensors[-1]), arrays)


def with_gradient(x, raw):
    """``x`` and something to differentiate: a draw, a mode and a mean that is a parameter itself have no graph."""
    F = ops.namespace(x)
    return F.broadcast_add(x, F.expand_dims(ops.sum_last(raw), axis=-1))


@pytest.mark.parametrize("what", ["mean", "mode"])
@every_likelihood
def test_mean_and_mode_in_both_modes(row, what):
    generator = make(row)
    assert_function_agrees(
        lambda *raw: with_gradient(getattr(generator.distribution(*raw), what), raw[0]),
        lambda rng, batch: raw_parameters(row, rng, batch),
    )


@every_likelihood
def test_samples_in_both_modes(row):
    generator = make(row)
    assert_function_agrees(
        lambda *tensors: with_gradient(generator.distribution(*tensors[:-1]).sample(tensors[-1]), tensors[0]),
        lambda rng, batch: [*raw_parameters(row, rng, 2, batch), rng.random((2, batch, generator.noise_size))],
    )


@pytest.mark.parametrize("bound", [gv.ELBO, lambda vae: gv.IWAE(vae, samples=3)], ids=["ELBO", "IWAE"])
@every_likelihood
def test_models_in_both_modes(row, bound, rng):
    assert_modes_agree(bound(model(row)), rng, lambda rng, batch: nd(row.data(rng, batch, 12)))


@pytest.mark.parametrize("mode", MODES)
@every_likelihood
def test_models_draw_in_every_mode(row, mode, rng):
    vae = model(row)
    latent_state, noise = nd(rng.standard_normal((7, 4))), nd(rng.random((7, vae.generator.noise_size)))
    expected = vae.generator.generate_sample(latent_state, noise).asnumpy()
    set_mode(vae, mode)
    np.testing.assert_allclose(vae.generator.generate_sample(latent_state, noise).asnumpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("extreme", [-200, -20, 0, 20, 200])
@every_likelihood
def test_everything_is_finite_at_extreme_outputs_of_the_network(row, extreme, rng):
    # each output at the extreme, and the others at it or not
    raw = [nd(np.where(rng.random((64, row.width * X)) < 0.5, extreme, rng.choice([-200, 0, 200]))) for _ in row.raw]
    x = rng.choice(row.extreme, (64, X)) if row.extreme else row.data(rng, 64, X)
    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        p_x = make(row).distribution(*raw)
        log_prob = p_x.log_prob(nd(x))
    log_prob.backward()
    noise = rng.choice([0, 0.5, np.float32(1 - 2.0**-24)], (64, make(row).noise_size))
    for tensor in (log_prob, *(tensor.grad for tensor in raw), p_x.mean, p_x.mode, p_x.sample(nd(noise))):
        assert np.isfinite(tensor.asnumpy()).all()


@every_likelihood
def test_gradients_are_those_of_finite_differences(row, rng):
    raw = [nd(parameter, "float64") for parameter in raw_parameters(row, rng, 3)]
    x, generator, step = nd(row.data(rng, 3, X), "float64"), make(row), 1e-6

    def total():
        return generator.distribution(*raw).log_prob(x).sum()

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


WRONG = [(name, *wrong) for name, row in ROWS.items() for wrong in row.wrong]


@pytest.mark.parametrize(("name", "values", "message"), WRONG)
def test_data_outside_the_support_are_told_what_fits(name, values, message, rng):
    generator = make(ROWS[name])
    generator.initialize()
    with pytest.raises(ValueError, match=message):
        generator.log_likelihood(nd(rng.standard_normal((1, 4))), nd([values]))


@every_likelihood
def test_what_is_named_as_fitting_fits(row, rng):
    """A likelihood of the same support as one that a message names takes its data, in any of their shapes."""
    generator = make(row)
    for data in (row.data(rng, 50, X), *([row.extreme] if row.extreme else [])):
        generator.check_support("data", np.asarray(data, np.float32))


@every_likelihood
def test_its_own_kind_of_images_are_in_the_support(row, rng):
    generator = make(row)
    images = rng.integers(0, 256, (20, X), dtype=np.uint8)
    if generator.pixels == "none":
        pytest.skip("not a likelihood of images")
    for form in (images, images / 255):
        data = Dataset(form, binarization=generator.pixels)
        generator.check_support("images", data.possible_values())
        generator.check_support("images", data.batch(slice(None)))


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
    bound = gv.ELBO(vae)
    before = gv.evaluate(bound, data[:200]).bound
    gv.fit(bound, data, epochs=4, batch_size=50, learning_rate=3e-3, progress=False)
    after = gv.evaluate(bound, data[:200])
    assert after.bound > before + 10 * after.standard_error


# what one row has and others have not


def test_a_mixture_of_one_component_is_that_component(rng):
    mean, scale = nd(rng.random((7, X))), nd(rng.uniform(0.01, 1, (7, X)))
    x, noise = nd(rng.integers(0, 256, (7, X)) / 255), nd(rng.random((7, X)))
    one = gv.DiscretizedLogistic(mean, scale)
    mixture = gv.DiscretizedLogisticMixture(nd(rng.standard_normal((7, X))), mean, scale, components=1)
    for got, want in [
        (mixture.log_prob(x), one.log_prob(x)),
        (mixture.mean, one.mean),
        (mixture.sample(noise), one.sample(noise)),
    ]:
        np.testing.assert_allclose(got.asnumpy(), want.asnumpy(), rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-4, 1e-3, 0.004, 0.03, 1, 100])
def test_discretised_logistic_sums_to_one_in_float32(scale):
    mean = np.array([-200, -0.5, 0, 0.2, 0.5003, 1, 1.3, 200])[:, None]
    p_x = gv.DiscretizedLogistic(nd(mean), nd(np.full_like(mean, scale)))
    mass = np.exp(p_x.log_prob(nd(LEVELS[:, None, None])).asnumpy().astype("float64"))
    np.testing.assert_allclose(mass.sum(0), 1, atol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_continuous_bernoulli_at_one_half_and_around(dtype):
    """λ = 0.5 is the uniform density; on both sides of the series' end value, gradient and mean are quadrature's."""
    logits = np.array([0, 1e-30, 1e-8, -1e-4, 0.01, -0.3, 0.9999999, 1, -1, 1.0000001, 2, -5]).astype(dtype)
    exact = logits.astype("float64")
    nodes, weights = np.polynomial.legendre.leggauss(40)
    x, weights = (nodes + 1) / 2, weights / 2
    tilted = np.exp(exact[:, None] * x)
    normaliser = tilted @ weights
    mean = (tilted * x) @ weights / normaliser
    tensor = nd(logits[:, None], dtype)
    tensor.attach_grad()
    with mx.autograd.record():
        p_x = gv.ContinuousBernoulli(tensor)
        log_prob = p_x.log_prob(nd([[0.25]], dtype))
    log_prob.backward()
    tolerance = {"float32": 5e-7, "float64": 1e-9}[dtype]
    np.testing.assert_allclose(log_prob.asnumpy(), 0.25 * exact - np.log(normaliser), atol=tolerance)
    np.testing.assert_allclose(tensor.grad.asnumpy()[:, 0], 0.25 - mean, atol=tolerance)
    np.testing.assert_allclose(p_x.mean.asnumpy()[:, 0], mean, atol=tolerance)


# means, and inverse dispersions on both sides of 5, where Stirling's series takes over; None is a Poisson
COUNTS = [
    *((mean, None) for mean in (0.3, 5, 200, 2000, 1e4)),
    *((5, dispersion) for dispersion in (1e-3, 0.5, 4.9, 5.1, 20, 1000, 1e5)),
    *((200, 10), (2000, 5), (1e4, 0.5), (1e4, 1e5)),
]


def _counts_in_float32(rng, mean, dispersion):
    """784 counts, the parameters they are from in float32, and scipy's float64 log masses."""
    parameters = np.float32(np.exp(0.1 * rng.standard_normal((2, 784))) * [[mean], [dispersion or 1]])
    exact = parameters.astype("float64")
    if dispersion is None:
        x = rng.poisson(exact[0])
        return x, [nd(parameters[0])], scipy.stats.poisson.logpmf(x, exact[0])
    x = rng.poisson(exact[0] * rng.gamma(exact[1]) / exact[1])
    # scipy's nbinom is given θ / (θ + μ), of which 1 - p loses digits in float64 too: from μ and θ themselves
    mu, theta = exact
    ways = scipy.special.gammaln(x + theta) - scipy.special.gammaln(theta) - scipy.special.gammaln(x + 1)
    return x, list(map(nd, parameters)), ways - theta * np.log1p(mu / theta) + x * np.log(mu / (mu + theta))


@pytest.mark.parametrize(("mean", "dispersion"), COUNTS)
def test_large_counts_keep_their_digits_in_float32(mean, dispersion, rng):
    """No value is off by more than a few roundings of itself, of x - μ or, with θ, what that comes to, and of ten,
    about 5 log(5), the largest number there is below the series; nor is their sum by more than those add up to."""
    x, parameters, truth = _counts_in_float32(rng, mean, dispersion)
    p_x = (gv.Poisson if dispersion is None else gv.NegativeBinomial)(*parameters)
    one_by_one = type(p_x)(*(parameter.expand_dims(-1) for parameter in parameters)).log_prob(nd(x[:, None]))
    mu, theta = (p_x.mean.asnumpy(), np.inf) if dispersion is None else (p.asnumpy() for p in parameters)
    allowed = 2.0**-23 * (10 + 3 * abs(truth) + 3 * abs(x - mu) / (1 + mu / theta))
    assert (abs(one_by_one.asnumpy() - truth) < allowed).all()
    assert abs(p_x.log_prob(nd(x)).asscalar() - truth.sum()) < allowed.sum()


@pytest.mark.parametrize(("mean", "dispersion"), [(mean, theta) for mean, theta in COUNTS if theta])
def test_gradients_of_a_negative_binomial_keep_their_digits_in_float32(mean, dispersion, rng):
    x, (mu, theta), _ = _counts_in_float32(rng, mean, dispersion)
    # where log_ratio changes sides
    mu[:20] = x[:20] = np.maximum(x[:20], 1)
    for tensor in (mu, theta):
        tensor.attach_grad()
    with mx.autograd.record():
        log_prob = gv.NegativeBinomial(mu, theta).log_prob(nd(x))
    log_prob.backward()
    m, t = (tensor.asnumpy().astype("float64") for tensor in (mu, theta))
    of_mean = (x - m) * t / (m * (m + t))
    of_dispersion = scipy.special.digamma(x + t) - scipy.special.digamma(t) - np.log1p(m / t) + (m - x) / (m + t)
    # roundings of the terms that cancel: in the mean's x / μ and the like, in the dispersion's what has (x - μ) / (μ + θ)
    # or 1 / θ, and below the series digamma(θ)
    of_mean_allowed = 2.0**-21 * (abs(of_mean) + (x + t) / (m + t))
    of_dispersion_allowed = 2.0**-21 * (abs(of_dispersion) + (abs(x - m) + 1) / (m + t) + 1 / t + (t < 5))
    assert (abs(mu.grad.asnumpy() - of_mean) < of_mean_allowed).all()
    assert (abs(theta.grad.asnumpy() - of_dispersion) < of_dispersion_allowed).all()


def test_continuous_bernoulli_draws_are_quantiles():
    logits, noise = np.array([[-200, -20, -2, -0.01, 0.01, 2, 20, 200]]), np.linspace(0.01, 0.99, 50)[:, None]
    draws = gv.ContinuousBernoulli(nd(logits)).sample(nd(noise)).asnumpy()
    cumulative = np.expm1(logits * draws) / np.expm1(logits)
    np.testing.assert_allclose(cumulative, np.broadcast_to(noise, cumulative.shape), atol=2e-5)


def test_laplace_rsample_carries_the_gradient(rng):
    mean, scale, noise = nd(rng.standard_normal((4, 3))), nd(rng.uniform(1, 2, (4, 3))), rng.random((4, 3))
    for tensor in (mean, scale):
        tensor.attach_grad()
    with mx.autograd.record():
        gv.Laplace(mean, scale).rsample(nd(noise)).backward()
    np.testing.assert_allclose(mean.grad.asnumpy(), 1)
    np.testing.assert_allclose(scale.grad.asnumpy(), scipy.stats.laplace.ppf(noise), rtol=1e-4)


CONSTRUCTIONS = {
    "std": (
        {"name": "gaussian", "options": {"std": 0}},
        "std must be a positive number, 'learned' or 'per_pixel', got 0",
    ),
    "scale": ({"name": "laplace", "options": {"scale": "wide"}}, "scale must be a positive number.*got 'wide'"),
    "NaN": ({"name": "laplace", "options": {"scale": np.nan}}, "scale must be a positive number.*got nan"),
    "components": (
        {"name": "discretizedLogisticMixture", "options": {"components": 0}},
        "components must be positive, got 0",
    ),
    "one category": ({"name": "categorical", "options": {"categories": 1}}, "categories must be at least 2, got 1"),
    "blocks": (
        {"name": "categorical", "options": {"categories": 5}},
        "data_dims must be a multiple of categories, 5 values for each variable, got 12",
    ),
}


@pytest.mark.parametrize("case", CONSTRUCTIONS)
def test_constructions(case):
    given, message = CONSTRUCTIONS[case]
    with pytest.raises(ValueError, match=message):
        gv.construct_vae(likelihood=given["name"], likelihood_options=given["options"], data_dims=12)
