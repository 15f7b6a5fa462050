"""The KL of each layer, and the perplexity of codes."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.objectives.layered_kl import kl_of_layers
from tests.helpers import nd, nd64, pixels
from tests.tables.hierarchies import MODELS, every_model, model
from tests.truths.codebook import CODES, nearest, numbers, small
from tests.truths.hierarchies import Chain


def test_kl_by_layer_of_a_ladder_has_its_closed_form(rng):
    """At one x, of two layers: z_2 has a Gaussian's; z_1 has that of two Gaussians, averaged over z_2."""
    truth = Chain(rng, 2)
    vae, x = truth.model("ladder", wider=1.3), truth.evidence.rvs(random_state=rng)
    (gain, shift, seen), (gain_2, shift_2, variance_2) = truth.seen(0), truth.posterior(1)
    seen, mean_2, variance_2 = 1.69 * seen, gain_2 @ x + shift_2, 1.69 * variance_2
    of_top = 0.5 * (mean_2**2 + variance_2 - 1 - np.log(variance_2)).sum()
    spread, slope = truth.spread[0] ** 2, truth.slope[0]
    share = spread / (spread + seen)
    moved = share**2 * ((gain @ x + shift - slope * mean_2 - truth.shift[0]) ** 2 + slope**2 * variance_2)
    of_lowest = 0.5 * ((moved + share * seen) / spread - 1 - np.log(share * seen / spread)).sum()
    many = np.repeat(x[None], 40_000, axis=0)
    _, of_layers = kl_of_layers(
        vae.posterior(nd64(many)), vae.prior_distribution(nd64(many)), nd64(rng.standard_normal((40_000, 4)))
    )
    errors = [5 * kl.asnumpy().std() / 200 for kl in of_layers]
    got = gv.kl_by_layer(vae, many)
    assert (abs(got - [of_lowest, of_top]) < errors).all()
    assert max(errors) < 0.05


@every_model
def test_kl_by_layer_sums_to_the_kl(name, rng):
    vae, data = model(name, rng), rng.integers(0, 2, (30, 12)).astype(np.float32)
    layers = gv.kl_by_layer(vae, data, batch_size=11)
    assert layers.shape == (len(MODELS[name]["latent_variable_size"]),)
    assert layers.sum() == pytest.approx(gv.evaluate(gv.ELBO(vae), data, batch_size=11).kl, rel=1e-9)


def test_perplexity_is_that_of_the_codes_that_data_has(rng):
    vae = small(rng=rng, dtype="float32")
    data = pixels(rng, 30).asnumpy()
    encodings, vectors = (numbers(x) for x in vae.inference_net(nd(data)))
    codes, _ = nearest(encodings, vectors)

    def exp_entropy(some):
        p = np.unique(some, return_counts=True)[1] / some.size
        return np.exp(-(p * np.log(p)).sum())

    use = gv.perplexity(vae, data, batch_size=7)
    assert use.overall == pytest.approx(exp_entropy(codes))
    np.testing.assert_allclose(use.by_position, [exp_entropy(column) for column in codes.T])
    assert use.used == len(np.unique(codes))
    assert 1 < use.overall < CODES
