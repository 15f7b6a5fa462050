"""Models of data with labels."""

from itertools import cycle, islice

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.data import Dataset
from tests.helpers import MODES, assert_modes_agree_in_float64, nd, nd64, noise_for, pixels, set_mode, small_vae
from tests.tables import likelihoods
from tests.tables.posteriors import POSTERIORS
from tests.tables.priors import PRIORS
from tests.truths.linear_gaussian import SIGMA, LinearGaussian

Y, D, X = 3, 2, 5


def one_hot(classes, size=Y):
    return np.eye(size)[classes]


class PerClass:
    """A linear-Gaussian model, p(z | y) = N(m_y, s²) and p(x | z, y) = N(W z + u_y + b, σ²), whose evidence is known
    exactly for each class; with its exact posterior, or one ``wider`` by a factor."""

    def __init__(self, rng, wider=1.0):
        orthonormal = np.linalg.qr(rng.standard_normal((X, D)))[0]
        self.weight, self.std = orthonormal * [1.0, 1.5], np.array([0.7, 1.3])
        self.of_class, self.bias = rng.standard_normal((Y, X)), rng.standard_normal(X)
        self.mean = rng.standard_normal((Y, D))
        variance = 1 / ((self.weight**2).sum(0) / SIGMA**2 + 1 / self.std**2)
        gain = variance[:, None] * self.weight.T / SIGMA**2
        offset = self.mean * variance / self.std**2 - (self.of_class + self.bias) @ gain.T
        self.vae = gv.ConditionalVAE(
            LinearGaussian(X, 0), gv.GaussianInferenceNetwork(D, []), gv.ConditionalPrior(), label_size=Y
        )
        self.vae.initialize()
        self.vae.cast("float64")
        gv.ELBO(self.vae)(nd64(np.zeros((1, X))), None, nd64([0]))  # finds its sizes
        mean, std = self.vae.inference_net.mean_head[0], self.vae.inference_net.std_head[0]
        for parameter, values in (
            (self.vae.generator.mean.weight, np.hstack([self.weight, self.of_class.T])),
            (self.vae.generator.mean.bias, self.bias),
            (self.vae.prior.mean, self.mean),
            (self.vae.prior.log_std, np.broadcast_to(np.log(self.std), (Y, D))),
            (mean.weight, np.hstack([gain, offset.T])),
            (mean.bias, np.zeros(D)),
            (std.weight, np.zeros(std.weight.shape)),
            (std.bias, np.log(np.expm1(wider * np.sqrt(variance) - gv.inference.MIN_STD))),
        ):
            parameter.set_data(nd64(values))

    def evidence(self, label):
        covariance = (self.weight * self.std**2) @ self.weight.T + SIGMA**2 * np.eye(X)
        return scipy.stats.multivariate_normal(
            self.bias + self.of_class[label] + self.weight @ self.mean[label], covariance
        )

    def draw(self, rng, labels):
        data = np.stack([self.evidence(label).rvs(random_state=rng) for label in labels])
        return data, np.array([self.evidence(label).logpdf(x) for x, label in zip(data, labels)])


LABELS = np.array([0, 2, 1, 1, 2, 0, 1])


@pytest.mark.parametrize("mode", MODES)
def test_bounds_are_the_evidence_of_the_class_where_q_is_exact(mode, rng):
    model = PerClass(rng)
    data, evidence = model.draw(rng, LABELS)
    for bound in (gv.ELBO(model.vae, kl="sampled"), gv.IWAE(model.vae, samples=3), gv.Renyi(model.vae, samples=3)):
        set_mode(bound, mode)
        values = bound(nd64(data), noise_for(rng, bound, 7, "float64"), nd64(one_hot(LABELS)))
        np.testing.assert_allclose(values.asnumpy(), evidence, rtol=1e-10)
        # of another class they are not
        wrong = bound(nd64(data), noise_for(rng, bound, 7, "float64"), nd64(one_hot((LABELS + 1) % 3)))
        assert abs(wrong.asnumpy() - evidence).max() > 0.1


def test_estimates_reach_the_evidence_of_the_class(rng):
    model = PerClass(rng, wider=1.5)
    data, evidence = model.draw(rng, LABELS)
    images = Dataset(data, binarization="none", labels=LABELS)
    # pixels are held as float32
    estimate = gv.log_marginal_likelihood(model.vae, images, samples=20_000)
    np.testing.assert_allclose(estimate.log_likelihood, evidence, atol=0.05)
    repeated = Dataset(np.tile(data, (500, 1)), binarization="none", labels=np.tile(LABELS, 500))
    # KL(q || p(z | x, y)), the same for each row; one draw has a standard deviation of 1.25
    gap = D * ((1.5**2 - 1) / 2 - np.log(1.5))
    bound = gv.evaluate(gv.ELBO(model.vae), repeated).bound
    np.testing.assert_allclose(bound, evidence.mean() - gap, rtol=0, atol=5 * 1.25 / np.sqrt(500 * len(data)))


