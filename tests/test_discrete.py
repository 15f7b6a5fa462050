"""Discrete codes and relaxed ones: everything that a small model can draw is enumerated, by NumPy and SciPy.

A new posterior of codes is a row of the table in codes.py.
"""

import itertools

import codes
import numpy as np
import pytest
import scipy.special
import scipy.stats
from codes import EXACT, POSTERIORS, RELAXED, STRAIGHT, learned, model, noise_of, truths
from conftest import BATCHES, MODES, nd, set_mode
from modes import assert_slope_along_a_direction
from scipy.special import logsumexp, softmax

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributions import variates
from gluonvae.objectives import base as objectives

every_posterior = pytest.mark.parametrize("name", POSTERIORS)
exact = pytest.mark.parametrize("name", EXACT)


def test_the_table_has_every_posterior_of_codes():
    kinds = {name for name, kind in gv.inference.POSTERIORS.items() if issubclass(kind, gv.CodeInferenceNetwork)}
    assert {latent_type for latent_type, _ in POSTERIORS.values()} == kinds


# noise


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_variates_have_their_digits_in_both_tails(dtype):
    noise = nd(np.linspace(-8, 8, 1001), dtype)
    exact = noise.asnumpy().astype("float64")
    log_cdf = scipy.special.log_ndtr(exact)
    logistic = log_cdf - scipy.special.log_ndtr(-exact)
    np.testing.assert_allclose(variates.logistic(noise).asnumpy(), logistic, rtol=5e-7, atol=5e-7)
    np.testing.assert_allclose(variates.gumbel(noise).asnumpy(), -np.log(-log_cdf), rtol=5e-7, atol=5e-7)
    for variate in (variates.logistic, variates.gumbel):
        farthest = variate(nd([-1e4, -13, 13, 1e4], dtype)).asnumpy()
        assert np.isfinite(farthest).all()
        assert farthest[0] == farthest[1] < variate(nd([0], dtype)).asscalar() < farthest[2] == farthest[3]


def test_variates_follow_their_distributions(rng):
    noise = nd(rng.standard_normal(50_000))
    assert scipy.stats.kstest(variates.logistic(noise).asnumpy(), "logistic").pvalue > 1e-3
    assert scipy.stats.kstest(variates.gumbel(noise).asnumpy(), "gumbel_r").pvalue > 1e-3


# distributions


def logits_of(rng, rows=5, size=6):
    return 2 * rng.standard_normal((rows, size))


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0])
def test_relaxed_bernoulli_is_a_logistic_variable(temperature, rng):
    """Also one-hot of two categories, whose difference of logarithms that is."""
    logits, value = logits_of(rng), 3 * rng.standard_normal((2, 5, 6)) / temperature
    tau = nd([temperature], "float64")
    wanted = scipy.stats.logistic.logpdf(value, logits / temperature, 1 / temperature).sum(-1)
    binary = gv.RelaxedBernoulli(nd(logits, "float64"), tau)
    np.testing.assert_allclose(binary.log_prob(nd(value, "float64")).asnumpy(), wanted, rtol=1e-8)
    # the first of two logits and the second
    pairs = lambda x: np.stack([x, np.zeros_like(x)], axis=-1)  # noqa: E731
    one_hot = gv.RelaxedOneHotCategorical(nd(pairs(logits).reshape(5, 12), "float64"), 2, tau)
    point = scipy.special.log_softmax(pairs(value), axis=-1).reshape(2, 5, 12)
    np.testing.assert_allclose(one_hot.log_prob(nd(point, "float64")).asnumpy(), wanted, rtol=1e-8)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_relaxed_one_hot_density_integrates_to_one_and_draws_follow_it(temperature, rng):
    """Three categories, over a = log y_1 / y_3 and b = log y_2 / y_3, of which the density times y_1 y_2 y_3 is."""
    logits, edge, cells, fine = rng.standard_normal(3), 40 / temperature, 40, 20
    q = gv.RelaxedOneHotCategorical(nd(logits, "float64"), 3, nd([temperature], "float64"))
    axis = np.linspace(-edge, edge, cells * fine, endpoint=False) + edge / (cells * fine)
    a, b = np.meshgrid(axis, axis, indexing="ij")
    grid = scipy.special.log_softmax(np.stack([a, b, np.zeros_like(a)], axis=-1), axis=-1)
    density = np.exp(q.log_prob(nd(grid, "float64")).asnumpy()) * (axis[1] - axis[0]) ** 2
    assert density.sum() == pytest.approx(1, abs=1e-6)
    draws = q.sample(nd(rng.standard_normal((20_000, 3)), "float64")).asnumpy()
    np.testing.assert_allclose(np.exp(draws).sum(-1), 1, rtol=1e-12)
    edges = np.linspace(-edge, edge, cells + 1)
    counts = np.histogram2d(draws[:, 0] - draws[:, 2], draws[:, 1] - draws[:, 2], [edges, edges])[0]
    expected = 20_000 * density.reshape(cells, fine, cells, fine).sum(axis=(1, 3))
    common = expected > 5
    statistic = ((counts - expected)[common] ** 2 / expected[common]).sum()
    assert scipy.stats.chi2.sf(statistic, common.sum()) > 1e-3


