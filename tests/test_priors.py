"""Priors: densities against scipy, draws against densities, and every kind in a model."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from conftest import nd, pixels, set_mode, small_vae
from linear_gaussian import SIGMA, LinearGaussian
from modes import assert_function_agrees, assert_modes_agree, value_and_gradients
from posteriors import POSTERIORS
from priors import PRIORS, diagonal, distribution, mixture, vae_with, values

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base as objective

LEARNED = [name for name in PRIORS if name != "standard"]

BOUNDS = {
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, sticking the landing": lambda vae: gv.ELBO(vae, samples=3, gradient="stl"),
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
    "IWAE, sticking the landing": lambda vae: gv.IWAE(vae, samples=3, gradient="stl"),
    "IWAE, doubly reparametrised": lambda vae: gv.IWAE(vae, samples=3, gradient="dreg"),
}


def test_every_prior_has_a_row():
    # those of labels, layers, codebooks and codes are in test_conditional.py, test_hierarchies.py, test_vq.py and
    # test_discrete.py
    elsewhere = {"conditional", "hierarchical", "codebook", "codes"}
    assert set(PRIORS) == set(gv.prior.PRIORS) - elsewhere


@pytest.mark.parametrize("name", PRIORS)
def test_density_is_the_one_worked_out(name, rng):
    vae = vae_with(name, rng)
    z = 2 * rng.standard_normal((3, 7, 4))
    np.testing.assert_allclose(distribution(vae).log_prob(nd(z)).asnumpy(), PRIORS[name][1](vae, z), rtol=1e-5)


CELL, FINE = 1.0, 20  # width of a cell of draws; points of the grid on each of its sides


def cells(density):
    """The probability of each cell, from the density ``(n * FINE, n * FINE)`` at the grid's points."""
    n = len(density) // FINE
    return density.reshape(n, FINE, n, FINE).mean(axis=(1, 3)) * CELL**2


@pytest.mark.parametrize("name", PRIORS)
def test_density_integrates_to_one_and_draws_follow_it(name, rng):
    vae = vae_with(name, rng, latent_variable_size=2)
    edges = np.arange(-20, 20 + CELL, CELL)
    axis = -20 + CELL / FINE * (np.arange(40 * FINE) + 0.5)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    probabilities = cells(np.exp(distribution(vae).log_prob(nd(grid)).asnumpy().astype(np.float64)))
    assert probabilities.sum() == pytest.approx(1, abs=1e-4)

    draws = distribution(vae).sample(nd(rng.standard_normal((20_000, vae.prior.noise_size)))).asnumpy()
    counts, expected = np.histogram2d(*draws.T, edges)[0], len(draws) * probabilities
    many = expected > 10
    # what falls into cells of few is one cell
    observed, expected = [*counts[many], len(draws) - counts[many].sum()], [*expected[many], expected[~many].sum()]
    expected = np.array(expected) * len(draws) / sum(expected)
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("name", PRIORS)
def test_draws_of_any_leading_axes_are_those_of_one(name, rng):
    vae = vae_with(name, rng)
    noise = nd(rng.standard_normal((3, 7, vae.prior.noise_size)))
    prior = distribution(vae)
    draws = prior.sample(noise)
    assert draws.shape == (3, 7, 4)
    np.testing.assert_allclose(draws[2].asnumpy(), prior.sample(noise[2]).asnumpy(), rtol=1e-5, atol=1e-6)


def far_apart(weights):
    """A mixture whose components cannot be mistaken for each other."""
    means = nd(100 * np.arange(len(weights))[:, None] * np.ones((1, 2)))
    std = mx.nd.ones_like(means)
    return gv.Mixture(
        nd(np.log(weights)),
        gv.Normal(means, std),
        lambda number: gv.Normal(mx.nd.take(means, number), mx.nd.take(std, number)),
    )


def test_components_are_drawn_as_often_as_they_weigh(rng):
    weights = np.array([0.3, 0.01, 0.49, 0.2])
    draws = far_apart(weights).sample(nd(rng.standard_normal((20_000, 3)))).asnumpy()
    numbers = np.rint(draws / 100).astype(int)
    np.testing.assert_array_equal(numbers[:, 0], numbers[:, 1])
    counts = np.bincount(numbers[:, 0], minlength=4)
    assert scipy.stats.chisquare(counts, 20_000 * weights).pvalue > 1e-3


