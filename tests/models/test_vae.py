"""Models: shapes, sizes, terms, and every method of the tutorial's classes."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd, pixels, small_vae


@pytest.mark.parametrize("layers", [[], [9], [9, 8, 7]])
@pytest.mark.parametrize("batch", [1, 7])
def test_shapes_for_any_number_of_layers_and_any_batch(layers, batch, rng):
    vae = small_vae(generator_layer_sizes=layers, infer_layer_sizes=layers)
    data = pixels(rng, batch)
    mean, std = vae.inference_net(data)
    latent_state = vae.inference_net.sample_latent_state(mean, std)
    assert mean.shape == std.shape == latent_state.shape == (batch, 4)
    assert (std.asnumpy() > 0).all()
    assert vae.generator(latent_state).shape == (batch, 12)
    log_likelihood, kl = vae(data)
    assert log_likelihood.shape == kl.shape == (batch,)
    log_likelihood, kl = vae(data, nd(rng.standard_normal((3, batch, 4))))
    assert log_likelihood.shape == (3, batch)
    assert kl.shape == (batch,)


def test_the_tutorials_network_is_784_500_two_heads_of_200_100():
    vae = gv.construct_vae()
    shapes = {name.split("_", 1)[1]: p.shape for name, p in vae.collect_params().items() if name.endswith("weight")}
    assert shapes == {
        "shared_dense0_weight": (500, 784),
        "mean_dense0_weight": (200, 500),
        "mean_dense1_weight": (100, 200),
        "std_dense0_weight": (200, 500),
        "std_dense1_weight": (100, 200),
        "body_dense0_weight": (200, 100),
        "body_dense1_weight": (500, 200),
        "logits_weight": (784, 500),
    }


def test_model_made_of_parts_finds_its_sizes_at_the_first_call(rng):
    vae = gv.GaussianVAE(gv.ProductOfBernoullisGenerator(12, [6], "relu"), gv.GaussianInferenceNetwork(4, [6], "relu"))
    vae.initialize()
    vae.hybridize()
    assert vae(pixels(rng, 7))[0].shape == (7,)
    assert vae.inference_net.body[0].weight.shape == (6, 12)


def test_the_two_terms_against_numpy(rng):
    vae = small_vae()
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    mean, std = (x.asnumpy().astype(np.float64) for x in vae.inference_net(data))
    logits = vae.generator(nd(mean + std * noise.asnumpy())).asnumpy().astype(np.float64)
    log_likelihood, kl = vae(data, noise)
    expected = scipy.stats.bernoulli.logpmf(data.asnumpy(), scipy.special.expit(logits)).sum(-1)
    np.testing.assert_allclose(log_likelihood.asnumpy(), expected, rtol=1e-5)
    expected = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(-1)
    np.testing.assert_allclose(kl.asnumpy(), expected, rtol=1e-4)


def test_kl_can_be_replaced(rng):
    def twice(mean, std):
        return 2 * gv.diagonal_gaussian_kl(mean, std)

    plain = small_vae()
    doubled = gv.GaussianVAE(plain.generator, plain.inference_net, kl_divergence=twice)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    np.testing.assert_allclose(doubled(data, noise)[1].asnumpy(), 2 * plain(data, noise)[1].asnumpy(), rtol=1e-6)


def test_reconstructions_and_phantasies(rng):
    vae = small_vae()
    data = pixels(rng, 7)
    assert vae.generate_reconstructions(data, 5).shape == (5, 7, 12)
    assert vae.generate_reconstructions(data, 1).shape == (1, 7, 12)
    assert vae.phantasize(3).shape == (3, 12)
    for image in ("sample", "mode"):
        assert set(np.unique(vae.phantasize(50, image).asnumpy())) <= {0, 1}
    mean = vae.phantasize(50, "mean").asnumpy()
    assert ((mean > 0) & (mean < 1)).all()


def test_reconstructions_differ_between_draws_and_follow_the_mean(rng):
    vae = small_vae()
    latent_state = nd(rng.standard_normal((1, 4)))
    mean = vae.generator.generate_mean(latent_state).asnumpy()[0]
    draws = np.stack([vae.generator.generate_sample(latent_state).asnumpy()[0] for _ in range(2000)])
    assert (abs(draws.mean(0) - mean) < 5 * np.sqrt(mean * (1 - mean) / 2000)).all()
    np.testing.assert_array_equal(vae.generator.generate_mode(latent_state).asnumpy()[0], mean > 0.5)


def test_noise_fixes_reconstructions_and_phantasies(rng):
    vae = small_vae()
    data, noise = pixels(rng, 7), nd(rng.standard_normal((5, 7, 4)))
    first, second = (vae.generate_reconstructions(data, 5, "mean", noise).asnumpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    direct = vae.generator.generate_mean(nd(rng.standard_normal((1, 4))))
    assert direct.shape == (1, 12)
    latent_state = nd(rng.standard_normal((3, 4)))
    np.testing.assert_array_equal(
        vae.phantasize(3, "mean", latent_state).asnumpy(), vae.generator.generate_mean(latent_state).asnumpy()
    )


def test_reconstructions_come_from_the_posterior(rng):
    vae = small_vae()
    data, noise = pixels(rng, 7), rng.standard_normal((5, 7, 4))
    mean, std = (x.asnumpy() for x in vae.inference_net(data))
    expected = vae.generator.generate_mean(nd(mean + std * noise)).asnumpy()
    got = vae.generate_reconstructions(data, 5, "mean", nd(noise)).asnumpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert abs(got[0] - got[1]).max() > 1e-3


def test_saved_parameters_come_back(tmp_path, rng):
    vae, other = small_vae(), small_vae()
    vae.save_parameters(str(tmp_path / "x.params"))
    other.load_parameters(str(tmp_path / "x.params"))
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    np.testing.assert_array_equal(vae(data, noise)[0].asnumpy(), other(data, noise)[0].asnumpy())


def test_initialize_is_xavier_unless_another_is_named():
    sizes = {"generator_layer_sizes": [200], "infer_layer_sizes": [200], "latent_variable_size": 50, "data_dims": 200}
    for make in (lambda vae: vae, gv.ELBO):
        vae = gv.construct_vae(**sizes)
        make(vae).initialize()
        top = abs(vae.inference_net.body[0].weight.data().asnumpy()).max()
        assert top == pytest.approx(np.sqrt(3 / 200), rel=0.01)
    vae.initialize(mx.init.Constant(0.5), force_reinit=True)
    assert (vae.inference_net.body[0].weight.data().asnumpy() == 0.5).all()