@every_posterior
@pytest.mark.parametrize("temperature", [0.01, 2.0])
def test_the_largest_of_a_draw_is_one_with_its_probability(name, temperature, rng):
    """And the draw, as the generator is given it, tends to a code as the temperature falls."""
    vae = model(name, rng)
    if name not in EXACT:
        vae.inference_net.temperature = temperature
    data, draws = nd(rng.integers(0, 2, (1, 12)), "float64"), 20_000
    q = vae.inference_net.posterior(data)
    latent_state = q.sample(nd(rng.standard_normal((draws, 1, 6)), "float64"))
    given = vae.prior.generating(latent_state).asnumpy().reshape(draws, 6)
    logits = vae.inference_net(data)[0].asnumpy()[0]
    if codes.is_binary(vae):
        ones, wanted = given > 0.5, scipy.special.expit(logits)
    else:
        np.testing.assert_allclose(given.reshape(-1, 3).sum(-1), 1, rtol=1e-12)
        blocks = given.reshape(draws, 2, 3)
        ones = (blocks == blocks.max(-1, keepdims=True)).reshape(draws, 6)
        wanted = softmax(logits.reshape(2, 3), axis=-1).reshape(6)
    error = np.sqrt(wanted * (1 - wanted) / draws)
    assert (abs(ones.mean(0) - wanted) < 4 * error).all()
    away = np.minimum(given, 1 - given)
    if name not in RELAXED:
        assert away.max() == 0
    else:
        assert away.mean() < 0.01 if temperature == 0.01 else away.mean() > 0.1


@every_posterior
def test_sample_and_score_together_is_sample_then_score(name, rng):
    vae = model(name, rng)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((3, 7, 6)), "float64")
    direction, weights = nd(rng.standard_normal((3, 7, 6)), "float64"), nd(rng.standard_normal((3, 7)), "float64")

    def results(score):
        with mx.autograd.record():
            z, log_prob = score(vae.inference_net.posterior(data))
            ((direction * z).sum(axis=-1) + weights * log_prob).backward()
        return [z.asnumpy(), log_prob.asnumpy(), *(p.grad().asnumpy() for p in learned(vae.inference_net))]

    together = results(lambda q: q.rsample_and_log_prob(noise))
    apart = results(lambda q: (q.rsample(noise), q.log_prob(q.rsample(noise))))
    for one, two in zip(together, apart):
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-7 * abs(two).max())


@pytest.mark.parametrize("name", STRAIGHT)
def test_straight_through_has_the_gradient_of_the_relaxed_code(name, rng):
    logits, noise, direction = (rng.standard_normal((4, 6)) for _ in range(3))
    tau = nd([0.7], "float64")
    one_hot = "OneHot" in name

    def relaxed(logits):
        if one_hot:
            q = gv.RelaxedOneHotCategorical(nd(logits, "float64"), 3, tau)
        else:
            q = gv.RelaxedBernoulli(nd(logits, "float64"), tau)
        return (q.code(q.rsample(nd(noise, "float64"))).asnumpy() * direction).sum()

    tensor = nd(logits, "float64")
    tensor.attach_grad()
    with mx.autograd.record():
        q = gv.OneHotCodes(tensor, 3, tau) if one_hot else gv.BinaryCodes(tensor, tau)
        code = q.rsample(nd(noise, "float64"))
        (code * nd(direction, "float64")).backward()
    assert set(np.unique(code.asnumpy())) == {0, 1}
    for place in np.ndindex(4, 6):
        step = np.zeros((4, 6))
        step[place] = 1e-5
        slope = (relaxed(logits + step) - relaxed(logits - step)) / 2e-5
        assert tensor.grad.asnumpy()[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)


