"""Every posterior of the table: densities against quadrature and draws, both modes, extremes, training."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import BATCHES, assert_modes_agree_in_float64, draw, nd, noise_for, pixels, set_mode
from tests.tables.posteriors import INDEPENDENT, POSTERIORS, make, randomised, vae_of
from tests.truths.linear_gaussian import SIGMA, LinearGaussian

every_posterior = pytest.mark.parametrize("name", POSTERIORS)


def test_the_table_has_every_posterior():
    # those of layers of latent variables and of codebooks are in tests/models, those of codes in test_codes.py
    elsewhere = {"hierarchical", "ladder", "vector_quantized"}
    elsewhere |= {"bernoulli", "categorical", "relaxed_bernoulli", "relaxed_one_hot"}
    assert {latent_type for latent_type, _ in POSTERIORS.values()} == set(gv.inference.POSTERIORS) - elsewhere


def binary(rng, batch):
    return nd(rng.integers(0, 2, (batch, 12)), "float64")


@every_posterior
def test_sample_and_score_together_is_sample_then_score(name, rng):
    """Values, and gradients for every parameter: log_prob is right at a value that depends on them."""
    net = randomised(make(name, 4), rng)
    data, noise = binary(rng, 7), draw(rng, net.noise, (3, 7), "float64")
    weights, direction = nd(rng.standard_normal((3, 7)), "float64"), nd(rng.standard_normal((3, 7, 4)), "float64")

    def results(score):
        with mx.autograd.record():
            z, log_prob = score(net.posterior(data))
            ((direction * z).sum(axis=-1) + weights * log_prob).backward()
        return [z.asnumpy(), log_prob.asnumpy(), *(p.grad().asnumpy() for p in net.collect_params().values())]

    together = results(lambda q: q.rsample_and_log_prob(noise))
    apart = results(lambda q: (q.rsample(noise), q.log_prob(q.rsample(noise))))
    for one, two in zip(together, apart):
        np.testing.assert_allclose(one, two, rtol=1e-7, atol=1e-7 * abs(two).max())


@every_posterior
def test_draws_follow_a_density_that_integrates_to_one(name, rng):
    """Two latent variables: the density on a fine grid, by the midpoint rule, against counts of draws."""
    draws, coarse, fine = 100_000, 12, 40
    # no density so steep that the grid is too coarse for it
    net = randomised(make(name, 2), rng, 0.4)
    q = net.posterior(binary(rng, 1))
    z = q.rsample(draw(rng, net.noise, (draws, 1), "float64")).asnumpy()[:, 0]
    low, high = z.min(0), z.max(0)
    low, high = low - 0.2 * (high - low), high + 0.2 * (high - low)
    middles = (np.arange(coarse * fine) + 0.5) / (coarse * fine)
    grid = low + (high - low) * np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 1, 2)
    mass = np.exp(q.log_prob(nd(grid, "float64")).asnumpy()) * np.prod(high - low) / (coarse * fine) ** 2
    expected = mass.reshape(coarse, fine, coarse, fine).sum((1, 3))
    assert expected.sum() == pytest.approx(1, abs=2e-3)
    counts = np.histogram2d(*z.T, bins=coarse, range=np.stack([low, high], axis=-1))[0]
    likely = draws * expected > 10
    expected, counts = draws * expected[likely], counts[likely]
    # all other cells together are one more
    expected, counts = (np.append(cells, draws - cells.sum()) for cells in (expected, counts))
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert scipy.stats.chi2.sf(chi_square, len(counts) - 1) > 1e-3


@every_posterior
def test_the_score_has_expectation_zero(name, rng):
    """E[gradient of log q(z) at a fixed z] = 0, for what the network returns: a row of the batch is a draw."""
    draws = 4000
    net = randomised(make(name, 3), rng)
    parameters = [nd(np.repeat(x.asnumpy(), draws, axis=0), "float64") for x in net(binary(rng, 1))]
    z = net.distribution(*parameters).rsample(draw(rng, net.noise, (draws,), "float64"))
    for parameter in parameters:
        parameter.attach_grad()
    with mx.autograd.record():
        log_prob = net.distribution(*parameters).log_prob(z)
    log_prob.backward()
    for parameter in parameters:
        score = parameter.grad.asnumpy()
        assert score.std(axis=0).max() > 0.1
        assert (abs(score.mean(axis=0)) <= 5 * score.std(axis=0) / np.sqrt(draws)).all()


@every_posterior
def test_leading_axes_broadcast(name, rng):
    """Samples (k, B, D) of B data points, and each of them scored by K others: (k, B, K)."""
    net = randomised(make(name, 3), rng)
    data = binary(rng, 4)
    q = net.posterior(data)
    z = q.rsample(draw(rng, net.noise, (2, 4), "float64"))
    assert z.shape == (2, 4, 3)
    crossed = q.log_prob(z.expand_dims(2)).asnumpy()
    own = q.log_prob(z).asnumpy()
    assert own.shape == (2, 4)
    np.testing.assert_allclose(crossed[:, range(4), range(4)], own, rtol=1e-9)
    for row in range(4):
        alone = net.posterior(data[row : row + 1])
        np.testing.assert_allclose(crossed[:, 1, row], alone.log_prob(z[:, 1:2]).asnumpy()[:, 0], rtol=1e-9)
        np.testing.assert_allclose(alone.log_prob(z[1, row : row + 1]).asnumpy(), own[1, row], rtol=1e-9)


OBJECTIVES = {
    "ELBO": gv.ELBO,
    "ELBO, stl": lambda vae: gv.ELBO(vae, samples=2, gradient="stl"),
    "IWAE, dreg": lambda vae: gv.IWAE(vae, samples=3, gradient="dreg"),
}


# what "stl" makes use of "dreg" does too
@pytest.mark.parametrize("objective", ["ELBO", "IWAE, dreg"])
@every_posterior
def test_both_modes(name, objective, rng):
    vae = vae_of(name)
    vae.cast("float64")
    bound = OBJECTIVES[objective](vae)
    batches = [[binary(rng, batch), noise_for(rng, bound, batch, "float64")] for batch in (*BATCHES, BATCHES[1])]
    assert_modes_agree_in_float64(bound, batches)


@every_posterior
def test_a_hybridised_network_called_by_itself(name, rng, recwarn):
    vae = vae_of(name)
    data = pixels(rng, 7)
    noise = draw(rng, vae.inference_net.noise, (7,))
    states = []
    for mode in ("imperative", "static_shape"):
        set_mode(vae, mode)
        parameters = vae.inference_net(data)
        states.append(vae.inference_net.sample_latent_state(*parameters, noise=noise).asnumpy())
        assert vae.inference_net.sample_latent_state(*parameters).shape == (7, 4)
    np.testing.assert_allclose(*states, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.inference_net.posterior(data).sample(noise).asnumpy(), states[0], rtol=1e-5)
    assert not [warning for warning in recwarn if "Parameter" in str(warning.message)]


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
@every_posterior
def test_everything_is_finite_at_extreme_preactivations(name, preactivation, rng):
    """Weights of 0 leave the biases as what every layer of the posterior gives."""
    vae = vae_of(name)
    data = pixels(rng, 7)
    for signs in (np.ones, lambda shape: rng.choice([-1, 1], shape)):
        for key, parameter in vae.inference_net.collect_params().items():
            value = 0 * np.ones(parameter.shape) if key.endswith("weight") else preactivation * signs(parameter.shape)
            parameter.set_data(nd(value))
        for objective in OBJECTIVES.values():
            bound = objective(vae)
            with mx.autograd.record():
                values = bound(data, noise_for(rng, bound, 7))
            values.backward()
            assert np.isfinite(values.asnumpy()).all()
            assert all(np.isfinite(p.grad().asnumpy()).all() for p in vae.collect_params().values())


@every_posterior
def test_training_on_digits_improves_the_bound(name):
    latent_type, options = POSTERIORS[name]
    vae = gv.construct_vae(
        latent_type,
        generator_layer_sizes=[32],
        infer_layer_sizes=[32],
        latent_variable_size=8,
        latent_options=options,
    )
    vae.initialize()
    start = {name: p.data().asnumpy() for name, p in vae.inference_net.collect_params().items()}
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train = gv.data.load("digits").train.subset(slice(1600))
    before = gv.evaluate(bound, train).bound
    gv.fit(bound, train, epochs=1, batch_size=40, learning_rate=3e-3, progress=False)
    assert gv.evaluate(bound, train).bound > before + 200
    for key, parameter in vae.inference_net.collect_params().items():
        assert (parameter.data().asnumpy() != start[key]).any(), key


def _trained(net, weight, bias, data, steps):
    """A linear-Gaussian model whose inference network alone was trained, and its bound."""
    vae = gv.VAE(LinearGaussian(3, 2), net)
    vae.generator.initialize()
    vae.generator.mean.weight.set_data(nd(weight))
    vae.generator.mean.bias.set_data(nd(bias))
    vae.generator.collect_params().setattr("grad_req", "null")
    bound = gv.ELBO(vae, samples=4, gradient="stl")
    bound.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(vae.inference_net.collect_params(), "adam", {"learning_rate": 0.02})
    for step in range(steps):
        trainer.set_learning_rate(0.03 * (1 - step / steps))
        with mx.autograd.record():
            loss = -bound(nd(data))
        loss.backward()
        trainer.step(len(data))
    return vae, gv.evaluate(bound, np.repeat(data, 20, axis=0)).bound


@every_posterior
def test_a_correlated_posterior_is_found(name, rng):
    """A linear-Gaussian model whose exact posterior is correlated: the evidence is known, and how far below
    it the best diagonal Gaussian stays."""
    weight, bias = np.array([[1.0, 0.8], [0.9, 1.0], [0.3, 0.5]]), np.array([0.5, -1, 0.2])
    evidence = scipy.stats.multivariate_normal(bias, weight @ weight.T + SIGMA**2 * np.eye(3))
    precision = weight.T @ weight / SIGMA**2 + np.eye(2)
    gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    data = evidence.rvs(200, random_state=rng).astype(np.float32)
    # reflections turn slowly, and from one start in ten to a place where none of them helps
    steps, starts = (600, 3) if name == "householder" else (250, 1)
    trained = [_trained(make(name, 2, [8], data_dims=3), weight, bias, data, steps) for _ in range(starts)]
    vae, reached = max(trained, key=lambda one: one[1])
    left = evidence.logpdf(data).mean() - reached
    if name in INDEPENDENT:
        assert 0.95 * gap < left < 1.4 * gap
        return
    assert -0.02 < left < 0.5 * gap
    estimate = gv.log_marginal_likelihood(vae, data[:20], samples=5000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence.logpdf(data[:20]), atol=0.1)


@pytest.mark.parametrize("name", ["full_covariance", "low_rank", "householder"])
def test_closed_form_kl_is_used(name, rng):
    """The bound's KL is the same for any noise."""
    vae = vae_of(name)
    data = pixels(rng, 7)
    shape = (7, vae.inference_net.noise.size)
    one, other = (vae(data, nd(rng.standard_normal(shape)))[1].asnumpy() for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert gv.ELBO(vae, kl="closed")(data).shape == (7,)