def test_the_furthest_noise_picks_the_first_and_the_last_component():
    draws = far_apart(np.full(7, 1 / 7)).sample(nd([[0, 0, -40], [0, 0, 40]])).asnumpy()
    np.testing.assert_array_equal(draws, [[0, 0], [600, 600]])


def test_no_gradient_flows_through_a_draw(rng):
    vae = vae_with("mixture", rng)
    with mx.autograd.record():
        draws = distribution(vae).sample(nd(rng.standard_normal((7, 5))))
        total = (draws + vae.prior.mean.data().sum()).sum()
    total.backward()
    np.testing.assert_array_equal(vae.prior.mean.grad().asnumpy(), 28)
    np.testing.assert_array_equal(vae.prior.log_std.grad().asnumpy(), 0)


def test_phantasies_are_images_of_draws(rng):
    for name in PRIORS:
        vae = vae_with(name, rng)
        noise = nd(rng.standard_normal((6, vae.prior.noise_size)))
        expected = vae.generator.generate_mean(distribution(vae).sample(noise))
        np.testing.assert_array_equal(vae.phantasize(6, "mean", noise).asnumpy(), expected.asnumpy())
        assert vae.phantasize(3).shape == (3, 12)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("name", LEARNED)
def test_modes_agree(name, bound, rng):
    assert_modes_agree(BOUNDS[bound](vae_with(name, rng)), rng)


FUNCTIONS = {
    "log_sum_exp": (lambda x: ops.log_sum_exp(x, axis=-1), lambda rng, B: [9 * rng.standard_normal((B, 5))]),
    "Mixture.log_prob": (
        lambda logits, mean, log_std, z: mixture_of(logits, mean, log_std).log_prob(z),
        lambda rng, B: [
            *rng.standard_normal((2, 3, 4)),
            *rng.standard_normal((1, 3, 4)),
            *rng.standard_normal((1, B, 4)),
        ],
    ),
    "Mixture.sample, and a mean for a gradient": (
        lambda logits, mean, log_std, noise: ops.namespace(mean).broadcast_add(
            mixture_of(logits, mean, log_std).sample(noise),
            ops.namespace(mean).slice_axis(mean, axis=0, begin=0, end=1),
        ),
        lambda rng, B: [*rng.standard_normal((3, 3, 4)), rng.standard_normal((2, B, 5))],
    ),
}


def mixture_of(logits, mean, log_std):
    F = ops.namespace(mean)
    std = F.exp(log_std)
    return gv.Mixture(
        F.log_softmax(F.sum(logits, axis=-1)),
        gv.Normal(mean, std),
        lambda number: gv.Normal(F.take(mean, number), F.take(std, number)),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree(name):
    assert_function_agrees(*FUNCTIONS[name])


def test_log_sum_exp_is_scipys(rng):
    x = np.concatenate([100 * rng.standard_normal((5, 3)), [[900, -900, 0]]])
    for axis in (0, 1, -1):
        got = ops.log_sum_exp(nd(x), axis).asnumpy()
        np.testing.assert_allclose(got, scipy.special.logsumexp(x, axis=axis), rtol=1e-6)


@pytest.mark.parametrize("name", LEARNED)
def test_gradients_are_those_of_finite_differences(name, rng):
    vae = vae_with(name, rng)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((3, 7, 4)), "float64")
    with mx.autograd.record():
        total = bound(data, noise).sum()
    total.backward()
    # those of the prior's own, and of the network that a prior may be made of
    for parameter in [*vae.prior.collect_params().values(), vae.inference_net.shared[0].weight]:
        point, direction = values(parameter), rng.standard_normal(parameter.shape)
        sums = []
        for step in (1e-5, -1e-5):
            parameter.set_data(nd(point + step * direction, "float64"))
            sums.append(float(bound(data, noise).sum().asscalar()))
        parameter.set_data(nd(point, "float64"))
        slope = (parameter.grad().asnumpy() * direction).sum()
        assert slope == pytest.approx((sums[0] - sums[1]) / 2e-5, rel=1e-6, abs=1e-6)
    for parameter in vae.prior.collect_params().values():
        assert (parameter.grad().asnumpy() != 0).all()


