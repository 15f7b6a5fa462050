"""How much estimators of the gradient vary, on a linear-Gaussian model."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import noise_for
from tests.tables.bounds import IMPORTANCE_WEIGHTED, SAMPLES
from tests.truths.linear_gaussian import Truth, gradients, row_by_row


@pytest.mark.parametrize("name", ["ELBO", *IMPORTANCE_WEIGHTED])
def test_no_variance_at_the_exact_posterior(name, rng):
    truth, rows = Truth(rng, 5, 2), 40
    data, noise = rng.standard_normal((rows, 5)), rng.standard_normal((SAMPLES, rows, 2))
    vae = row_by_row(truth, data, truth.mean(data), truth.std)
    make = IMPORTANCE_WEIGHTED.get(name, lambda vae, gradient: gv.ELBO(vae, 1, SAMPLES, "sampled", gradient))
    for gradient in ("stl", "dreg") if name != "ELBO" else ("stl",):
        assert max(abs(part).max() for part in gradients(make(vae, gradient=gradient), data, noise)[2:]) < 1e-10
    assert gradients(make(vae, gradient="standard"), data, noise)[3].std() > 0.1


class Repeated:
    """Many draws of the gradient for the posterior's mean and standard deviation, at one data point."""

    ROWS = 20_000

    def __init__(self, rng, away, wider):
        self.rng, self.truth = rng, Truth(rng, 2, 1)
        self.data = np.repeat(rng.standard_normal((1, 2)), self.ROWS, axis=0)
        self.vae = row_by_row(
            self.truth, self.data, self.truth.mean(self.data) + away * self.truth.std, wider * self.truth.std
        )

    def draws(self, bound):
        noise = noise_for(self.rng, bound, self.ROWS).asnumpy()
        return np.concatenate(gradients(bound, self.data, noise)[2:], axis=1)


def test_sticking_the_landing_varies_less_near_the_exact_posterior(rng):
    repeated = Repeated(rng, away=0.1, wider=1.1)
    for make in (lambda g: gv.ELBO(repeated.vae, kl="sampled", gradient=g), lambda g: gv.IWAE(repeated.vae, 5, g)):
        standard, stl = (repeated.draws(make(gradient)).var(0) for gradient in ("standard", "stl"))
        assert (stl < 0.2 * standard).all()


def test_signal_to_noise_falls_with_samples_unless_doubly_reparametrised(rng):
    """As 1/sqrt(k) and sqrt(k) (Rainforth et al. 2018, theorem 1; Tucker et al. 2019, section 3)."""
    repeated = Repeated(rng, away=0.5, wider=1.3)
    ratios = {}
    for gradient in ("standard", "dreg"):
        for samples in (4, 64):
            draws = repeated.draws(gv.IWAE(repeated.vae, samples, gradient))
            ratios[gradient, samples] = abs(draws.mean(0)) / draws.std(0)
            ratios[gradient, samples, "variance"] = draws.var(0)
    assert (ratios["standard", 64] < 0.6 * ratios["standard", 4]).all()
    assert (ratios["dreg", 64] > 2 * ratios["dreg", 4]).all()
    for samples in (4, 64):
        assert (ratios["dreg", samples, "variance"] < 0.5 * ratios["standard", samples, "variance"]).all()


def test_piwae_and_miwae_keep_the_signal_that_iwae_loses(rng):
    repeated = Repeated(rng, away=0.5, wider=1.3)

    def ratio(bound):
        draws = repeated.draws(bound)
        return abs(draws.mean(0)) / draws.std(0)

    of_iwae = ratio(gv.IWAE(repeated.vae, 64))
    for make in (gv.MIWAE, gv.PIWAE):
        assert (ratio(make(repeated.vae, 64, 16)) > 2 * of_iwae).all()
