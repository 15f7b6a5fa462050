"""Posteriors: their densities against scipy, quadrature and their own draws; how they train.

A new posterior is a row of the table in posteriors.py.
"""

import numpy as np
import pytest
import scipy.stats
from conftest import BATCHES, nd, pixels, set_mode, small_vae
from linear_gaussian import SIGMA, LinearGaussian
from modes import assert_function_agrees, assert_modes_agree_in_float64
from posteriors import FLOWS, POSTERIORS, make, randomised

import gluonvae as gv
from gluonvae import flows
from gluonvae.backend.runtime import mx

every_posterior = pytest.mark.parametrize("name", POSTERIORS)


def test_the_table_has_every_posterior():
    # those of layers of latent variables, of codebooks and of codes are in test_hierarchies.py, test_vq.py and codes.py
    elsewhere = {"hierarchical", "ladder", "vectorQuantized"}
    elsewhere |= {"bernoulli", "categorical", "relaxedBernoulli", "relaxedOneHot"}
    assert {latent_type for latent_type, _ in POSTERIORS.values()} == set(gv.inference.POSTERIORS) - elsewhere


def vae_of(name, **changes):
    latent_type, options = POSTERIORS[name]
    return small_vae(latent_type=latent_type, latent_options=options, **changes)


def binary(rng, batch):
    return nd(rng.integers(0, 2, (batch, 12)), "float64")


@every_posterior
def test_sample_and_score_together_is_sample_then_score(name, rng):
    """Values, and gradients for every parameter: log_prob is right at a value that depends on them."""
    net = randomised(make(name, 4), rng)
    data, noise = binary(rng, 7), nd(rng.standard_normal(net.noise_shape(7, 3)), "float64")
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
    z = q.rsample(nd(rng.standard_normal(net.noise_shape(1, draws)), "float64")).asnumpy()[:, 0]
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
    z = net.distribution(*parameters).rsample(nd(rng.standard_normal(net.noise_shape(draws)), "float64"))
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
    z = q.rsample(nd(rng.standard_normal(net.noise_shape(4, 2)), "float64"))
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
    batches = [
        [binary(rng, batch), nd(rng.standard_normal(bound.noise_shape(batch)), "float64")]
        for batch in (*BATCHES, BATCHES[1])
    ]
    assert_modes_agree_in_float64(bound, batches)


@every_posterior
def test_a_hybridised_network_called_by_itself(name, rng, recwarn):
    vae = vae_of(name)
    data = pixels(rng, 7)
    noise = nd(rng.standard_normal(vae.inference_net.noise_shape(7)))
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
                values = bound(data, nd(rng.standard_normal(bound.noise_shape(7))))
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


@every_posterior
def test_a_correlated_posterior_is_found(name, rng):
    """A linear-Gaussian model whose exact posterior is correlated: the evidence is known, and how far below
    it the best diagonal Gaussian stays."""
    weight, bias = np.array([[1.0, 0.8], [0.9, 1.0], [0.3, 0.5]]), np.array([0.5, -1, 0.2])
    evidence = scipy.stats.multivariate_normal(bias, weight @ weight.T + SIGMA**2 * np.eye(3))
    precision = weight.T @ weight / SIGMA**2 + np.eye(2)
    gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    vae = gv.VAE(LinearGaussian(3, 2), make(name, 2, [8], data_dims=3))
    vae.generator.initialize()
    vae.generator.mean.weight.set_data(nd(weight))
    vae.generator.mean.bias.set_data(nd(bias))
    vae.generator.collect_params().setattr("grad_req", "null")
    data = evidence.rvs(200, random_state=rng).astype(np.float32)
    bound = gv.ELBO(vae, samples=4, gradient="stl")
    bound.hybridize(static_alloc=True, static_shape=True)
    trainer = mx.gluon.Trainer(vae.inference_net.collect_params(), "adam", {"learning_rate": 0.02})
    # reflections turn slowly
    steps = 600 if name == "householder" else 250
    for step in range(steps):
        trainer.set_learning_rate(0.03 * (1 - step / steps))
        with mx.autograd.record():
            loss = -bound(nd(data))
        loss.backward()
        trainer.step(len(data))
    left = evidence.logpdf(data).mean() - gv.evaluate(bound, np.repeat(data, 20, axis=0)).bound
    if "gaussian" in name:
        assert 0.95 * gap < left < 1.4 * gap
        return
    assert -0.02 < left < 0.5 * gap
    estimate = gv.log_marginal_likelihood(vae, data[:20], samples=5000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence.logpdf(data[:20]), atol=0.1)