@pytest.mark.parametrize("extreme", [-200, -20, 20, 200])
@pytest.mark.parametrize("name", LEARNED)
def test_everything_is_finite_at_extreme_parameters(name, extreme, rng):
    """Of the prior, of the posterior, and of both."""
    for at in (["prior"], ["std_head"], ["mean_head"], ["prior", "std_head", "mean_head"]):
        vae = vae_with(name, rng)
        blocks = {"prior": vae.prior, **{half: getattr(vae.inference_net, half) for half in at if half != "prior"}}
        for part in at:
            for parameter in blocks[part].collect_params().values():
                parameter.set_data(mx.nd.full(parameter.shape, extreme if "weight" not in parameter.name else 0))
        for bound in (gv.ELBO(vae), gv.IWAE(vae, samples=3)):
            with mx.autograd.record():
                value = bound(pixels(rng, 7))
            value.backward()
            assert np.isfinite(value.asnumpy()).all(), at
            for parameter in vae.collect_params().values():
                assert np.isfinite(parameter.grad().asnumpy()).all(), (at, parameter.name)
        assert np.isfinite(distribution(vae).sample(nd(rng.standard_normal((7, vae.prior.noise_size)))).asnumpy()).all()


def test_the_kl_to_a_diagonal_prior_has_the_closed_form(rng):
    vae = vae_with("diagonal", rng)
    data = pixels(rng, 7)
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    _, (of_mean,), (of_std,) = diagonal(vae)
    expected = (0.5 * ((mean - of_mean) ** 2 + std**2) / of_std**2 - 0.5 - np.log(std / of_std)).sum(-1)
    for mode in ("imperative", "static_shape"):
        bound = gv.ELBO(vae, kl="closed")
        set_mode(bound, mode)
        np.testing.assert_allclose(bound.terms(data).kl.asnumpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("name", ["mixture", "vamp", "realNVP"])
def test_the_kl_to_others_is_sampled(name, rng):
    vae = vae_with(name, rng)
    with pytest.raises(ValueError, match=r"KL\(Normal \|\| (Mixture|Transformed)\).* has no closed form"):
        gv.ELBO(vae, kl="closed")
    data, noise = pixels(rng, 7), rng.standard_normal((3, 7, 4))
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    z = mean + std * noise
    expected = scipy.stats.norm.logpdf(z, mean, std).sum(-1) - PRIORS[name][1](vae, z)
    got = gv.ELBO(vae, samples=3).terms(data, nd(noise)).kl.asnumpy()
    np.testing.assert_allclose(got, expected.mean(0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PRIORS)
def test_marginal_likelihood_is_that_of_quadrature(name, rng):
    vae = vae_with(name, rng, latent_variable_size=2)
    # a wide q, so that weights are bounded
    std = vae.inference_net.std_head[-1]
    std.weight.set_data(mx.nd.zeros_like(std.weight.data()))
    std.bias.set_data(nd([3, 3]))
    data = pixels(rng, 5)
    axis = np.linspace(-16, 16, 161)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    logits = vae.generator(nd(grid)).asnumpy().astype(np.float64)
    x = data.asnumpy()[:, None]
    log_likelihood = (x * logits - np.logaddexp(0, logits)).sum(-1)
    log_prior = PRIORS[name][1](vae, grid) + 2 * np.log(axis[1] - axis[0])
    expected = scipy.special.logsumexp(log_likelihood + log_prior, axis=1)
    got = gv.log_marginal_likelihood(vae, data, samples=100_000).log_likelihood
    np.testing.assert_allclose(got, expected, atol=0.03)


def test_evidence_of_a_linear_gaussian_model_with_a_diagonal_prior(rng):
    vae = gv.VAE(LinearGaussian(5, 2), gv.GaussianInferenceNetwork(2, [], data_dims=5), gv.DiagonalGaussianPrior())
    vae.initialize()
    weight, bias, mean, std = rng.standard_normal((5, 2)), rng.standard_normal(5), [0.7, -1.1], np.array([0.6, 1.7])
    settings = [
        (vae.generator.mean.weight, weight),
        (vae.generator.mean.bias, bias),
        (vae.prior.mean, mean),
        (vae.prior.log_std, np.log(std)),
    ]
    # q: the exact posterior's mean, and a standard deviation of 0.5, above the exact one
    precision = weight.T @ weight / SIGMA**2 + np.diag(std**-2.0)
    gain = np.linalg.solve(precision, weight.T / SIGMA**2)
    settings += [
        (vae.inference_net.mean_head[0].weight, gain),
        (vae.inference_net.mean_head[0].bias, mean - gain @ (weight @ mean + bias)),
        (vae.inference_net.std_head[0].weight, np.zeros((2, 5))),
        (vae.inference_net.std_head[0].bias, np.log(np.expm1(np.full(2, 0.5)))),
    ]
    for parameter, value in settings:
        parameter.shape = np.shape(value)
        parameter.set_data(nd(value))
    evidence = scipy.stats.multivariate_normal(
        weight @ mean + bias, (weight * std**2) @ weight.T + SIGMA**2 * np.eye(5)
    )
    data = evidence.rvs(30, random_state=rng).astype(np.float32)
    estimate = gv.log_marginal_likelihood(vae, data, samples=20_000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence.logpdf(data), atol=0.05)


def small_digits(**changes):
    sizes = {"generator_layer_sizes": [50], "infer_layer_sizes": [50], "latent_variable_size": 5, **changes}
    vae = gv.construct_vae(**sizes)
    vae.initialize()
    return vae


@pytest.mark.parametrize("name", LEARNED)
def test_trains_on_digits(name):
    """And every number of the prior moves."""
    vae = small_digits(prior=name, prior_options=PRIORS[name][0])
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train = gv.data.load("digits").train.subset(slice(1000))
    before = gv.evaluate(bound, train).bound
    start = {name: values(p) for name, p in vae.prior.collect_params().items()}
    gv.fit(bound, train, epochs=4, batch_size=100, learning_rate=0.005, progress=False)
    assert gv.evaluate(bound, train).bound > before + 200
    for parameter, before in start.items():
        assert (values(vae.prior.collect_params()[parameter]) != before).mean() > 0.9, parameter


def test_a_learned_prior_finds_the_aggregate_posterior():
    """With q fixed the best diagonal prior has the moments of the mixture of all q (Hoffman and Johnson 2016)."""
    vae = small_digits(prior="diagonal")
    data = nd(gv.data.load("digits").train.batch(slice(100)))
    mean, std = (x.asnumpy() for x in vae.inference_net(data))
    q = gv.Normal(nd(mean), nd(std))
    trainer = mx.gluon.Trainer(vae.prior.collect_params(), "adam", {"learning_rate": 0.05})
    for _ in range(400):
        with mx.autograd.record():
            kl = gv.kl_divergence(q, distribution(vae))
        kl.backward()
        trainer.step(100)
    np.testing.assert_allclose(values(vae.prior.mean), mean.mean(0), atol=1e-3)
    variance = (std**2).mean(0) + mean.var(0)
    np.testing.assert_allclose(np.exp(2 * values(vae.prior.log_std)), variance, rtol=1e-2)


@pytest.mark.parametrize("name", LEARNED)
def test_parameters_come_back(name, tmp_path, rng):
    vae, other = vae_with(name, rng), vae_with(name)
    vae.save_parameters(str(tmp_path / "x.params"))
    other.load_parameters(str(tmp_path / "x.params"))
    z = nd(rng.standard_normal((7, 4)))
    np.testing.assert_array_equal(distribution(vae).log_prob(z).asnumpy(), distribution(other).log_prob(z).asnumpy())


@pytest.mark.parametrize("name", LEARNED)
def test_float64_from_end_to_end(name, rng):
    vae = vae_with(name, rng)
    bound = gv.IWAE(vae, samples=3)
    bound.hybridize(static_alloc=True)
    bound(pixels(rng, 7))
    vae.cast("float64")
    assert bound(nd(rng.integers(0, 2, (7, 12)), "float64")).dtype == np.float64
    assert vae.phantasize(2, "mean").dtype == np.float64
    z = rng.standard_normal((7, 4))
    expected = PRIORS[name][1](vae, z)
    np.testing.assert_allclose(distribution(vae).log_prob(nd(z, "float64")).asnumpy(), expected, rtol=1e-7)


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("name", LEARNED)
def test_sizes_come_with_the_model(name, hybrid, rng):
    needed = {"latent_variable_size": 4} if name == "realNVP" else {}
    prior = gv.prior.PRIORS[name](**needed, **PRIORS[name][0])
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [6]), gv.GaussianInferenceNetwork(4, [6]), prior)
    vae.initialize()
    if hybrid:
        vae.hybridize()
    assert vae.phantasize(3).shape == (3, 12)
    assert gv.IWAE(vae, samples=2)(pixels(rng, 7)).shape == (7,)
    assert all(0 not in parameter.shape for parameter in prior.collect_params().values())


