"""Imputation against what is known exactly: of a linear Gaussian model, and of one with few latent states that matter."""

from itertools import cycle

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from tests.helpers import nd, set_mode, small_vae
from tests.helpers.missing import with_holes
from tests.tables import parts
from tests.truths.missing import Truth, set_to_prior

X, D, ROWS, SAMPLES = 8, 2, 40, 10_000
SHARES = (0.1, 0.5, 0.9)


@pytest.fixture
def truth(rng):
    return Truth(rng, X, D)


def standard_errors(truth, vae, data):
    """Of a self-normalised estimate of E[x | x_o], ``(N, X)``, and of log p(x_o), ``(N,)``, by the exact moments of the
    weights (Owen 2013, equations 9.7 and 9.3); infinite where those have no variance."""
    posteriors = zip(*(parameter.asnumpy().astype("float64") for parameter in vae.inference_net(nd(data))))
    of_rows = [truth.variances(row, *posterior) for row, posterior in zip(data.astype("float64"), posteriors)]
    of_mean, of_weight = map(np.array, zip(*of_rows))
    return np.sqrt(of_mean / SAMPLES), np.sqrt(of_weight / SAMPLES)


@pytest.mark.parametrize("share", SHARES)
def test_the_mean_is_that_of_a_linear_gaussian_model(share, truth, rng):
    data = with_holes(rng, truth.draw(rng, ROWS), share).astype(np.float32)
    vae, missing = truth.model(), np.isnan(data)
    imputed = vae.impute(data, samples=SAMPLES)
    np.testing.assert_array_equal(imputed[~missing], data[~missing])
    error, _ = standard_errors(truth, vae, data)
    distance = ((imputed - truth.imputed(data.astype("float64"))) / error)[missing]
    # standard normal, but for rows that share their draws: their mean square is 1 +- sqrt(2 / (40 * 2))
    assert abs(distance).max() < 5
    assert 0.4 < np.mean(distance**2) < 1.8


@pytest.mark.parametrize("share", SHARES)
def test_the_likelihood_is_that_of_what_is_observed(share, truth, rng):
    data = with_holes(rng, truth.draw(rng, ROWS), share).astype(np.float32)
    vae = truth.model()
    estimate = gv.log_marginal_likelihood(vae, data, samples=SAMPLES).log_likelihood
    _, error = standard_errors(truth, vae, data)
    # that of a row without any observed value is 0 to the rounding of a float32
    distance = (estimate - truth.log_evidence(data.astype("float64"))) / (error + 1e-5)
    assert abs(distance).max() < 5
    some = ~np.isnan(data).all(axis=1)
    assert 0.3 < np.mean(distance[some] ** 2) < 2


def test_with_a_posterior_that_was_trained(truth, rng):
    """Weights correct what a network has not learnt, and its draws are nearer than those of the prior."""
    everything = with_holes(rng, truth.draw(rng, 4000), 0.5).astype(np.float32)
    data, vae = everything[:ROWS], truth.model([50])
    of_prior, _ = standard_errors(truth, vae, data)
    bound = gv.ObservedIWAE(vae, samples=5)
    before = gv.evaluate(bound, data).bound
    steps = 20 * len(everything) // 50
    options = {"epochs": 20, "batch_size": 50, "learning_rate": lambda step: 1e-2 * (1 - step / steps)}
    gv.fit(bound, everything, **options, progress=False)
    after = gv.evaluate(bound, data).bound
    assert before + 1 < after < truth.log_evidence(data.astype("float64")).mean() + 0.05
    np.testing.assert_array_equal(vae.generator.mean_head.weight.data().asnumpy(), truth.weight.astype(np.float32))
    missing, (error, _) = np.isnan(data), standard_errors(truth, vae, data)
    assert np.median(error[missing]) < 0.7 * np.median(of_prior[missing])
    known = missing & np.isfinite(error)
    assert known.sum() > 0.5 * missing.sum()
    distance = (vae.impute(data, samples=SAMPLES) - truth.imputed(data.astype("float64")))[known] / error[known]
    assert abs(distance).max() < 5
    assert np.mean(distance**2) < 1.8


def test_draws_follow_the_exact_conditional(truth, rng):
    row = truth.draw(rng, 1).astype(np.float32)
    row[0, [1, 4, 6]] = np.nan
    draws = truth.model().impute(row, samples=100_000, draws=4000, memory=2000)[:, 0]
    missing = np.isnan(row[0])
    assert draws.shape == (4000, X)
    assert (draws[:, ~missing] == row[0, ~missing]).all()
    exact = row[0].astype("float64")
    mean, covariance = truth.imputed(exact[None])[0, missing], truth.conditional_covariance(exact)
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), (draws[:, missing] - mean).T)
    for column in whitened:
        assert scipy.stats.kstest(column, "norm").pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(whitened), np.eye(3), atol=4.5 / np.sqrt(4000))