# bounds by enumeration


def gradients(vae):
    return [parameter.grad().asnumpy() for parameter in learned(vae)]


def exact_gradients(vae, data, samples, beta=1.0):
    """Of the expected bound of ``samples`` latent states, summed over the batch: by MXNet's gradients of the sum
    over all that can be drawn."""
    log_prior_of = vae.prior.distribution(nd([0], "float64"), vae.inference_net)
    every = nd(codes.codes(vae), "float64")
    with mx.autograd.record():
        total = 0
        for row in data:
            repeated = nd(np.repeat(row[None], len(every), axis=0), "float64")
            log_q = vae.inference_net.posterior(repeated).log_prob(every)
            log_likelihood = vae.log_likelihood(every, repeated)
            weights = (log_likelihood + beta * (log_prior_of.log_prob(every) - log_q)).exp()
            for chosen in itertools.product(range(len(every)), repeat=samples):
                chosen = list(chosen)
                probability = sum(log_q[i] for i in chosen).exp()
                total = total + probability * (sum(weights[i] for i in chosen) / samples).log()
    total.backward()
    return total.asscalar(), gradients(vae)


def expected(vae, bound, data):
    """The expectation of the bound, summed over the batch, and of its gradients: each draw of the whole batch, with
    its probability."""
    log_q, every = truths(vae, data)[0], codes.codes(vae)
    value, total = 0.0, [np.zeros(p.shape) for p in learned(vae)]
    for chosen in itertools.product(range(len(every)), repeat=bound.samples * len(data)):
        chosen = np.reshape(chosen, (bound.samples, len(data)))
        probability = np.exp(
            sum(log_q[row, number] for row, number in zip(np.indices(chosen.shape)[1].flat, chosen.flat))
        )
        noise = noise_of(every[chosen])
        with mx.autograd.record():
            result = bound(nd(data, "float64"), nd(noise[0] if bound.samples == 1 else noise, "float64"))
        result.backward()
        value += probability * result.sum().asscalar()
        total = [one + probability * another for one, another in zip(total, gradients(vae))]
    return value, total


# name: (makes the bound, its samples, data points, and latent variables: as many draws as can be gone through)
ESTIMATORS = {
    "NVIL": (gv.NVIL, 2, {"bernoulli": 3, "categorical": 6}),
    "NVIL, beta": (lambda vae: gv.NVIL(vae, beta=0.3), 1, {"bernoulli": 4, "categorical": 6}),
    "NVIL, one data point": (gv.NVIL, 1, {"bernoulli": 4, "categorical": 6}),
    "NVIL, 2 samples": (lambda vae: gv.NVIL(vae, samples=2), 1, {"bernoulli": 3, "categorical": 6}),
    "VIMCO": (lambda vae: gv.VIMCO(vae, samples=3), 1, {"bernoulli": 2, "categorical": 3}),
    "VIMCO, 2 samples": (lambda vae: gv.VIMCO(vae, samples=2), 1, {"bernoulli": 3, "categorical": 6}),
}


@exact
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_expected_gradient_is_that_of_the_expected_bound(estimator, name, rng):
    make, rows, sizes = ESTIMATORS[estimator]
    vae, data = model(name, rng, sizes[name]), rng.integers(0, 2, (rows, 12))
    bound = make(vae)
    for parameter in learned(bound):  # a baseline that is not 0 changes nothing
        if "baseline" in parameter.name:
            parameter.set_data(nd(rng.standard_normal(parameter.shape), "float64"))
    is_vimco = isinstance(bound, gv.VIMCO)
    beta = 1.0 if is_vimco else bound.beta
    wanted_value, wanted = exact_gradients(vae, data, bound.samples if is_vimco else 1, beta)
    bound.hybridize(static_alloc=True, static_shape=True)
    value, total = expected(vae, bound, data)
    assert value == pytest.approx(wanted_value, rel=1e-9)
    for got, want in zip(total, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)
    log_q, log_likelihood, log_prior = truths(vae, data)
    weights = log_likelihood + beta * (log_prior - log_q)
    elbo, evidence = (softmax(log_q, axis=-1) * weights).sum(), logsumexp(weights + log_q, axis=-1).sum()
    if is_vimco:
        assert elbo < value < evidence
    else:
        assert value == pytest.approx(elbo, rel=1e-9)