def test_components_start_apart():
    _, means, _ = mixture(small_vae(prior="mixture", prior_options={"components": 100}))
    assert scipy.stats.kstest(means.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize(("pseudo_range", "low", "high"), [("unit", 0, 1), ("positive", 0, 8), ("real", -8, 8)])
def test_pseudo_inputs_lie_where_the_data_does(pseudo_range, low, high, rng):
    vae = vae_with("vamp", options={"components": 50, "pseudo_range": pseudo_range})
    for moved in (False, True):
        if moved:
            vae.prior.unconstrained.set_data(nd(3 * rng.standard_normal((50, 12))))
            high *= 3
            low *= 3
        inputs = vae.prior.pseudo_inputs(nd([0])).asnumpy()
        assert inputs.shape == (50, 12)
        assert (inputs >= low).all()
        assert (inputs <= (1 if pseudo_range == "unit" else high)).all()
        assert (inputs < 0).any() == (pseudo_range == "real")
        assert inputs.std(0).min() > 0.05


@pytest.mark.parametrize("latent_type", sorted({latent_type for latent_type, _ in POSTERIORS.values()}))
def test_vamp_of_any_posterior_is_the_mean_of_its_posteriors(latent_type, rng):
    vae = vae_with("vamp", rng, latent_type=latent_type)
    inputs, z = vae.prior.pseudo_inputs(nd([0])), nd(rng.standard_normal((3, 7, 4)))
    each = [vae.inference_net.posterior(row.reshape((1, -1))).log_prob(z.expand_dims(2)) for row in inputs]
    each = [log_prob.asnumpy()[..., 0] for log_prob in each]
    expected = scipy.special.logsumexp(each, axis=0) - np.log(5)
    np.testing.assert_allclose(distribution(vae).log_prob(z).asnumpy(), expected, rtol=1e-4)
    assert vae.phantasize(3).shape == (3, 12)
    # in float64, as a spline's gradients lose digits
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=2)
    batch = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal(bound.noise_shape(7)), "float64")
    imperative = value_and_gradients(bound, batch)
    bound.hybridize(static_alloc=True, static_shape=True)
    for got, want in zip(value_and_gradients(bound, batch), imperative):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", LEARNED)
