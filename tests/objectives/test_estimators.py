"""Estimators of the gradient: what they are sample by sample, and in expectation, by NumPy."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

import gluonvae as gv
from tests.tables.bounds import IMPORTANCE_WEIGHTED, SAMPLES
from tests.truths.linear_gaussian import SIGMA, Truth, gradients, log_weights, row_by_row


def of_groups(log_weight, groups):
    return log_weight.reshape(-1, groups, log_weight.shape[-1])


def in_groups(log_weight, groups):
    return softmax(of_groups(log_weight, groups), axis=0).reshape(log_weight.shape) / groups


def mixed(share, beta):
    return beta / len(share) + (1 - beta) * share


def renyi(alpha):
    def shares(w):
        return softmax((1 - alpha) * w, axis=0)

    return shares, shares, lambda w: shares(w) * (alpha + (1 - alpha) * shares(w))


def iwae(w):
    return softmax(w, axis=0)


# name: of log weights (k, B), by what the gradient of each is multiplied: in the generator; in the posterior,
# where the gradient is the plain one or sticks the landing; and where it is doubly reparametrised
FACTORS = {
    "IWAE": (iwae, iwae, lambda w: iwae(w) ** 2),
    "Renyi, 0.5": renyi(0.5),
    "Renyi, -1": renyi(-1),
    "Renyi, 1": renyi(1),
    "MIWAE": (lambda w: in_groups(w, 2), lambda w: in_groups(w, 2), lambda w: 2 * in_groups(w, 2) ** 2),
    "PIWAE": (iwae, lambda w: in_groups(w, 2), lambda w: 2 * in_groups(w, 2) ** 2),
    "CIWAE": (lambda w: mixed(iwae(w), 0.3), lambda w: mixed(iwae(w), 0.3), lambda w: mixed(iwae(w) ** 2, 0.3)),
}


@pytest.mark.parametrize("gradient", ["standard", "stl", "dreg"])
@pytest.mark.parametrize("name", FACTORS)
def test_each_sample_counts_for_what_theory_says(name, gradient, rng):
    truth, rows = Truth(rng, 5, 2), 7
    data, noise = rng.standard_normal((rows, 5)), rng.standard_normal((SAMPLES, rows, 2))
    mean, std = truth.mean(data) + 0.4, 1.5 * truth.std
    bound = IMPORTANCE_WEIGHTED[name](row_by_row(truth, data, mean, std), gradient=gradient)
    z, weights = mean + std * noise, log_weights(noise, data, truth.weight, truth.bias, mean, std)
    assert 0.3 < softmax(weights, axis=0).max(0).mean() < 0.95
    residual = (data - z @ truth.weight.T - truth.bias) / SIGMA**2
    of_generator, plain, doubly = FACTORS[name]
    share = of_generator(weights)[..., None]
    # of log p(x | z) + log p(z), and of -log q(z): through z alone, or also in the parameters of q
    in_z = residual @ truth.weight - z
    if gradient == "standard":
        by_mean, by_std = in_z, in_z * noise + 1 / std
    else:
        by_mean, by_std = in_z + noise / std, (in_z + noise / std) * noise
    factor = (doubly if gradient == "dreg" else plain)(weights)[..., None]
    expected = (
        np.einsum("kbx,kbd->xd", share * residual, z),
        (share * residual).sum((0, 1)),
        (factor * by_mean).sum(0),
        (factor * by_std).sum(0),
    )
    for got, want in zip(gradients(bound, data, noise), expected):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)


def grid(points):
    """Gauss-Hermite quadrature in two dimensions: noise ``(2, points**2, 1)``, and the weights of its rows."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    weights = weights / weights.sum()
    return np.stack(np.meshgrid(nodes, nodes)).reshape(2, -1, 1), np.outer(weights, weights).ravel()


def differences(function, parameters, step=1e-5):
    """The gradient of a number by central differences."""
    parameters = [values.copy() for values in parameters]
    result = [np.zeros(values.shape) for values in parameters]
    for values, gradient in zip(parameters, result):
        for place in np.ndindex(values.shape):
            here, sides = values[place], []
            for sign in (1, -1):
                values[place] = here + sign * step
                sides.append(function(*parameters))
            values[place] = here
            gradient[place] = (sides[0] - sides[1]) / (2 * step)
    return result


def renyi_value(alpha):
    return lambda w: (logsumexp((1 - alpha) * w, axis=0) - np.log(2)) / (1 - alpha)