@exact
def test_values_are_those_worked_out(name, rng):
    """At each code: the ELBO with its KL by enumeration, and the importance-weighted bound of two samples."""
    vae, data = model(name, rng, 3), rng.integers(0, 2, (7, 12))
    log_q, log_likelihood, log_prior = truths(vae, data)
    kl = (np.exp(log_q) * (log_q - log_prior)).sum(-1)
    every, nvil, vimco = codes.codes(vae), gv.NVIL(vae), gv.VIMCO(vae, samples=2)
    weights = log_likelihood + log_prior - log_q
    for number, code in enumerate(every):
        noise = nd(noise_of(np.tile(code, (7, 1))), "float64")
        terms = nvil.terms(nd(data, "float64"), noise)
        for got, want in zip(terms, (log_likelihood[:, number] - kl,) * 2 + (log_likelihood[:, number], kl)):
            np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-9)
        other = nd(noise_of(np.tile(every[0], (7, 1))), "float64")
        got = vimco.terms(nd(data, "float64"), mx.nd.stack(noise, other))
        want = logsumexp(weights[:, [number, 0]], axis=-1) - np.log(2)
        np.testing.assert_allclose(got.objective.asnumpy(), want, rtol=1e-9)
        np.testing.assert_allclose(got.bound.asnumpy(), want, rtol=1e-9)


@pytest.mark.parametrize("name", [*EXACT, *STRAIGHT])
def test_evidence_by_importance_sampling_is_that_by_enumeration(name, rng):
    vae, data = model(name, rng, 3), rng.integers(0, 2, (7, 12))
    log_q, log_likelihood, log_prior = truths(vae, data)
    evidence, draws = logsumexp(log_likelihood + log_prior, axis=-1), 20_000
    relative = np.sqrt((np.exp(2 * (log_likelihood + log_prior) - log_q)).sum(-1) / np.exp(2 * evidence) - 1)
    estimate = gv.log_marginal_likelihood(vae, data, samples=draws).log_likelihood
    assert (abs(estimate - evidence) < 4 * relative / np.sqrt(draws)).all()


@pytest.mark.parametrize("name", STRAIGHT)
def test_straight_through_has_the_bound_of_discrete_codes(name, rng):
    vae, data, noise = model(name, rng), rng.integers(0, 2, (7, 12)), rng.standard_normal((7, 6))
    discrete = model({"Bernoulli": "bernoulli", "OneHot": "categorical"}[name[7:].split(",")[0]], rng)
    for to, of in zip(learned(discrete), learned(vae)):
        to.set_data(of.data())
    arguments = nd(data, "float64"), nd(noise, "float64")
    np.testing.assert_allclose(gv.ELBO(vae)(*arguments).asnumpy(), gv.NVIL(discrete)(*arguments).asnumpy(), rtol=1e-9)


# the estimators by themselves


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vimco_without_each_sample_is_as_by_hand(dtype, rng):
    log_weights = np.concatenate(
        [
            5 * rng.standard_normal((4, 6)) - 100,
            np.full((4, 1), -3.0),  # all equal
            [[0.0, 2.0, 0.0], [-300.0, 2.0, 0.0], [-500.0, -9.0, -400.0], [-700.0, -8.0, -400.0]],
        ],
        axis=1,
    )
    vimco = gv.VIMCO(model("bernoulli"), samples=4)
    got = vimco.without_each(mx.nd, nd(log_weights, dtype)).asnumpy()
    for sample in range(4):
        others = np.delete(log_weights, sample, axis=0)
        want = logsumexp(np.concatenate([others, others.mean(0, keepdims=True)]), axis=0) - np.log(4)
        np.testing.assert_allclose(got[sample], want, rtol=1e-6 if dtype == "float32" else 1e-12, atol=1e-6)


