"""Every prior of the table: densities against its truth, draws against densities, likelihoods against quadrature."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.backend.structures import map_structure
from tests.helpers import draw, nd, pixels
from tests.tables.priors import LEARNED, PRIORS, distribution, vae_with


def test_every_prior_has_a_row():
    # those of labels, layers and codes are in files of their own, those of codebooks in models/test_vector_quantized.py
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

    draws = distribution(vae).sample(draw(rng, vae.prior.noise, (20_000,))).asnumpy()
    counts, expected = np.histogram2d(*draws.T, edges)[0], len(draws) * probabilities
    many = expected > 10
    # what falls into cells of few is one cell
    observed, expected = [*counts[many], len(draws) - counts[many].sum()], [*expected[many], expected[~many].sum()]
    expected = np.array(expected) * len(draws) / sum(expected)
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize("name", PRIORS)
def test_draws_of_any_leading_axes_are_those_of_one(name, rng):
    vae = vae_with(name, rng)
    noise = draw(rng, vae.prior.noise, (3, 7))
    prior = distribution(vae)
    draws = prior.sample(noise)
    assert draws.shape == (3, 7, 4)
    np.testing.assert_allclose(
        draws[2].asnumpy(), prior.sample(map_structure(lambda part: part[2], noise)).asnumpy(), rtol=1e-5, atol=1e-6
    )


def test_phantasies_are_images_of_draws(rng):
    for name in PRIORS:
        vae = vae_with(name, rng)
        noise = draw(rng, vae.prior.noise, (6,))
        expected = vae.generator.generate_mean(distribution(vae).sample(noise))
        np.testing.assert_array_equal(vae.phantasize(6, "mean", noise).asnumpy(), expected.asnumpy())
        assert vae.phantasize(3).shape == (3, 12)


@pytest.mark.parametrize("name", ["mixture", "vamp", "real_nvp"])
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
    needed = {"latent_variable_size": 4} if name == "real_nvp" else {}
    prior = gv.prior.PRIORS[name](**needed, **PRIORS[name][0])
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [6]), gv.GaussianInferenceNetwork(4, [6]), prior)
    vae.initialize()
    if hybrid:
        vae.hybridize()
    assert vae.phantasize(3).shape == (3, 12)
    assert gv.IWAE(vae, samples=2)(pixels(rng, 7)).shape == (7,)
    assert all(0 not in parameter.shape for parameter in prior.collect_params().values())
