"""What bounds are worth: against the evidence of a linear-Gaussian model, against each other, and against
NumPy by hand."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from bounds import BOUNDS
from conftest import nd, small_vae
from linear_gaussian import SIGMA, linear_gaussian, row_by_row

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives.info import maximum_mean_discrepancy


def nd64(values):
    return nd(values, "float64")


def numbers(*tensors):
    return [tensor.asnumpy() for tensor in tensors]


# Every bound but for those with a closed-form term, whose bound holds on average alone.
EXACT = [
    name
    for name in BOUNDS
    if "stl" in name or "sampled" in name or "BetaTC" in name or "IWAE" in name or "Renyi" in name or name == "VIMCO"
]


@pytest.mark.parametrize("name", EXACT)
def test_the_evidence_where_q_is_exact_whatever_the_noise(name, rng):
    vae, truth = linear_gaussian(rng)
    data = truth.evidence.rvs(7, random_state=rng)
    bound = BOUNDS[name](vae)
    terms = bound.terms(nd64(data), nd64(rng.standard_normal(bound.noise_shape(7))))
    np.testing.assert_allclose(terms.bound.asnumpy(), truth.evidence.logpdf(data), rtol=1e-10)
    np.testing.assert_allclose((terms.log_likelihood - terms.kl).asnumpy(), truth.evidence.logpdf(data), rtol=1e-10)


@pytest.mark.parametrize("name", [name for name in BOUNDS if name not in EXACT])
def test_the_evidence_on_average_where_q_is_exact(name, rng):
    vae, truth = linear_gaussian(rng)
    data = np.repeat(truth.evidence.rvs(1, random_state=rng)[None], 1000, axis=0)
    bound = BOUNDS[name](vae)
    values = bound.terms(nd64(data), nd64(rng.standard_normal(bound.noise_shape(1000)))).bound.asnumpy()
    assert abs(values.mean() - truth.evidence.logpdf(data[0])) < 4 * values.std() / np.sqrt(1000)
    assert values.std() > 0.01


def test_elbo_below_iwae_below_evidence_rising_with_samples(rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data = truth.evidence.rvs(1, random_state=rng)
    many, noise = nd64(np.repeat(data[None], 20_000, axis=0)), nd64(rng.standard_normal((32, 20_000, 2)))
    # KL of q to the exact posterior, whose mean it has
    gap = 2 * (1.7**2 / 2 - 0.5 - np.log(1.7))
    evidence = truth.evidence.logpdf(data)
    means, errors = [], []
    for samples in (1, 2, 8, 32):
        values = gv.IWAE(vae, samples)(many, noise[:samples] if samples > 1 else noise[0]).asnumpy()
        means.append(values.mean())
        errors.append(values.std() / np.sqrt(len(values)))
    assert abs(means[0] - (evidence - gap)) < 4 * errors[0]
    for low, high, error in zip(means, [*means[1:], evidence], errors):
        assert low + 4 * error < high


def test_renyi_falls_with_its_order(rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data, noise = nd64(truth.evidence.rvs(7, random_state=rng)), nd64(rng.standard_normal((50, 7, 2)))
    orders = (-2, 0, 0.5, 1, 2, 5)
    values = np.array([gv.Renyi(vae, alpha, 50)(data, noise).asnumpy() for alpha in orders])
    assert (np.diff(values, axis=0) < -1e-3).all()
    largest, smallest = (gv.Renyi(vae, alpha, 50)(data, noise).asnumpy() for alpha in (-1e5, 1e5))
    log_weight = sum(vae.log_weight(data, noise)).asnumpy()
    np.testing.assert_allclose(largest, log_weight.max(0), atol=1e-3)
    np.testing.assert_allclose(smallest, log_weight.min(0), atol=1e-3)


def sampled_elbo(vae, samples):
    return gv.ELBO(vae, samples=samples, kl="sampled")


# name: (one bound of six samples, another, how far their objectives may lie apart)
SAME = {
    "Renyi 0 is IWAE": (lambda vae: gv.Renyi(vae, 0, 6), lambda vae: gv.IWAE(vae, 6), 1e-11),
    "Renyi 1 is the ELBO": (lambda vae: gv.Renyi(vae, 1, 6), lambda vae: sampled_elbo(vae, 6), 1e-11),
    "Renyi near 1": (lambda vae: gv.Renyi(vae, 1 - 2e-4, 6), lambda vae: sampled_elbo(vae, 6), 1e-3),
    "Renyi near 1, above": (lambda vae: gv.Renyi(vae, 1 + 2e-4, 6), lambda vae: sampled_elbo(vae, 6), 1e-3),
    "MIWAE, 1 group": (lambda vae: gv.MIWAE(vae, 6, 1), lambda vae: gv.IWAE(vae, 6), 1e-11),
    "MIWAE, groups of 1": (lambda vae: gv.MIWAE(vae, 6, 6), lambda vae: sampled_elbo(vae, 6), 1e-11),
    "PIWAE": (lambda vae: gv.PIWAE(vae, 6, 2), lambda vae: gv.IWAE(vae, 6), 1e-11),
    "CIWAE 0": (lambda vae: gv.CIWAE(vae, 0, 6), lambda vae: gv.IWAE(vae, 6), 1e-11),
    "CIWAE 1": (lambda vae: gv.CIWAE(vae, 1, 6), lambda vae: sampled_elbo(vae, 6), 1e-11),
    "beta-TC": (lambda vae: gv.BetaTC(vae, 99, 1, 1, 1, 6), lambda vae: sampled_elbo(vae, 6), 1e-11),
    "free bits": (lambda vae: gv.FreeBitsELBO(vae, 0, 1, 6), lambda vae: gv.ELBO(vae, samples=6), None),
    "capacity 0": (lambda vae: gv.CapacityELBO(vae, 1, 0, 6), lambda vae: gv.ELBO(vae, samples=6), 1e-11),
    "estimators": (lambda vae: gv.IWAE(vae, 6, "dreg"), lambda vae: gv.IWAE(vae, 6, "stl"), 1e-11),
}


@pytest.mark.parametrize("name", SAME)
def test_limits_in_which_two_bounds_are_one(name, rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data, noise = nd64(truth.evidence.rvs(7, random_state=rng)), nd64(rng.standard_normal((6, 7, 2)))
    one, other, apart = SAME[name]
    (of_one, _, *terms), (of_other, _, *of_terms) = (numbers(*make(vae).terms(data, noise)) for make in (one, other))
    if apart is None:
        # the penalty is that of the whole batch
        of_one, of_other, apart = of_one.sum(), of_other.sum(), 1e-11
    np.testing.assert_allclose(of_one, of_other, atol=apart, rtol=0)
    for got, want in zip(terms, of_terms):
        np.testing.assert_allclose(got, want, rtol=1e-10)


def test_the_bound_of_a_negative_order_is_iwae(rng):
    vae, truth = linear_gaussian(rng, wider=1.7)
    data, noise = nd64(truth.evidence.rvs(7, random_state=rng)), nd64(rng.standard_normal((6, 7, 2)))
    terms = gv.Renyi(vae, -3, 6).terms(data, noise)
    np.testing.assert_allclose(terms.bound.asnumpy(), gv.IWAE(vae, 6)(data, noise).asnumpy(), rtol=1e-11)
    assert (terms.objective > terms.bound).asnumpy().all()


def test_miwae_is_the_mean_of_iwae_over_groups_and_so_are_its_gradients(rng):
    vae, data = small_vae(), nd64(rng.integers(0, 2, (7, 12)))
    vae.cast("float64")
    noise = rng.standard_normal((6, 7, 4))
    for gradient in ("standard", "stl", "dreg"):
        results = []
        for bounds, draws in (
            ([gv.MIWAE(vae, 6, 2, gradient)], [noise]),
            ([gv.IWAE(vae, 3, gradient)] * 2, [noise[::2], noise[1::2]]),
        ):
            with mx.autograd.record():
                value = sum(bound(data, nd64(draw)) for bound, draw in zip(bounds, draws)) / len(bounds)
            value.backward()
            results.append(numbers(value, *(p.grad() for p in vae.collect_params().values())))
        for got, want in zip(*results):
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-11)


def model_in_float64(rng, samples=1):
    """A model, data for it, noise, its posterior's means and standard deviations, and latent states."""
    vae, truth = linear_gaussian(rng, data_dims=5, latent_variable_size=4, wider=1.3)
    data = truth.evidence.rvs(7, random_state=rng)
    noise = rng.standard_normal((samples, 7, 4))
    mean, std = truth.mean(data), np.broadcast_to(1.3 * truth.std, (7, 4))
    latent_state = mean + std * noise
    predicted = latent_state @ truth.weight.T + truth.bias
    log_likelihood = scipy.stats.norm.logpdf(data, predicted, SIGMA).sum(-1).mean(0)
    return vae, data, noise, mean, std, latent_state, log_likelihood


