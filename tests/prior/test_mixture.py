"""Mixtures as priors: how they start, draws and their gradient."""

import numpy as np
import pytest
import scipy.stats

from gluonvae.backend.runtime import mx
from tests.helpers import draw, small_vae
from tests.tables.priors import distribution, mixture, vae_with


def test_no_gradient_flows_through_a_draw(rng):
    vae = vae_with("mixture", rng)
    with mx.autograd.record():
        draws = distribution(vae).sample(draw(rng, vae.prior.noise, (7,)))
        total = (draws + vae.prior.mean.data().sum()).sum()
    total.backward()
    np.testing.assert_array_equal(vae.prior.mean.grad().asnumpy(), 28)
    np.testing.assert_array_equal(vae.prior.log_std.grad().asnumpy(), 0)


def test_components_start_apart():
    _, means, _ = mixture(small_vae(prior="mixture", prior_options={"components": 100}))
    assert scipy.stats.kstest(means.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_a_mixture_of_one_is_drawn_from(prior):
    assert vae_with(prior, options={"components": 1}).phantasize(5).shape == (5, 12)