def iwae_value(w):
    return logsumexp(w, axis=0) - np.log(len(w))


# name: (makes the bound of two samples, its value of log weights (2, B), the estimators without a bias)
OF_TWO = {
    "ELBO": (
        lambda vae, g: gv.ELBO(vae, samples=2, kl="sampled", gradient=g),
        lambda w: w.mean(0),
        ("standard", "stl"),
    ),
    "IWAE": (lambda vae, g: gv.IWAE(vae, 2, g), iwae_value, ("standard", "dreg")),
    "Renyi, 0.5": (lambda vae, g: gv.Renyi(vae, 0.5, 2, g), renyi_value(0.5), ("standard", "dreg")),
    "Renyi, 2": (lambda vae, g: gv.Renyi(vae, 2, 2, g), renyi_value(2), ("standard", "dreg")),
    "Renyi, -1": (lambda vae, g: gv.Renyi(vae, -1, 2, g), renyi_value(-1), ("standard", "dreg")),
    "Renyi, 1": (lambda vae, g: gv.Renyi(vae, 1, 2, g), lambda w: w.mean(0), ("standard", "stl", "dreg")),
    "MIWAE, 1 group": (lambda vae, g: gv.MIWAE(vae, 2, 1, g), iwae_value, ("standard", "dreg")),
    "MIWAE, 2 groups": (lambda vae, g: gv.MIWAE(vae, 2, 2, g), lambda w: w.mean(0), ("standard", "stl", "dreg")),
    "CIWAE": (
        lambda vae, g: gv.CIWAE(vae, 0.3, 2, g),
        lambda w: 0.3 * w.mean(0) + 0.7 * iwae_value(w),
        ("standard", "dreg"),
    ),
}


class Tiny:
    """One latent variable, a data point of two values, and a posterior that is not the exact one."""

    def __init__(self, rng):
        self.truth = Truth(rng, 2, 1)
        self.data = rng.standard_normal((1, 2))
        self.mean, self.std = self.truth.mean(self.data)[0] + 0.25 * self.truth.std, 1.25 * self.truth.std
        self.noise, self.weights = grid(80)
        self.rows = np.repeat(self.data, len(self.weights), axis=0)
        self.vae = row_by_row(self.truth, self.rows, self.mean, self.std)

    def expected_gradient(self, bound):
        """The expectation of the estimator, by quadrature."""
        *generator, mean, std = gradients(bound, self.rows, self.noise, self.weights)
        return [*generator, mean.sum(0), std.sum(0)]

    def gradient_of_expectation(self, value):
        def expectation(*parameters):
            return self.weights @ value(log_weights(self.noise, self.data, *parameters))

        return differences(expectation, [self.truth.weight, self.truth.bias, self.mean, self.std])


@pytest.mark.parametrize(("name", "gradient"), [(name, g) for name, row in OF_TWO.items() for g in row[2]])
def test_expected_gradient_is_that_of_the_expected_bound(name, gradient, rng):
    tiny, (make, value, _) = Tiny(rng), OF_TWO[name]
    expected = tiny.gradient_of_expectation(value)
    assert all(abs(part).max() > 1e-3 for part in expected)
    for got, want in zip(tiny.expected_gradient(make(tiny.vae, gradient)), expected):
        np.testing.assert_allclose(got, want, atol=2e-7)


@pytest.mark.parametrize("gradient", ["standard", "stl", "dreg"])
def test_piwae_is_iwae_for_the_generator_and_miwae_for_the_inference_network(gradient, rng):
    tiny = Tiny(rng)
    of_iwae, of_elbo = (tiny.gradient_of_expectation(value) for value in (iwae_value, lambda w: w.mean(0)))
    got = tiny.expected_gradient(gv.PIWAE(tiny.vae, samples=2, groups=2, gradient=gradient))
    for one, want in zip(got, [*of_iwae[:2], *of_elbo[2:]]):
        np.testing.assert_allclose(one, want, atol=2e-7)
    assert abs(of_iwae[2] - of_elbo[2]).max() > 0.01


def test_sticking_the_landing_is_biased_for_more_than_one_sample(rng):
    """As the docstring says: the score that it leaves out has no expectation 0 there."""
    tiny = Tiny(rng)
    got, want = tiny.expected_gradient(gv.IWAE(tiny.vae, 2, "stl")), tiny.gradient_of_expectation(iwae_value)
    np.testing.assert_allclose(got[0], want[0], atol=2e-7)
    assert abs(got[3] - want[3]).max() > 0.01