def test_exp_is_clipped_and_every_layer_shared_as_in_the_iwae_paper(rng):
    net = make("gaussian, as in the IWAE paper", 4, [6, 5])
    assert [layer.weight.shape for layer in net.shared if hasattr(layer, "weight")] == [(6, 12), (5, 6)]
    assert len(net.mean_head) == len(net.std_head) == 1
    net.std_head[0].weight.set_data(nd(np.zeros((4, 5))))
    net.std_head[0].bias.set_data(nd([-200, -1, 2, 200]))
    std = net(pixels(rng, 1))[1].asnumpy()[0]
    np.testing.assert_allclose(std, [1e-4, np.exp(-1), np.exp(2), 1e4], rtol=1e-5)


@pytest.mark.parametrize(("shared", "lengths"), [(0, (0, 3)), (1, (1, 2)), (3, (3, 0)), (None, (3, 0))])
def test_so_many_layers_are_shared(shared, lengths):
    net = gv.GaussianInferenceNetwork(4, [7, 6, 5], data_dims=12, shared_layers=shared)
    # a layer and its activation are two; the head ends in a layer
    assert (len(net.shared) // 2, (len(net.mean_head) - 1) // 2) == lengths


@pytest.mark.parametrize("std", ["softplus", "exp"])
@pytest.mark.parametrize("name", ["fullCovariance", "lowRank", "planar"])
def test_std_is_the_diagonal_one_s(name, std, rng):
    """With the context, the matrices and their biases at 0, standard deviations are those of the transform."""
    latent_type, options = POSTERIORS[name]
    net = gv.inference.POSTERIORS[latent_type](3, [5], data_dims=12, std=std, **options)
    net.initialize(mx.init.Zero())
    for parameter in net.collect_params().values():
        parameter.set_data(0 * parameter.data())
    z = net.posterior(pixels(rng, 1)).rsample(nd(np.ones((1, net.noise_size)))).asnumpy()
    np.testing.assert_allclose(z, 1 if std == "exp" else np.log(2), rtol=1e-3)


def factors(rng, batch, size):
    """Lower triangular matrices with a positive diagonal, ``(batch, size, size)``."""
    below = np.tril(rng.standard_normal((batch, size, size)), -1)
    return below + np.eye(size) * rng.uniform(0.3, 2, (batch, size, 1))


def full_covariance(rng, batch, size, dtype="float64"):
    mean, factor = rng.standard_normal((batch, size)), factors(rng, batch, size)
    return gv.MultivariateNormal(nd(mean, dtype), nd(factor, dtype)), mean, factor @ factor.transpose(0, 2, 1)


def low_rank(rng, batch, size, rank=2, dtype="float64"):
    mean, std, factor = (
        rng.standard_normal((batch, size)),
        rng.uniform(0.3, 2, (batch, size)),
        rng.standard_normal((batch, size, rank)),
    )
    covariance = np.eye(size) + factor @ factor.transpose(0, 2, 1)
    covariance *= std[:, :, None] * std[:, None, :]
    return gv.LowRankNormal(nd(mean, dtype), nd(std, dtype), nd(factor, dtype)), mean, covariance


GAUSSIANS = {"full covariance": full_covariance, "low rank": low_rank}


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_correlated_gaussians_are_scipys(name, size, rng):
    q, mean, covariance = GAUSSIANS[name](rng, 7, size)
    x = 2 * rng.standard_normal((3, 7, size))
    expected = [scipy.stats.multivariate_normal(m, c).logpdf(x[:, i]) for i, (m, c) in enumerate(zip(mean, covariance))]
    np.testing.assert_allclose(q.log_prob(nd(x, "float64")).asnumpy(), np.stack(expected, axis=-1), rtol=1e-9)


@pytest.mark.parametrize("name", GAUSSIANS)
def test_draws_of_correlated_gaussians_have_their_moments(name, rng):
    """A draw is linear in its noise: the covariance is the matrix of the map times its transpose."""
    q, mean, covariance = GAUSSIANS[name](rng, 7, 4)
    size = {"full covariance": 4, "low rank": 6}[name]
    noise = np.concatenate([np.eye(size), np.zeros((1, size))])
    noise = np.broadcast_to(noise[:, None], (size + 1, 7, size))
    *columns, at_zero = q.rsample(nd(noise, "float64")).asnumpy()
    np.testing.assert_allclose(at_zero, mean)
    np.testing.assert_array_equal(q.mean.asnumpy(), mean)
    matrix = np.stack(columns, axis=-1) - mean[..., None]
    np.testing.assert_allclose(matrix @ matrix.transpose(0, 2, 1), covariance, rtol=1e-9, atol=1e-9)


def rotated(rng, batch, size, dtype="float64"):
    """A diagonal Gaussian and two reflections, with the covariance by matrices in NumPy."""
    chain = flows.Chain([flows.Householder(size, 3), flows.Householder(size, 3)])
    chain.initialize()
    chain.cast(dtype)
    context = nd(rng.standard_normal((batch, 3)), dtype)
    mean, std = rng.standard_normal((batch, size)), rng.uniform(0.3, 2, (batch, size))
    q = gv.Rotated(gv.Normal(nd(mean, dtype), nd(std, dtype)), chain, context)
    turned, covariance = mean[..., None], np.eye(size) * std[:, None] ** 2
    for flow in chain._children.values():
        (normal,) = (x.asnumpy() for x in flow.parameters(None, context))
        reflection = np.eye(size) - 2 * normal[:, :, None] * normal[:, None] / (normal**2).sum(-1)[:, None, None]
        turned, covariance = reflection @ turned, reflection @ covariance @ reflection
    return q, turned[..., 0], covariance


CORRELATED = {**GAUSSIANS, "rotated": rotated}


def gaussian_kl(mean, covariance, p_mean, p_std):
    """The textbook's KL of two Gaussians, the second of diagonal covariance."""
    size = mean.shape[-1]
    terms = (np.diagonal(covariance, axis1=-2, axis2=-1) + (mean - p_mean) ** 2) / p_std**2 + 2 * np.log(p_std)
    return 0.5 * (terms.sum(-1) - size - np.linalg.slogdet(covariance)[1])


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", CORRELATED)
def test_kl_to_a_standard_normal(name, size, rng):
    q, mean, covariance = CORRELATED[name](rng, 7, size)
    kl = gv.kl_divergence(q, gv.StandardNormal()).asnumpy()
    np.testing.assert_allclose(kl, gaussian_kl(mean, covariance, 0.0, np.ones(size)), rtol=1e-9)


@pytest.mark.parametrize("shared", [True, False], ids=["one p", "a p each"])
@pytest.mark.parametrize("name", GAUSSIANS)
def test_kl_to_a_diagonal_gaussian(name, shared, rng):
    q, mean, covariance = GAUSSIANS[name](rng, 7, 4)
    shape = (4,) if shared else (7, 4)
    p_mean, p_std = rng.standard_normal(shape), rng.uniform(0.3, 2, shape)
    kl = gv.kl_divergence(q, gv.Normal(nd(p_mean, "float64"), nd(p_std, "float64"))).asnumpy()
    np.testing.assert_allclose(kl, gaussian_kl(mean, covariance, p_mean, np.broadcast_to(p_std, mean.shape)), rtol=1e-9)


@pytest.mark.parametrize("name", CORRELATED)
def test_kl_against_sampling(name, rng):
    q, *_ = CORRELATED[name](rng, 6, 3)
    p = gv.StandardNormal()
    size = 5 if name == "low rank" else 3
    z, log_prob = q.rsample_and_log_prob(nd(rng.standard_normal((40_000, 6, size)), "float64"))
    terms = (log_prob - p.log_prob(z)).asnumpy()
    error = terms.std(0) / np.sqrt(len(terms))
    assert (abs(gv.kl_divergence(q, p).asnumpy() - terms.mean(0)) < 4.5 * error).all()


def triangle(mean, factor):
    """For a matrix of any values: one that may be a Cholesky factor."""
    F = gv.backend.operators.namespace(factor)
    diagonal = F.linalg.extractdiag(factor)
    below = F.linalg.maketrian(F.linalg.extracttrian(factor, offset=-1), offset=-1)
    return gv.MultivariateNormal(mean, below + F.linalg.makediag(F.square(diagonal) + 0.5))


def spread(mean, std, factor):
    return gv.LowRankNormal(mean, gv.backend.operators.softplus(std) + 0.2, factor)


def both(value, log_prob):
    return gv.backend.operators.sum_last(value) + log_prob


def normals(rng, batch, *shapes):
    return [rng.standard_normal(shape) for shape in ((batch, 3), *((*lead, batch, *rest) for lead, rest in shapes))]


# name: (function of tensors, which arrays to call it with at batch B)
FUNCTIONS = {
    "MultivariateNormal.log_prob": (
        lambda mean, factor, x: triangle(mean, factor).log_prob(x),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((2,), (3,))),
    ),
    "MultivariateNormal.rsample_and_log_prob": (
        lambda mean, factor, noise: both(*triangle(mean, factor).rsample_and_log_prob(noise)),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((2,), (3,))),
    ),
    "LowRankNormal.log_prob": (
        lambda mean, std, factor, x: spread(mean, std, factor).log_prob(x),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((2,), (3,))),
    ),
    "LowRankNormal.rsample_and_log_prob": (
        lambda mean, std, factor, noise: both(*spread(mean, std, factor).rsample_and_log_prob(noise)),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((), (5,))),
    ),
    "kl(MultivariateNormal, Normal)": (
        lambda mean, factor, p: gv.kl_divergence(
            triangle(mean, factor), gv.Normal(p, gv.backend.operators.softplus(p) + 0.2)
        ),
        lambda rng, B: normals(rng, B, ((), (3, 3)), ((), (3,))),
    ),
    "kl(LowRankNormal, Normal)": (
        lambda mean, std, factor, p: gv.kl_divergence(
            spread(mean, std, factor), gv.Normal(p, gv.backend.operators.softplus(p) + 0.2)
        ),
        lambda rng, B: normals(rng, B, ((), (3,)), ((), (3, 2)), ((), (3,))),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_in_both_modes(name):
    assert_function_agrees(*FUNCTIONS[name])


@pytest.mark.parametrize("name", ["fullCovariance", "lowRank", "householder"])
def test_closed_form_kl_is_used(name, rng):
    """The bound's KL is the same for any noise."""
    vae = vae_of(name)
    data = pixels(rng, 7)
    shape = vae.inference_net.noise_shape(7)
    one, other = (vae(data, nd(rng.standard_normal(shape)))[1].asnumpy() for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert gv.ELBO(vae, kl="closed")(data).shape == (7,)


def test_a_flow_starts_like_a_diagonal_gaussian(rng):
    """Planar flows at the start change the bound of the Gaussian with the same mean and std by little."""
    vae = small_vae(latent_type="planar", latent_options={"flow_length": 4})
    mean, std, context = vae.inference_net(pixels(rng, 7))
    noise = nd(rng.standard_normal((5, 7, 4)))
    z, log_prob = vae.inference_net.distribution(mean, std, context).rsample_and_log_prob(noise)
    plain_z, plain_log_prob = gv.Normal(mean, std).rsample_and_log_prob(noise)
    assert abs(z - plain_z).max().asscalar() < 0.2
    assert abs(log_prob - plain_log_prob).max().asscalar() < 0.2


ERRORS = {
    "one variable": (
        lambda: gv.RealNVPInferenceNetwork(1, [5]),
        ValueError,
        "a coupling moves half of the latent variables: it needs 2 or more, got 1",
    ),
    "flow length": (lambda: gv.PlanarInferenceNetwork(4, [5], flow_length=0), ValueError, "flow_length must be pos"),
    "context": (lambda: gv.RadialInferenceNetwork(4, [5], context_size=0), ValueError, "context_size must be positive"),
    "rank": (lambda: gv.LowRankInferenceNetwork(4, [5], rank=0), ValueError, "rank must be positive, got 0"),
    "bins": (lambda: gv.SplineInferenceNetwork(4, [5], bins=1), ValueError, "bins must be 2 or more"),
    "std": (lambda: gv.IAFInferenceNetwork(4, [5], std="sotfplus"), ValueError, "did you mean 'softplus'"),
    "hidden sizes": (lambda: gv.IAFInferenceNetwork(4, [5], hidden_sizes=5), TypeError, "hidden_sizes must be a list"),
    "an option of another": (
        lambda: small_vae(latent_type="planar", latent_options={"bins": 4}),
        ValueError,
        "an option of the latent_type 'planar' must be one of .*flow_length",
    ),
    "noise of a low rank": (
        lambda: vae_of("lowRank")(nd(np.ones((7, 12))), nd(np.ones((7, 4)))),
        ValueError,
        r"noise must have shape \(\.\.\., 7, 6\), got \(7, 4\)",
    ),
    "a closed form of a flow": (
        lambda: gv.ELBO(vae_of("planar"), kl="closed"),
        ValueError,
        r"KL\(Transformed \|\| StandardNormal\), of PlanarInferenceNetwork and StandardNormalPrior, has no closed form",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_depths_are_options_by_name():
    vae = small_vae(latent_type="spline", latent_options={**FLOWS, "flow_length": 3, "bins": 5, "hidden_sizes": [6, 7]})
    steps = list(vae.inference_net.flow._children.values())
    assert [step.bins for step in steps] == [5] * 3
    assert [step.flip for step in steps] == [False, True, False]
    assert [step.context_size for step in steps] == [3] * 3
