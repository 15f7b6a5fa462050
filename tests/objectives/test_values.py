"""What bounds are worth: against the evidence of a linear-Gaussian model, and against each other."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd64, noise_for, numbers, pixels, small_vae
from tests.tables.bounds import BOUNDS
from tests.truths.linear_gaussian import linear_gaussian

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
    terms = bound.terms(nd64(data), noise_for(rng, bound, 7, "float64"))
    np.testing.assert_allclose(terms.bound.asnumpy(), truth.evidence.logpdf(data), rtol=1e-10)
    np.testing.assert_allclose((terms.log_likelihood - terms.kl).asnumpy(), truth.evidence.logpdf(data), rtol=1e-10)


@pytest.mark.parametrize("name", [name for name in BOUNDS if name not in EXACT])
def test_the_evidence_on_average_where_q_is_exact(name, rng):
    vae, truth = linear_gaussian(rng)
    data = np.repeat(truth.evidence.rvs(1, random_state=rng)[None], 1000, axis=0)
    bound = BOUNDS[name](vae)
    values = bound.terms(nd64(data), noise_for(rng, bound, 1000, "float64")).bound.asnumpy()
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


def test_bounds_rise_with_samples(rng):
    vae, data = small_vae(), pixels(rng, 2000)
    for parameter in vae.collect_params().values():
        parameter.set_data(parameter.data() * 3)
    means = [float(bound(data).mean().asscalar()) for bound in (gv.ELBO(vae), gv.IWAE(vae, 5), gv.IWAE(vae, 100))]
    assert means[0] + 0.01 < means[1]
    assert means[1] + 0.01 < means[2]


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