def kl_by_variable(mean, std):
    return 0.5 * (mean**2 + std**2 - 1) - np.log(std)


def test_capacity_by_hand(rng):
    vae, data, noise, mean, std, _, log_likelihood = model_in_float64(rng, 3)
    kl, bound = kl_by_variable(mean, std).sum(-1), gv.CapacityELBO(vae, samples=3)
    target = float(np.median(kl)) + 0.01
    for bound.gamma, bound.capacity in ((2, target), (0.5, 0), (3, 100)):
        terms = bound.terms(nd64(data), nd64(noise))
        expected = log_likelihood - bound.gamma * abs(kl - bound.capacity)
        np.testing.assert_allclose(terms.objective.asnumpy(), expected, rtol=1e-10)
        np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl, rtol=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_free_bits_by_hand(groups, rng):
    vae, data, noise, mean, std, _, log_likelihood = model_in_float64(rng, 3)
    kl = kl_by_variable(mean, std)
    of_groups = kl.reshape(7, groups, -1).sum(-1).mean(0)
    bound = gv.FreeBitsELBO(vae, groups=groups, samples=3)
    for bound.free_bits, bound.beta in ((0, 1), (float(of_groups.mean()), 1), (float(of_groups.mean()), 0.3), (100, 1)):
        terms = bound.terms(nd64(data), nd64(noise))
        penalty = bound.beta * sum(max(bound.free_bits, one) for one in of_groups)
        np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - penalty, rtol=1e-9)
        np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl.sum(-1), rtol=1e-9)