def test_nvil_baseline_learns_what_the_rest_of_the_batch_does_not_tell(rng):
    """The gradient in its last layer's bias is that of half the squared distance to the standardised signal."""
    vae, data = model("bernoulli", rng), rng.integers(0, 2, (5, 12))
    bound, noise = gv.NVIL(vae), rng.standard_normal((5, 6))
    with mx.autograd.record():
        terms = bound.terms(nd(data, "float64"), nd(noise, "float64"))
        terms.objective.backward()
    signal = terms.bound.asnumpy()
    rest = [np.delete(signal, row) for row in range(5)]
    standardised = (signal - np.mean(rest, axis=1)) / np.sqrt(np.var(rest, axis=1) + 1)
    guess = bound.parts.baseline(nd(data, "float64")).asnumpy()[:, 0]
    assert bound.parts.baseline[-1].bias.grad().asscalar() == pytest.approx((standardised - guess).sum(), rel=1e-9)


def total_variance(gradients_of, draws):
    rows = np.array([np.concatenate([g.ravel() for g in gradients_of()]) for _ in range(draws)])
    return rows.var(axis=0).sum(), rows.mean(axis=0), rows.std(axis=0) / np.sqrt(draws)


def test_baselines_lower_the_variance_and_leave_the_mean(rng):
    """Against the score function alone, with the same noise."""
    vae, data = model("categorical", rng), nd(rng.integers(0, 2, (20, 12)), "float64")
    net, bound = vae.inference_net, gv.NVIL(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    weights = learned(net)

    def of_nvil():
        noise = nd(rng.standard_normal((20, 6)), "float64")
        with mx.autograd.record():
            bound(data, noise).backward()
        return [p.grad().asnumpy() for p in weights]

    def of_score():
        noise = nd(rng.standard_normal((20, 6)), "float64")
        with mx.autograd.record():
            q, p = vae.distributions(data)
            z = q.sample(noise)
            signal, log_q = vae.log_likelihood(z, data).detach(), q.log_prob(z)
            (signal * log_q - gv.kl_divergence(q, p)).backward()
        return [p.grad().asnumpy() for p in weights]

    (lower, mean, error), (higher, plain, plain_error) = (total_variance(of, 100) for of in (of_nvil, of_score))
    assert lower < 0.2 * higher
    assert (abs(mean - plain) < 4.5 * np.hypot(error, plain_error) + 1e-12).all()


# every kind in a model

BOUNDS = {
    "NVIL": lambda vae: gv.NVIL(vae),
    "NVIL, 3 samples": lambda vae: gv.NVIL(vae, samples=3),
    "VIMCO": lambda vae: gv.VIMCO(vae, samples=4),
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, sampled": lambda vae: gv.ELBO(vae, samples=3, kl="sampled"),
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
}
SCORED = [name for name in BOUNDS if name.startswith(("NVIL", "VIMCO"))]
PAIRS = [(name, bound) for name in POSTERIORS for bound in (SCORED if name in EXACT else BOUNDS)]


def terms_and_gradients(bound, data, noise):
    with mx.autograd.record():
        terms = bound.terms(data, noise)
        loss = terms.objective * nd(np.linspace(0.5, 2, len(data)), data.dtype)
    loss.backward()
    return [x.asnumpy() for x in (*terms, *(p.grad() for p in learned(bound)))]


def assert_close(got, wanted, tolerance=1e-9):
    for one, want in zip(got, wanted):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, want, rtol=tolerance, atol=tolerance * max(1, abs(want).max()))


@pytest.mark.parametrize(("name", "bound"), PAIRS)
def test_modes_and_chunks_agree(name, bound, rng, monkeypatch):
    bound = BOUNDS[bound](model(name, rng))
    batches = [
        (nd(rng.integers(0, 2, (batch, 12)), "float64"), nd(rng.standard_normal(bound.noise_shape(batch)), "float64"))
        for batch in (*BATCHES, BATCHES[1])
    ]
    wanted = [terms_and_gradients(bound, *batch) for batch in batches]
    for mode in [*MODES, "imperative"]:
        set_mode(bound, mode)
        for batch, want in zip(batches, wanted):
            assert_close(terms_and_gradients(bound, *batch), want)
    set_mode(bound, "static_shape")
    monkeypatch.setattr(objectives, "PIXELS_AT_ONCE", 2 * 7 * 12)
    assert_close(terms_and_gradients(bound, *batches[1]), wanted[1])