def test_draws_are_those_of_the_class(rng):
    model, label = PerClass(rng), 2
    draws = model.vae.phantasize(20_000, noise=nd64(rng.standard_normal((20_000, D))), label=label).asnumpy()
    exact = model.evidence(label)
    error = np.sqrt(np.diag(exact.cov) / 20_000)
    assert (abs(draws.mean(0) - exact.mean) < 4 * error).all()
    np.testing.assert_allclose(np.cov(draws.T), exact.cov, atol=0.06)


def binary_batches(rng, bound):
    for batch in (1, 7, 64, 7):
        label = one_hot(rng.integers(0, Y, batch))
        yield pixels(rng, batch).astype("float64"), noise_for(rng, bound, batch, "float64"), nd64(label)


@pytest.mark.parametrize("bound", [gv.ELBO, gv.IWAE, gv.FreeBitsELBO, gv.InfoVAE, lambda vae: gv.BetaTC(vae, 100)])
def test_both_modes(bound, rng):
    vae = small_vae(label_size=Y, prior="conditional")
    vae.cast("float64")
    bound = bound(vae)
    assert_modes_agree_in_float64(bound, list(binary_batches(rng, bound)))


# test_combinations.py has every pair of them, with labels and without
KINDS = list(likelihoods.ROWS), list(POSTERIORS), [*PRIORS, "conditional"]
COMBINATIONS = list(islice(zip(*map(cycle, KINDS)), max(map(len, KINDS))))


@pytest.mark.parametrize(("likelihood", "posterior", "prior"), COMBINATIONS)
def test_any_parts(likelihood, posterior, prior, rng):
    row, (latent_type, latent_options) = likelihoods.ROWS[likelihood], POSTERIORS[posterior]
    vae = small_vae(
        likelihood=row.name,
        likelihood_options=row.options,
        latent_type=latent_type,
        latent_options=latent_options,
        prior=prior,
        prior_options=PRIORS[prior][0] if prior in PRIORS else {},
        data_dims=likelihoods.X,
        label_size=Y,
    )
    if row.adapted:
        vae.adapt(likelihoods.training_data(likelihoods.X))
    data, bound = nd(row.data(rng, 5, likelihoods.X)), gv.IWAE(vae, samples=2)
    noise = noise_for(rng, bound, 5)
    imperative = bound(data, noise, nd(one_hot([0, 1, 2, 2, 1])))
    bound.hybridize(static_alloc=True, static_shape=True)
    # classes and one-hot rows are the same
    np.testing.assert_allclose(bound(data, noise, nd([0, 1, 2, 2, 1])).asnumpy(), imperative.asnumpy(), rtol=1e-4)
    assert vae.generate_reconstructions(data, 2, label=[0, 1, 2, 2, 1]).shape == (2, 5, likelihoods.X)
    vae.generator.check_support("draws", vae.phantasize(3, label=[0, 2, 1]).asnumpy())


def test_saved_and_loaded(tmp_path, rng):
    vae, other = (small_vae(label_size=Y, prior="conditional") for _ in range(2))
    data, label = pixels(rng, 7), nd(one_hot(LABELS))
    noise = nd(rng.standard_normal((7, 4)))
    before = vae(data, noise, label)
    vae.save_parameters(str(tmp_path / "model.params"))
    other.load_parameters(str(tmp_path / "model.params"))
    for got, want in zip(other(data, noise, label), before):
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())


def test_the_label_tells_what_is_drawn(rng):
    """Of the digits that a trained model makes up for a label, the nearest class mean says which they are."""
    train, valid, _ = gv.data.load("digits")
    vae = gv.construct_vae(label_size=10, latent_variable_size=20)
    vae.initialize()
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    history = gv.fit(bound, train, valid, epochs=8, batch_size=100, learning_rate=2e-3, progress=False)
    assert history["valid_bound"][-1] > history["valid_bound"][0] + 20
    means = np.stack([train.pixels[train.labels == label].mean(0) for label in range(10)]) / 255
    wanted = np.repeat(np.arange(10), 20)
    images = vae.phantasize(200, "mean", label=wanted).asnumpy()
    nearest = ((images[:, None] - means) ** 2).sum(-1).argmin(1)
    assert (nearest == wanted).mean() > 0.4  # 0.1 by chance, and 0.8 of real digits


