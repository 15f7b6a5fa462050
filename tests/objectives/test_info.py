"""InfoVAE's bound by hand, and its discrepancy."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.objectives.info import InfoNoise, maximum_mean_discrepancy
from tests.helpers import nd64, pixels, small_vae
from tests.truths.linear_gaussian import kl_by_variable, model_in_float64


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
    kl, both = kl_by_variable(mean, std).sum(-1), InfoNoise(nd64(noise), nd64(draws))
    bound = gv.InfoVAE(vae, samples=samples)
    leading = (samples, 7) if samples > 1 else (7,)
    assert [part.shape for part in bound.draw_noise(7)] == [(*leading, 4)] * 2
    for bound.alpha, bound.lambda_ in ((0.3, 20), (1, 5), (-2, 3)):
        terms = bound.terms(nd64(data), both if samples > 1 else InfoNoise(*(part[0] for part in both)))
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


def test_weights_that_drive_the_posterior_away_from_the_prior_are_refused_when_they_are_used(rng):
    bound = gv.InfoVAE(small_vae(), alpha=0.0, lambda_=10)
    bound.lambda_ = 0.5
    with pytest.raises(ValueError, match=r"alpha \+ lambda_ must be at least 1, got 0 \+ 0\.5"):
        bound(pixels(rng, 3))