def test_free_bits_have_no_gradient_below_the_threshold(rng):
    """Of each variable the gradient is that of the ELBO, above, or of the likelihood alone, below."""
    _, truth = linear_gaussian(rng, data_dims=5, latent_variable_size=4)
    data, noise = rng.standard_normal((7, 5)), rng.standard_normal((7, 4))
    mean, std = np.array([0.1, 1.0, 0.2, 2.0]), np.full(4, 0.9)
    vae = row_by_row(truth, data, mean, std)
    below = kl_by_variable(mean, std) < 0.25
    assert below.tolist() == [True, False, True, False]

    def gradient(bound):
        with mx.autograd.record():
            bound(nd64(data), nd64(noise)).backward()
        return np.stack(numbers(vae.inference_net.mean.grad(), vae.inference_net.std.grad()))

    elbo, likelihood = gradient(gv.ELBO(vae)), gradient(gv.ELBO(vae, beta=0))
    expected = np.where(below, likelihood, elbo)
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, 0.25)), expected, rtol=1e-9, atol=1e-11)
    assert abs(elbo - likelihood).min() > 1e-3


@pytest.mark.parametrize("samples", [1, 3])
def test_beta_tc_by_hand(samples, rng):
    vae, data, noise, mean, std, z, log_likelihood = model_in_float64(rng, samples)
    size, (alpha, beta, gamma) = 1000, (0.3, 2.5, 1.7)
    expected = np.zeros((samples, 7))
    for s in range(samples):
        for i in range(7):
            # log q(z_d | x_j), of shape (j, d)
            of_each = np.array(
                [[scipy.stats.norm.logpdf(z[s, i, d], mean[j, d], std[j, d]) for d in range(4)] for j in range(7)]
            )
            joint = np.log(np.exp(of_each.sum(1)).sum() / (size * 7))
            marginals = [np.log(np.exp(of_each[:, d]).sum() / (size * 7)) for d in range(4)]
            information, correlation = of_each[i].sum() - joint, joint - sum(marginals)
            by_variable = sum(marginals[d] - scipy.stats.norm.logpdf(z[s, i, d]) for d in range(4))
            expected[s, i] = alpha * information + beta * correlation + gamma * by_variable
    bound = gv.BetaTC(vae, size, alpha, beta, gamma, samples)
    got = bound(nd64(data), nd64(noise if samples > 1 else noise[0])).asnumpy()
    np.testing.assert_allclose(got, log_likelihood - expected.mean(0), rtol=1e-9)