@pytest.mark.parametrize("bound", ["ELBO", "IWAE"])
@pytest.mark.parametrize("name", RELAXED)
def test_relaxed_gradient_is_that_of_the_objective_whatever_the_noise(name, bound, rng):
    """Along a random direction in all parameters, by central differences."""
    vae, data = model(name, rng), nd(rng.integers(0, 2, (7, 12)), "float64")
    bound, parameters = BOUNDS[bound](vae), learned(vae)
    noise = nd(rng.standard_normal(bound.noise_shape(7)), "float64")
    assert_slope_along_a_direction(bound, parameters, (data, noise), rng)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 50])
@pytest.mark.parametrize("preactivation", [-200, 200])
@every_posterior
def test_finite_at_extremes(name, preactivation, temperature, rng):
    vae = model(name)
    if name not in EXACT:
        vae.inference_net.temperature = temperature
    vae.inference_net.logits_head[-1].bias.set_data(nd(np.resize([1, -1, 0.99], 6) * preactivation))
    vae.generator.logits.bias.set_data(nd(np.resize([1, -1], 12) * preactivation))
    data = nd(rng.integers(0, 2, (7, 12)))
    for bound in SCORED if name in EXACT else BOUNDS:
        bound = BOUNDS[bound](vae)
        noise = np.concatenate([rng.standard_normal((3, 6)), np.full((2, 6), 8), np.full((2, 6), -8)])
        results = terms_and_gradients(bound, data, nd(np.broadcast_to(noise, bound.noise_shape(7))))
        assert all(np.isfinite(result).all() for result in results)


@every_posterior
def test_draws_of_the_prior_and_images(name, rng):
    vae = model(name, rng)
    noise = nd(rng.standard_normal((20_000, vae.prior.noise_size)), "float64")
    latent_state = vae.prior.distribution(noise, vae.inference_net).sample(noise)
    given = vae.prior.generating(latent_state).asnumpy()
    logits = vae.prior.logits.data().asnumpy()
    if codes.is_binary(vae):
        ones, wanted = given > 0.5, scipy.special.expit(logits)
    else:
        blocks = given.reshape(-1, 2, 3)
        ones = (blocks == blocks.max(-1, keepdims=True)).reshape(-1, 6)
        wanted = softmax(logits.reshape(2, 3), axis=-1).reshape(6)
    assert (abs(ones.mean(0) - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / len(given))).all()
    assert ((given == 0) | (given == 1)).all() == (name not in RELAXED)
    data = nd(rng.integers(0, 2, (5, 12)), "float64")
    q = vae.inference_net.posterior(data)
    noise = nd(rng.standard_normal((2, 5, 6)), "float64")
    mean = vae.generator.generate_mean(vae.prior.generating(q.sample(noise)))
    assert_close([vae.generate_reconstructions(data, 2, "mean", noise).asnumpy()], [mean.asnumpy()])
    assert vae.phantasize(3).shape == (3, 12)


def test_codes_that_are_not_learned_are_equally_probable(rng):
    vae = model("categorical", prior_options={})
    every = nd(codes.codes(vae))
    log_prob = vae.prior.distribution(every, vae.inference_net).log_prob(every).asnumpy()
    np.testing.assert_allclose(log_prob, -2 * np.log(3), rtol=1e-5)
    bound, before = gv.NVIL(vae), vae.prior.logits.data().asnumpy()
    gv.fit(bound, rng.integers(0, 2, (40, 12)).astype("float32"), epochs=2, batch_size=20, progress=False)
    np.testing.assert_array_equal(vae.prior.logits.data().asnumpy(), before)


@pytest.mark.parametrize(
    ("name", "bound"), [("categorical", "NVIL"), ("bernoulli", "VIMCO"), ("relaxedOneHot", "ELBO")]
)
def test_codes_of_data_with_labels(name, bound, rng):
    latent_type, options = POSTERIORS[name]
    generator = gv.ProductOfBernoullisGenerator(12, [5])
    net = gv.inference.POSTERIORS[latent_type](6, [5], **options)
    vae = gv.ConditionalVAE(generator, net, gv.CodePrior(), label_size=2)
    vae.initialize()
    bound = BOUNDS[bound](vae)
    data, label = nd(rng.integers(0, 2, (7, 12))), nd(rng.integers(0, 2, 7))
    noise = nd(rng.standard_normal(bound.noise_shape(7)))
    imperative = bound(data, noise, label).asnumpy()
    set_mode(bound, "static_shape")
    np.testing.assert_allclose(bound(data, noise, label).asnumpy(), imperative, rtol=1e-5)
    assert abs(bound(data, noise, 1 - label).asnumpy() - imperative).min() > 1e-4
    assert vae.phantasize(3, label=1).shape == (3, 12)