class TestErrors:
    vae_of = staticmethod(lambda **changes: small_vae(label_size=Y, **changes))

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda vae, x: vae(x), TypeError, r"label is missing: ConditionalVAE takes the data and its labels"),
            (lambda vae, x: gv.ELBO(vae)(x), TypeError, "label is missing"),
            (lambda vae, x: vae(x, label=[0, 1, 3]), ValueError, "whole numbers from 0 to 2, got .* from 0 to 3"),
            (
                lambda vae, x: vae(x, label=[0, 1, -1]),
                ValueError,
                "1 of 3 labels are missing: leave these data points out",
            ),
            (lambda vae, x: vae(x, label=[0, 0.5, 1]), ValueError, "whole numbers from 0 to 2, got float64"),
            (lambda vae, x: vae(x, label=[0, 1]), ValueError, r"shape \(3,\) or \(3, 3\), got \(2,\)"),
            (lambda vae, x: vae(x, label=nd(np.ones((3, 4)))), ValueError, r"label must have shape \(3, 3\), got"),
            (lambda vae, x: vae.phantasize(2), TypeError, "label is missing: which class of the 3"),
            (lambda vae, x: vae.phantasize(2, label=3), ValueError, "whole numbers from 0 to 2"),
            (lambda vae, x: gv.fit(gv.ELBO(vae), x.asnumpy()), ValueError, "train has no labels, and ConditionalVAE"),
            (
                lambda vae, x: gv.evaluate(gv.ELBO(vae), Dataset(x.asnumpy(), labels=[0, 1, 7])),
                ValueError,
                "whole numbers from 0 to 2, got int64 from 0 to 7",
            ),
        ],
    )
    def test_labels(self, call, error, message, rng):
        with pytest.raises(error, match=message):
            call(self.vae_of(), pixels(rng, 3))

    def test_a_model_without_labels(self, rng):
        for call in (
            lambda vae, x: vae(x, label=[0]),
            lambda vae, x: gv.ELBO(vae)(x, label=[0]),
            lambda vae, x: vae.phantasize(1, label=0),
            lambda vae, x: vae.generate_reconstructions(x, 1, label=[0]),
        ):
            with pytest.raises(TypeError, match="GaussianVAE takes no label, got one: ConditionalVAE takes labels"):
                call(small_vae(), pixels(rng, 1))

    def test_parts_that_do_not_fit(self):
        net, generator = gv.GaussianInferenceNetwork(4, [5], data_dims=15), gv.ProductOfBernoullisGenerator(12, [5])
        with pytest.raises(ValueError, match="data_dims is 12 in the generator and 15 in the inference network"):
            gv.ConditionalVAE(generator, net, label_size=Y)
        generator = gv.ProductOfBernoullisGenerator(12, [5], latent_variable_size=7)
        with pytest.raises(ValueError, match="latent_variable_size is 7 in the generator and 4 in the inference net"):
            gv.ConditionalVAE(generator, gv.GaussianInferenceNetwork(4, [5]), label_size=Y)
        with pytest.raises(ValueError, match="ConditionalPrior is a prior for each label: use ConditionalVAE"):
            small_vae(prior="conditional")

    def test_sizes_are_those_of_the_data_and_the_latent_state(self, rng):
        """X and D, without the label."""
        net, generator = (
            gv.GaussianInferenceNetwork(4, [5], data_dims=12),
            gv.ProductOfBernoullisGenerator(12, [5], "tanh", 4),
        )
        vae = gv.ConditionalVAE(generator, net, label_size=Y)
        vae.initialize()
        assert net.body[0].weight.shape == (5, 12 + Y)
        assert generator.body[0].weight.shape == (5, 4 + Y)
        assert vae(pixels(rng, 3), label=[0, 1, 2])[0].shape == (3,)


@pytest.mark.parametrize("mode", MODES)
def test_a_label_is_not_transformed_with_the_data(mode, rng):
    """Counts are seen as log(1 + x); a condition of any numbers beside them stays as it is."""
    net = gv.GaussianInferenceNetwork(2, [])
    vae = gv.ConditionalVAE(gv.PoissonGenerator(5, []), net, label_size=2)
    vae.initialize()
    data, label = nd(rng.integers(0, 9, (4, 5))), nd([[-3, 0.5], [2, -1], [0, -7], [1, 1]])
    set_mode(vae, mode)
    log_likelihood, kl = vae(data, nd(np.zeros((4, 2))), label)
    assert np.isfinite(log_likelihood.asnumpy()).all()
    assert np.isfinite(kl.asnumpy()).all()
    weight, bias = (p.data().asnumpy() for p in (net.mean_head[0].weight, net.mean_head[0].bias))
    seen = np.concatenate([np.log1p(data.asnumpy()), label.asnumpy()], axis=1)
    np.testing.assert_allclose(net(data, label)[0].asnumpy(), seen @ weight.T + bias, rtol=1e-5, atol=1e-6)