def inverse_multiquadratic(x, y, scale):
    return scale / (scale + ((x - y) ** 2).sum())


@pytest.mark.parametrize("samples", [1, 3])
def test_info_by_hand(samples, rng):
    vae, data, noise, mean, std, z, log_likelihood = model_in_float64(rng, samples)
    draws, kernel = rng.standard_normal((samples, 7, 4)), inverse_multiquadratic
    shares = np.zeros((samples, 7))
    for s in range(samples):
        for i in range(7):
            for j in range(7):
                of_q, of_p = kernel(z[s, i], z[s, j], 8), kernel(draws[s, i], draws[s, j], 8)
                shares[s, i] += (of_q + of_p - 2 * kernel(z[s, i], draws[s, j], 8)) / 7
    assert (shares.mean(1) > 0).all()
    kl, both = kl_by_variable(mean, std).sum(-1), nd64(np.concatenate([noise, draws], axis=-1))
    bound = gv.InfoVAE(vae, samples=samples)
    assert bound.noise_shape(7) == ((samples, 7, 8) if samples > 1 else (7, 8))
    for bound.alpha, bound.lambda_ in ((0.3, 20), (1, 5), (-2, 3)):
        terms = bound.terms(nd64(data), both if samples > 1 else both[0])
        penalty = (1 - bound.alpha) * kl + (bound.alpha + bound.lambda_ - 1) * shares.mean(0)
        np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - penalty, rtol=1e-9)
        np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl, rtol=1e-9)


def test_the_discrepancy_tells_distributions_apart(rng):
    """0 of a sample to itself; near 0 of two samples of one distribution; and what quadrature gives else."""
    x, y = rng.standard_normal((2, 1, 2000, 1))
    assert abs(maximum_mean_discrepancy(nd64(x), nd64(x), 2.0).mean().asscalar()) < 1e-12
    same = float(maximum_mean_discrepancy(nd64(x), nd64(y), 2.0).mean().asscalar())
    assert 0 < same < 0.005
    # x - x', y - y' and x - y of N(0, 1) and N(1, 4) are Gaussian
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)

    def mean_kernel(mean, variance):
        return (weights * 2 / (2 + (mean + np.sqrt(variance) * nodes) ** 2)).sum() / weights.sum()

    expected = mean_kernel(0, 2) + mean_kernel(0, 8) - 2 * mean_kernel(1, 5)
    got = float(maximum_mean_discrepancy(nd64(x), nd64(1 + 2 * y), 2.0).mean().asscalar())
    assert expected > 0.05
    assert got == pytest.approx(expected, rel=0.15)


def test_component_densities_sum_to_the_whole(rng):
    mean, std, value = rng.standard_normal((7, 3)), rng.uniform(0.2, 3, (7, 3)), rng.standard_normal((5, 7, 3))
    got = gv.Normal(nd(mean), nd(std)).component_log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(got, scipy.stats.norm.logpdf(value, mean, std), rtol=1e-4, atol=1e-5)
    got = gv.StandardNormal().component_log_prob(nd(value)).asnumpy()
    np.testing.assert_allclose(got, scipy.stats.norm.logpdf(value), rtol=1e-5)


def test_kl_of_each_variable(rng):
    mean, std, of_mean, of_std = rng.standard_normal((4, 7, 3)) ** 2 + 0.1
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    points = mean[..., None] + std[..., None] * nodes
    for p, of_p in (
        (gv.StandardNormal(), scipy.stats.norm.logpdf(points)),
        (gv.Normal(nd(of_mean), nd(of_std)), scipy.stats.norm.logpdf(points, of_mean[..., None], of_std[..., None])),
    ):
        # of quadratics, for which the quadrature is exact
        of_q = scipy.stats.norm.logpdf(points, mean[..., None], std[..., None])
        expected = ((of_q - of_p) * weights).sum(-1) / weights.sum()
        got = gv.distributions.kl_by_variable(gv.Normal(nd(mean), nd(std)), p).asnumpy()
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