def test_zeros_and_ones(rng):
    """p(x_m = 1 | x_o) by sums over a grid of the one latent variable."""
    vae = small_vae(
        likelihood_options={"missing": True}, generator_layer_sizes=[], infer_layer_sizes=[], latent_variable_size=1
    )
    weight, bias = 2 * rng.standard_normal((12, 1)), rng.standard_normal(12)
    vae.generator.logits_head.weight.set_data(nd(weight))
    vae.generator.logits_head.bias.set_data(nd(bias))
    set_to_prior(vae.inference_net)
    p = scipy.special.expit(rng.standard_normal((20, 1)) @ weight.T + bias)
    data = with_holes(rng, (rng.random((20, 12)) < p).astype(float), 0.5)
    z = np.linspace(-8, 8, 4001)[:, None]
    logits = z @ weight.T + bias
    # (4001, 20), where z lies for each row
    log_likelihood = np.nansum(scipy.special.log_expit((2 * data - 1) * logits[:, None]), axis=-1)
    posterior = scipy.special.softmax(log_likelihood + scipy.stats.norm.logpdf(z), axis=0)
    exact = posterior.T @ scipy.special.expit(logits)
    missing = np.isnan(data)
    imputed = vae.impute(data, samples=20_000)
    np.testing.assert_allclose(imputed[missing], exact[missing], atol=0.02)
    np.testing.assert_array_equal(imputed[~missing], data[~missing])
    draws = vae.impute(data, samples=2000, draws=2000)
    assert draws.shape == (2000, 20, 12)
    assert set(np.unique(draws)) == {0, 1}
    np.testing.assert_allclose(draws.mean(axis=0)[missing], exact[missing], atol=0.08)


@pytest.mark.parametrize("draws", [None, 7])
@pytest.mark.parametrize("memory", [1e-3, 0.05, 100])
def test_same_numbers_whatever_the_memory_and_the_mode(memory, draws, truth, rng):
    data = with_holes(rng, truth.draw(rng, 13), 0.5)
    vae = truth.model()
    expected = vae.impute(data, samples=300, draws=draws, seed=4)
    np.testing.assert_allclose(vae.impute(data, samples=300, draws=draws, seed=4, memory=memory), expected, rtol=1e-4)
    assert abs(vae.impute(data, samples=300, draws=draws, seed=5) - expected).max() > 1e-3
    set_mode(vae, "static_shape")
    np.testing.assert_allclose(vae.impute(data, samples=300, draws=draws, seed=4), expected, rtol=1e-4)


TAKE_MISSING = [name for name, row in parts.LIKELIHOODS.items() if parts.takes_missing(row)]


@pytest.mark.parametrize(("likelihood", "labels"), zip(TAKE_MISSING, cycle(["without labels", "conditional"])))
def test_every_likelihood(likelihood, labels, rng):
    """What is drawn is in the support; nothing is missing any more, and what was observed is as it was."""
    vae = parts.model(likelihood, labels=labels, values="missing values")
    images = with_holes(rng, parts.LIKELIHOODS[likelihood].data(rng, 5, 18), 0.4).astype(np.float32)
    data = gv.data.Dataset(images, labels=None if labels == "without labels" else [0, 1, 2, 0, 1], binarization="none")
    observed = vae.generator.observed(nd(images)).asnumpy() == 1
    for imputed in (vae.impute(data, samples=20), vae.impute(data, samples=20, draws=3)):
        assert imputed.shape[-2:] == (5, 18)
        assert np.isfinite(imputed).all()
        np.testing.assert_array_equal(*np.broadcast_arrays(imputed[..., observed], images[observed]))
    for draw in imputed:
        vae.generator.check_support("draws", draw)


def test_errors(truth, rng):
    data, vae = with_holes(rng, truth.draw(rng, 3), 0.5), truth.model()
    with pytest.raises(ValueError, match=r"impute is of a model that takes missing values, .* with missing=True"):
        small_vae().impute(np.zeros((3, 12)))
    with pytest.raises(ValueError, match="samples must be positive, got 0"):
        vae.impute(data, samples=0)
    with pytest.raises(ValueError, match="draws must be positive, got 0"):
        vae.impute(data, draws=0)
    with pytest.raises(ValueError, match="memory must be positive, got -1"):
        vae.impute(data, memory=-1)
    with pytest.raises(ValueError, match="data must be images of 8 values each, got 3 of 7"):
        vae.impute(data[:, :7])
    with pytest.raises(ValueError, match="sums labels out, and has no importance weights"):
        parts.model(labels="semi-supervised", values="missing values").impute(np.zeros((3, 18)))
    codes = parts.model(posterior="vector_quantized", prior="codebook", values="missing values")
    with pytest.raises(ValueError, match=r"every sample of .* is the same: take generate_reconstructions"):
        codes.impute(np.zeros((3, 18)))
    vae.generator.mean_head.bias.set_data(nd(np.full(8, np.nan)))
    with pytest.raises(FloatingPointError, match=r"mean_head\.bias of the model is not finite"):
        vae.impute(data)
