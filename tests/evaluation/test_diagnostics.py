"""The KL of each layer, and the perplexity of codes."""

import numpy as np
import pytest
from scipy.special import expit

import gluonvae as gv
from gluonvae.objectives.layered_kl import kl_of_layers
from tests.helpers import nd, nd64, pixels, small_vae
from tests.tables import codes
from tests.tables.hierarchies import MODELS, every_model, model
from tests.truths.codebook import CODES, nearest, numbers, small
from tests.truths.hierarchies import Chain
from tests.truths.linear_gaussian import kl_by_variable, linear_gaussian


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


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_kl_by_dimension_has_its_closed_form(batch_size, rng):
    vae, truth = linear_gaussian(rng, 6, 3, wider=1.3)
    data = truth.evidence.rvs(20, random_state=rng).astype(np.float32)
    expected = kl_by_variable(truth.mean(data), 1.3 * truth.std).mean(axis=0)
    np.testing.assert_allclose(gv.kl_by_dimension(vae, data, batch_size), expected, rtol=1e-8)


def test_kl_by_dimension_of_binary_codes(rng):
    vae, data = codes.model("bernoulli", rng), rng.integers(0, 2, (20, 12)).astype(np.float32)
    # (20, 6) and (6,)
    q = expit(vae.posterior(nd(data, vae.dtype)).logits.asnumpy().astype(np.float64))
    p = expit(vae.prior_distribution(nd(data, vae.dtype)).logits.asnumpy().astype(np.float64))
    expected = (q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))).mean(axis=0)
    np.testing.assert_allclose(gv.kl_by_dimension(vae, data), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_type": "real_nvp"}, r"no closed form for each latent variable: evaluate\(ELBO\(vae\), data\).kl is"),
        ({"label_size": 3, "classifier_layer_sizes": [5]}, "kl_by_dimension computes the KL itself"),
    ],
)
def test_kl_by_dimension_that_is_not_known(changes, message, rng):
    data = gv.data.Dataset(rng.integers(0, 2, (5, 12)), labels=[0, 1, 2, 0, 1])
    with pytest.raises(ValueError, match=message):
        gv.kl_by_dimension(small_vae(**changes), data)


def test_kl_by_dimension_names_a_row_that_is_not_finite(rng):
    vae, truth = linear_gaussian(rng, 6, 3)
    data = truth.evidence.rvs(20, random_state=rng).astype(np.float32)
    data[13, 2] = 1e38
    vae.cast("float32")
    with pytest.raises(FloatingPointError, match="the KL of row 13 of the data is inf"):
        gv.kl_by_dimension(vae, data, batch_size=7)
