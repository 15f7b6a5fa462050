"""Models: shapes, sizes, every method of the tutorial's classes, and how gradients flow."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from conftest import nd, pixels, set_mode, small_vae

import gluonvae as gv
from gluonvae.backend.runtime import mx


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
    assert vae.inference_net.shared[0].weight.shape == (6, 12)


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_every_parameter_gets_a_gradient(mode, rng):
    vae = small_vae(generator_layer_sizes=[5, 6, 7], infer_layer_sizes=[7, 6, 5])
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    with mx.autograd.record():
        loss = -bound(pixels(rng, 7))
    loss.backward()
    for name, parameter in vae.collect_params().items():
        assert (parameter.grad().asnumpy() != 0).mean() > 0.9, name


def test_the_reconstruction_term_reaches_the_encoder(rng):
    vae = small_vae()
    with mx.autograd.record():
        log_likelihood, _ = vae(pixels(rng, 7))
    log_likelihood.backward()
    for name, parameter in vae.inference_net.collect_params().items():
        assert (parameter.grad().asnumpy() != 0).any(), name


def test_gradients_are_those_of_finite_differences(rng):
    vae = small_vae()
    vae.cast("float64")
    bound = gv.ELBO(vae, beta=0.7)
    data, noise = nd(rng.integers(0, 2, (7, 12)), "float64"), nd(rng.standard_normal((7, 4)), "float64")
    with mx.autograd.record():
        total = bound(data, noise).sum()
    total.backward()
    step = 1e-6
    for parameter in vae.collect_params().values():
        values = parameter.data().asnumpy()
        place = tuple(rng.integers(0, size) for size in values.shape)
        sums = []
        for sign in (1, -1):
            moved = values.copy()
            moved[place] += sign * step
            parameter.set_data(nd(moved, "float64"))
            sums.append(float(bound(data, noise).sum().asscalar()))
        parameter.set_data(nd(values, "float64"))
        difference = (sums[0] - sums[1]) / (2 * step)
        assert parameter.grad().asnumpy()[place] == pytest.approx(difference, rel=1e-5, abs=1e-7)


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


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
def test_the_network_s_std_stays_positive_and_everything_finite(preactivation, rng):
    vae = small_vae()
    head = vae.inference_net.std_head[-1]
    head.weight.set_data(mx.nd.zeros(head.weight.shape))
    head.bias.set_data(mx.nd.full(head.bias.shape, preactivation))
    data = pixels(rng, 7)
    _, std = vae.inference_net(data)
    expected = max(preactivation, 0) + gv.inference.MIN_STD
    np.testing.assert_allclose(std.asnumpy(), expected, rtol=1e-4)
    for bound in (gv.ELBO(vae), gv.IWAE(vae, samples=3)):
        with mx.autograd.record():
            values = bound(data)
        values.backward()
        assert np.isfinite(values.asnumpy()).all()
        assert all(np.isfinite(p.grad().asnumpy()).all() for p in vae.collect_params().values())


class MeanOnly(gv.InferenceNetwork):
    """A user's own posterior, with one parameter."""

    def __init__(self):
        super().__init__(4, data_dims=12)
        with self.name_scope():
            self.mean = mx.gluon.nn.Dense(4, flatten=False)

    def hybrid_forward(self, F, data):
        return self.mean(data)

    def distribution(self, mean):
        return gv.Normal(mean, mean * 0 + 1)


class WithVector(gv.ProductOfBernoullisGenerator):
    """A user's own likelihood with a learned vector, and an operator of several outputs."""

    def __init__(self):
        super().__init__(12, [5])
        with self.name_scope():
            self.scale = self.params.get("scale", shape=(12,))

    def hybrid_forward(self, F, latent_state, scale):
        first, second = F.split(super().hybrid_forward(F, latent_state), num_outputs=2, axis=-1)
        return F.broadcast_mul(F.concat(first, second, dim=-1), scale)


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_halves_of_a_user_s_own(mode, rng):
    vae = gv.GaussianVAE(WithVector(), MeanOnly(), kl_divergence=gv.diagonal_gaussian_kl)
    vae.initialize()
    bound = gv.IWAE(vae, samples=3)
    set_mode(bound, mode)
    set_mode(vae, mode)
    (mean,) = vae.inference_net(pixels(rng, 7))
    assert mean.shape == (7, 4)
    assert bound(pixels(rng, 7)).shape == (7,)
    assert "split" in gv.summary(bound)


