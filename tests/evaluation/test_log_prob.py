"""log p(x) of each data point, of every kind of model."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import nd, pixels, small_vae
from tests.tables import parts
from tests.tables.parts import CLASSES

X = parts.SHAPE[0] * parts.SHAPE[1]
FIRST_FITTING = {q: next(p for p in parts.PRIORS if parts.prior_fits(q, p)) for q in parts.POSTERIORS}


def test_it_is_the_marginal_likelihood(rng):
    vae, data = small_vae(), pixels(rng, 6)
    wanted = gv.log_marginal_likelihood(vae, data.asnumpy(), samples=50).log_likelihood
    np.testing.assert_array_equal(vae.log_prob(data.asnumpy(), 50), wanted)
    of_tensor = vae.log_prob(data, 50)
    assert isinstance(of_tensor, type(data))
    np.testing.assert_allclose(of_tensor.asnumpy(), wanted, rtol=1e-6)


def all_images(width):
    """Every image of zeros and ones."""
    return (np.arange(2**width)[:, None] >> np.arange(width) & 1).astype(np.float32)


@pytest.mark.parametrize("labels", parts.LABELS)
def test_probabilities_sum_to_1(labels):
    """Over all images, of any model; given the label in one that is conditional."""
    options = {"label_size": CLASSES} if labels != "without labels" else {}
    if labels == "semi-supervised":
        options["classifier_layer_sizes"] = [4]
    vae = small_vae(data_dims=6, latent_variable_size=2, **options)
    for parameter in vae.generator.collect_params().values():
        parameter.set_data(nd(np.random.default_rng(3).standard_normal(parameter.shape)))
    vae.inference_net.std_head[-1].bias.set_data(nd([2.0, 2.0]))  # wider than the prior, so that weights are bounded
    label = {"label": np.full(64, 1)} if labels == "conditional" else {}
    assert np.exp(vae.log_prob(all_images(6), 3000, **label)).sum() == pytest.approx(1, abs=0.03)


def test_a_semi_supervised_model_is_the_mean_of_its_classes(rng):
    """With the same parameters, a conditional model has log p(x | y)."""
    vae = small_vae(label_size=CLASSES, classifier_layer_sizes=[4])
    conditional = gv.ConditionalVAE(vae.generator, vae.inference_net, vae.prior, label_size=CLASSES)
    data = pixels(rng, 5).asnumpy()
    each = [conditional.log_prob(data, 200, label=np.full(5, y)) for y in range(CLASSES)]
    wanted = np.log(np.exp(each).mean(axis=0))
    np.testing.assert_allclose(vae.log_prob(data, 200), wanted, rtol=1e-6)
    # labels are not looked at
    np.testing.assert_array_equal(vae.log_prob(data, 200, label=[0, -1, 2, 1, 0]), vae.log_prob(data, 200))


@pytest.mark.parametrize("posterior", FIRST_FITTING)
def test_every_posterior(posterior, rng):
    vae = parts.model(posterior=posterior, prior=FIRST_FITTING[posterior])
    log_prob = vae.log_prob(pixels(rng, 4, X).asnumpy(), 20)
    assert log_prob.shape == (4,)
    assert (log_prob < 0).all()


def test_of_a_codebook_it_is_the_density_at_the_code_vectors(rng):
    """By hand: log p(x | z) + log p(codes), with all codes equally probable."""
    vae = parts.model(posterior="vector_quantized", prior="codebook")
    data = pixels(rng, 4, X)
    probability = vae.decode(vae.encode(data)).asnumpy().astype(np.float64)
    x = data.asnumpy()
    wanted = np.log(np.where(x > 0, probability, 1 - probability)).sum(axis=1) - 3 * np.log(5)
    np.testing.assert_allclose(vae.log_prob(data.asnumpy()), wanted, rtol=1e-5)


def test_data_unlike_those_of_the_training_have_low_values(rng):
    images = np.tile([1.0, 0.0], (40, 6)).astype(np.float32)
    vae = small_vae()
    gv.fit(gv.ELBO(vae), images, epochs=15, batch_size=10, learning_rate=0.02, progress=False)
    usual, odd = vae.log_prob(np.stack([images[0], 1 - images[0]]), 100)
    assert usual > odd + 5


def test_errors():
    vae = small_vae(label_size=CLASSES)
    with pytest.raises(ValueError, match="has no labels, and ConditionalVAE takes them"):
        vae.log_prob(np.zeros((2, 12)))
    with pytest.raises(ValueError, match="samples must be"):
        small_vae().log_prob(np.zeros((2, 12)), 0)
    with pytest.raises(ValueError, match=r"data must have shape \(B, 12\)"):
        small_vae().log_prob(nd(np.zeros((2, 11))))