# the temperature


class Counted(gv.RelaxedOneHotInferenceNetwork):
    """Counts how often Python runs through it."""

    calls = 0

    def hybrid_forward(self, F, data, **parameters):
        Counted.calls += 1
        return super().hybrid_forward(F, data, **parameters)


def test_the_temperature_changes_without_a_new_trace(rng):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), Counted(6, [5], categories=3), gv.CodePrior())
    vae.initialize()
    bound = gv.ELBO(vae)
    data, noise = nd(rng.integers(0, 2, (7, 12))), nd(rng.standard_normal((7, 6)))
    temperatures, wanted = (1.0, 0.5, 0.1), []
    for vae.inference_net.temperature in temperatures:
        wanted.append(bound(data, noise).asnumpy())
    assert abs(np.diff(wanted, axis=0)).min() > 1e-4
    bound.hybridize(static_alloc=True, static_shape=True)
    bound(data, noise)
    traced = Counted.calls
    for vae.inference_net.temperature, want in zip(temperatures, wanted):
        np.testing.assert_allclose(bound(data, noise).asnumpy(), want, rtol=1e-5)
    images = rng.integers(0, 2, (100, 12)).astype("float32")
    schedule = gv.schedules.exponential(1.0, 0.25, 20)
    gv.fit(bound, images, epochs=2, batch_size=10, weights={"temperature": schedule}, progress=False)
    assert Counted.calls == traced
    assert vae.inference_net.temperature == pytest.approx(0.25 ** (19 / 20))


def test_exponential_schedule():
    schedule = gv.schedules.exponential(2.0, 0.5, 4)
    np.testing.assert_allclose([schedule(step) for step in (0, 1, 2, 4, 100)], [2, 2**0.5, 1, 0.5, 0.5])


@pytest.mark.parametrize("name", [*RELAXED, *STRAIGHT])
def test_the_temperature_is_saved_and_set_at_any_time(name, tmp_path, rng):
    latent_type, options = POSTERIORS[name]
    net = gv.inference.POSTERIORS[latent_type](6, [5], data_dims=12, **{**options, "temperature": 0.75})
    net.temperature = 0.625
    net.initialize()
    assert net.temperature == 0.625
    vae = model(name)
    net = vae.inference_net
    net.temperature = 0.25
    path = str(tmp_path / "model.params")
    vae.save_parameters(path)
    other = model(name)
    other.load_parameters(path)
    assert other.inference_net.temperature == 0.25
    data, noise = nd(rng.integers(0, 2, (7, 12))), nd(rng.standard_normal((7, 6)))
    np.testing.assert_array_equal(gv.ELBO(other)(data, noise).asnumpy(), gv.ELBO(vae)(data, noise).asnumpy())
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"temperature must be a positive number, got {wrong}"):
            net.temperature = wrong


@pytest.mark.parametrize(("name", "bound"), [*((name, "NVIL" if name in EXACT else "ELBO") for name in POSTERIORS),
                                             ("bernoulli", "VIMCO"), ("categorical", "VIMCO")])  # fmt: skip