def test_summary_counts_tied_weights_once():
    class Tied(gv.ProductOfBernoullisGenerator):
        def __init__(self):
            super().__init__(12, [4], latent_variable_size=4)

        def hybrid_forward(self, F, latent_state):
            return super().hybrid_forward(F, self.body(latent_state))

    tied = gv.summary(gv.GaussianVAE(Tied(), gv.GaussianInferenceNetwork(4, [], data_dims=12)))
    count = (4 * 4 + 4 + 4 * 12 + 12) + 2 * (12 * 4 + 4)
    assert tied.splitlines()[-1].split()[-1] == str(count)


def test_float64_from_end_to_end(rng):
    vae = small_vae()
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    bound.hybridize(static_alloc=True)
    data = nd(rng.integers(0, 2, (7, 12)), "float64")
    assert bound(data).dtype == np.float64
    assert vae.phantasize(2, "mean").dtype == np.float64


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_bfloat16_is_float32_to_its_digits(mode, rng):
    vae = small_vae()
    values, draws, results = rng.integers(0, 2, (7, 12)), rng.standard_normal((7, 4)), []
    for dtype in (np.dtype("float32"), gv.backend.operators.BFLOAT16):
        vae.cast(dtype)
        bound = gv.ELBO(vae)
        set_mode(bound, mode)
        with mx.autograd.record():
            value = bound(nd(values).astype(dtype), nd(draws).astype(dtype))
        value.backward()
        results.append([gv.backend.operators.as_numpy(x) for x in (value, vae.generator.logits.weight.grad())])
    (value, gradient), (rough_value, rough_gradient) = results
    # eight binary digits, lost anew by each of some ten operations
    np.testing.assert_allclose(rough_value, value, rtol=10 * 2.0**-8)
    assert np.linalg.norm(rough_gradient - gradient) < 10 * 2.0**-8 * np.linalg.norm(gradient)
    assert np.isfinite(gv.evaluate(gv.IWAE(vae, samples=3), values).bound)
    assert vae.phantasize(2).dtype == gv.backend.operators.BFLOAT16


@pytest.mark.skipif(mx.context.num_gpus() == 0, reason="needs a GPU")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_gpu(dtype, rng):
    vae = small_vae()
    vae.collect_params().reset_ctx(mx.gpu())
    vae.cast(dtype)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = mx.nd.array(rng.integers(0, 2, (7, 12)), ctx=mx.gpu(), dtype=dtype)
    assert np.isfinite(bound(data).asnumpy()).all()
    assert vae.phantasize(2).context == mx.gpu()


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
        top = abs(vae.inference_net.shared[0].weight.data().asnumpy()).max()
        assert top == pytest.approx(np.sqrt(3 / 200), rel=0.01)
    vae.initialize(mx.init.Constant(0.5), force_reinit=True)
    assert (vae.inference_net.shared[0].weight.data().asnumpy() == 0.5).all()


@pytest.mark.parametrize(
    "kinds", [{"latent_type": "lowRank"}, {"likelihood": "poisson"}, {"prior": "vamp"}, {"latent_type": "iaf"}]
)
def test_what_bfloat16_has_too_few_digits_for_is_refused_as_a_whole(kinds):
    vae = small_vae(**kinds)
    with pytest.raises(TypeError, match=r"bfloat16 has too few digits for \w+: .*mixed_precision"):
        vae.cast(gv.backend.operators.BFLOAT16)
    assert {np.dtype(parameter.dtype) for parameter in vae.collect_params().values()} == {np.dtype("float32")}
    assert vae.dtype == vae.inference_net.dtype == "float32"