def test_samples_are_taken_in_chunks_as_the_prior_needs_memory(name, rng, monkeypatch):
    """A mixture has the D numbers of every component for each sample, which may be more than pixels."""
    vae = vae_with(name, rng)
    assert vae.width == {"vamp": 5 * 4}.get(name, 12)
    bound = gv.IWAE(vae, samples=6)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((6, 7, 4)))
    whole, in_chunks, chunks = value_and_gradients(bound, (data, noise))[0], objective.in_chunks, []

    def spy(*arguments):
        chunks.append(arguments[-1])
        return in_chunks(*arguments)

    monkeypatch.setattr(objective, "in_chunks", spy)
    monkeypatch.setattr(objective, "PIXELS_AT_ONCE", 2 * 7 * vae.width)
    np.testing.assert_allclose(bound(data, noise).asnumpy(), whole, rtol=1e-5)
    assert chunks == [2]
    expected = gv.log_marginal_likelihood(vae, data, samples=30).log_likelihood
    np.testing.assert_allclose(
        gv.log_marginal_likelihood(vae, data, samples=30, memory=0.01).log_likelihood, expected, rtol=1e-5
    )


ERRORS = {
    "latent size": (
        lambda: gv.VAE(
            gv.ProductOfBernoullisGenerator(12, []),
            gv.GaussianInferenceNetwork(4, []),
            gv.DiagonalGaussianPrior(latent_variable_size=5),
        ),
        ValueError,
        "latent_variable_size is 4 in the inference network and 5 in the prior",
    ),
    "data_dims": (
        lambda: gv.VAE(
            gv.ProductOfBernoullisGenerator(12, []), gv.GaussianInferenceNetwork(4, []), gv.VampPrior(data_dims=13)
        ),
        ValueError,
        "data_dims is 12 in the generator and 13 in the prior",
    ),
    "not a prior": (
        lambda: gv.VAE(
            gv.ProductOfBernoullisGenerator(12, []), gv.GaussianInferenceNetwork(4, []), gv.StandardNormal()
        ),
        TypeError,
        "prior must be a Prior, got StandardNormal",
    ),
    "components": (lambda: gv.MixturePrior(4, components=0), ValueError, "components must be positive, got 0"),
    "components of vamp": (
        lambda: small_vae(prior="vamp", prior_options={"components": 2.5}),
        TypeError,
        "components must be a positive whole number, got 2.5",
    ),
    "range": (
        lambda: gv.VampPrior(4, 12, pseudo_range="unti"),
        ValueError,
        "pseudo_range must be one of positive, real, unit, got 'unti'; did you mean 'unit'",
    ),
    "name": (lambda: small_vae(prior="vam"), ValueError, "prior must be one of .*got 'vam'; did you mean 'vamp'"),
    "option": (
        lambda: small_vae(prior="vamp", prior_options={"component": 3}),
        ValueError,
        "an option of the prior 'vamp' must be one of components, pseudo_range, got 'component'; did you mean 'components'",
    ),
    "vamp outside a model": (
        lambda: gv.VampPrior(4).pseudo_inputs(nd([0])),
        ValueError,
        "VampPrior does not know data_dims: pass it, or make the prior part of a VAE",
    ),
    "diagonal outside a model": (
        lambda: gv.DiagonalGaussianPrior().distribution(nd([0]), None),
        ValueError,
        "DiagonalGaussianPrior does not know latent_variable_size: pass it, or make the prior part of a VAE",
    ),
    "flow of one latent variable": (
        lambda: small_vae(prior="realNVP", latent_variable_size=1),
        ValueError,
        "a coupling moves half of the latent variables: it needs 2 or more, got 1",
    ),
    "flow of unknown size": (lambda: gv.FlowPrior(0), ValueError, "latent_variable_size must be positive, got 0"),
    "flow of no length": (lambda: gv.FlowPrior(4, flow_length=0), ValueError, "flow_length must be positive, got 0"),
    "noise of a mixture": (
        lambda: distribution(vae_with("mixture")).sample(),
        TypeError,
        "Mixture needs its noise",
    ),
    "noise of phantasies": (
        lambda: vae_with("mixture").phantasize(3, noise=nd(np.zeros((3, 4)))),
        ValueError,
        r"noise must have shape \(3, 5\), got \(3, 4\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_a_mixture_of_one_is_drawn_from(prior):
    assert vae_with(prior, options={"components": 1}).phantasize(5).shape == (5, 12)


@pytest.mark.parametrize(
    ("likelihood", "low", "high"), [("bernoulliProd", 0, 1), ("poisson", 0, np.inf), ("gaussian", -np.inf, np.inf)]
)
def test_pseudo_inputs_lie_where_the_likelihoods_data_does(likelihood, low, high, rng):
    vae = vae_with("vamp", rng, likelihood=likelihood)
    parameter = vae.prior.unconstrained
    parameter.set_data(nd(10 * rng.standard_normal(parameter.shape)))
    inputs = vae.prior.pseudo_inputs(nd([0])).asnumpy()
    assert (inputs >= low).all()
    assert (inputs <= high).all()
    assert ((inputs > 1).any(), (inputs < 0).any()) == (high > 1, low < 0)