def test_training_improves_the_bound_by_codes_that_tell_images_apart(name, bound, rng):
    digits = gv.data.load("digits")
    latent_type, options = POSTERIORS[name]
    if "categories" in options:
        options = {**options, "categories": 10}
    vae = gv.construct_vae(
        latent_type=latent_type,
        latent_options=options,
        prior="codes",
        prior_options={"learned": True},
        generator_layer_sizes=[32],
        infer_layer_sizes=[32],
        latent_variable_size=30,
    )
    vae.initialize()
    bound = BOUNDS[bound](vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train, valid = (part.pixels[:size] for part, size in ((digits.train, 1600), (digits.valid, 200)))
    train, valid = (gv.data.Dataset(part, binarization="once") for part in (train, valid))
    schedules = {"temperature": gv.schedules.exponential(1.0, 0.5, 400), "beta": gv.schedules.linear(0, 1, 400)}
    weights = {name: schedule for name, schedule in schedules.items() if name in bound.adjustable}
    before = gv.evaluate(bound, valid).bound
    # larger steps make a relaxed code the same for all images
    rate = 1e-2 if name in EXACT else 3e-3
    gv.fit(bound, train, epochs=10, batch_size=40, learning_rate=rate, weights=weights, progress=False)
    assert gv.evaluate(bound, valid).bound > before + 250
    # an image is more probable given its own code than given another's
    images = nd(valid.batch(slice(None)))
    code = vae.inference_net.posterior(images).sample(nd(rng.standard_normal((200, 30))))
    gain = vae.log_likelihood(code, images) - vae.log_likelihood(code, images[::-1])
    assert gain.mean().asscalar() > 5


# errors


def wrong(message, make, error=ValueError):
    return pytest.param(make, message, error, id=message.split(":")[0][:50])


@pytest.mark.parametrize(
    ("make", "message", "error"),
    [
        wrong(
            r"ELBO differentiates latent states, and those of BernoulliInferenceNetwork are discrete: use NVIL, VIMCO",
            lambda: gv.ELBO(model("bernoulli")),
        ),
        wrong(
            r"IWAE differentiates latent states, and those of CategoricalInferenceNetwork are discrete: use NVIL",
            lambda: gv.IWAE(model("categorical"), samples=3),
        ),
        wrong(
            r"latent states of BernoulliInferenceNetwork are codes, and StandardNormalPrior is no prior of codes: use "
            r"CodePrior, 'codes' by name",
            lambda: model("bernoulli", prior="standard", prior_options={}),
        ),
        wrong(
            r"latent states of RelaxedOneHotInferenceNetwork are codes, and MixturePrior is no prior of codes",
            lambda: model("relaxedOneHot", prior="mixture", prior_options={}),
        ),
        wrong(
            r"CodePrior is a prior for posteriors that are Codes, and GaussianInferenceNetwork is another",
            lambda: gv.construct_vae(prior="codes"),
        ),
        wrong(
            r"KL\(RelaxedBernoulli \|\| RelaxedBernoulli\), of .* has no closed form",
            lambda: gv.ELBO(model("relaxedBernoulli"), kl="closed"),
        ),
        wrong(
            r"latent_variable_size must be a multiple of categories, 3 values for each variable, got 7",
            lambda: model("categorical", size=7),
        ),
        wrong(
            r"categories must be at least 2, got 1: a variable with one value is no variable",
            lambda: gv.RelaxedOneHotInferenceNetwork(6, [5], categories=1),
        ),
        wrong(
            r"temperature must be a positive number, got 0",
            lambda: gv.RelaxedBernoulliInferenceNetwork(6, [5], temperature=0),
        ),
        wrong(
            r"a single sample has no others to be compared with: use more samples, or NVIL",
            lambda: gv.VIMCO(model("bernoulli"), samples=1),
        ),
        wrong(r"start and end must be positive, got 1 and 0", lambda: gv.schedules.exponential(1, 0, 10)),
        wrong(
            r"bfloat16 has too few digits for RelaxedBernoulliInferenceNetwork",
            lambda: model("relaxedBernoulli").cast(gv.networks.blocks.BFLOAT16),
            TypeError,
        ),
    ],
)
def test_errors(make, message, error):
    with pytest.raises(error, match=message):
        make()


def test_the_baseline_is_initialised_as_soon_as_the_model_is(rng):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.BernoulliInferenceNetwork(4, [6]), gv.CodePrior())
    bound = gv.NVIL(vae)
    vae.initialize()
    data = rng.integers(0, 2, (20, 12))
    gv.fit(bound, data, epochs=1, batch_size=10, progress=False)
    baseline = bound.parts.baseline[-1].weight
    before = baseline.data().asnumpy()
    gv.fit(bound, data, epochs=1, batch_size=10, progress=False)
    assert abs(baseline.data().asnumpy() - before).max() > 0


def test_a_prior_that_does_not_fit_names_what_does():
    with pytest.raises(ValueError, match="take another prior, or a posterior such as BernoulliInferenceNetwork"):
        gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(4, [6]), gv.CodePrior())
