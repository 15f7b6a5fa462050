"""Every body of the table in a model: both modes, gradients, many samples, any likelihood, training."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.operators import BFLOAT16
from gluonvae.backend.runtime import mx
from tests.helpers import assert_modes_agree_in_float64, nd, noise_for, set_mode, value_and_gradients
from tests.tables import bodies, likelihoods
from tests.tables.bodies import BODIES, DEEP, LATENT

ALL = [*BODIES, *DEEP]


def batches(bound, name, rng, sizes=(1, 7, 4, 7), dtype="float64"):
    X = bodies.size(name)
    return [(nd(rng.integers(0, 2, (B, X)), dtype), noise_for(rng, bound, B, dtype)) for B in sizes]


@pytest.mark.parametrize("gradient", ["standard", "dreg"])
@pytest.mark.parametrize("name", BODIES)
def test_both_modes(name, gradient, rng):
    vae = bodies.make(name)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3, gradient=gradient)
    # of one image, batch norm has no variance
    sizes = (2, 7, 4, 7) if name in bodies.BATCH_NORM else (1, 7, 4, 7)
    assert_modes_agree_in_float64(bound, batches(bound, name, rng, sizes))


@pytest.mark.parametrize("name", ALL)
def test_samples_are_folded(name, rng):
    """k samples at once give what each gives alone. Batch norm does so outside of training."""
    vae = bodies.make(name)
    vae.cast("float64")
    data, noise = batches(gv.IWAE(vae, samples=5), name, rng, [4])[0]
    log_likelihood, _ = vae(data, noise)
    alone = [vae(data, noise[i])[0].asnumpy() for i in range(5)]
    np.testing.assert_allclose(log_likelihood.asnumpy(), alone, rtol=1e-11)
    logits = vae.generator(nd(rng.standard_normal((2, 3, 4, LATENT)), "float64"))
    assert logits.shape == (2, 3, 4, bodies.size(name))


@pytest.mark.parametrize("name", BODIES)
def test_gradient_against_finite_differences(name, rng):
    vae = bodies.make(name)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=2)
    data, noise = batches(bound, name, rng, [3])[0]
    with mx.autograd.record():
        bound(data, noise).sum().backward()
    step = 1e-6
    for parameter in vae.collect_params().values():
        if parameter.grad_req == "null":
            continue
        value, direction = parameter.data().copy(), nd(rng.standard_normal(parameter.shape), "float64")
        expected = (parameter.grad() * direction).sum().asscalar()
        sides = []
        for sign in (1, -1):
            parameter.set_data(value + sign * step * direction)
            with mx.autograd.train_mode():
                sides.append(bound(data, noise).sum().asscalar())
        parameter.set_data(value)
        assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("row", likelihoods.ROWS)
def test_any_likelihood(row, rng):
    row = likelihoods.ROWS[row]
    decoder = networks.ConvolutionalDecoder((3, 2), [2], "tanh")
    generator = gv.generator.LIKELIHOODS.make(row.name, row.options, data_dims=likelihoods.X, layer_sizes=decoder)
    vae = gv.VAE(generator, gv.GaussianInferenceNetwork(LATENT, networks.ConvolutionalEncoder((3, 2), [2], "tanh")))
    vae.initialize()
    if row.adapted:
        vae.adapt(likelihoods.training_data(likelihoods.X))
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    data = nd(row.data(rng, 4, likelihoods.X), "float64")
    results = []
    for mode in ("imperative", "static_shape"):
        set_mode(bound, mode)
        noise = noise_for(np.random.default_rng(1), bound, 4, "float64")
        results.append(value_and_gradients(bound, (data, noise)))
    for one, other in zip(*results):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)
    assert vae.generate_reconstructions(data, 2).shape == (2, 4, likelihoods.X)


@pytest.mark.parametrize("name", ["conv", "own"])
def test_bfloat16_is_for_dense_layers(name):
    vae = bodies.make(name)
    with pytest.raises(TypeError, match=r"no convolutions in bfloat16.*mixed_precision"):
        vae.cast(BFLOAT16)
    assert vae.dtype == "float32"
    bodies.make("gated_mlp").cast(BFLOAT16)


@pytest.mark.parametrize("name", ["conv", "residual, batch norm", "own"])
def test_chunks_and_memory_count_maps(name, rng):
    vae = bodies.make(name)
    widths = {"conv": 3 * 6 * 6, "residual, batch norm": 3 * 6 * 6, "own": 2 * 30}
    assert vae.floats_per_sample == widths[name]


@pytest.mark.parametrize("name", ALL)
def test_saved_and_loaded(name, rng, tmp_path):
    vae = bodies.make(name)
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = (rng.random((40, bodies.size(name))) < 0.3).astype("float32")
    gv.fit(bound, data, epochs=1, batch_size=20, learning_rate=1e-2, progress=False)
    vae.save_parameters(str(tmp_path / "vae.params"))
    other = bodies.make(name)
    other.load_parameters(str(tmp_path / "vae.params"))
    one, two = (gv.evaluate(gv.ELBO(model), data) for model in (vae, other))
    assert one == pytest.approx(two, rel=1e-6)
    assert other.phantasize(3).shape == (3, bodies.size(name))
    assert other.generate_reconstructions(nd(data[:2]), 4).shape == (4, 2, bodies.size(name))
    assert gv.log_marginal_likelihood(other, data[:4], samples=10).log_likelihood.shape == (4,)


@pytest.mark.parametrize("name", BODIES)
def test_improves_on_pictures(name, rng):
    """A few steps on bars: better by ten standard errors, also with what it does outside of training."""
    height, width = BODIES[name][0][:2]
    bars = np.zeros((width, height, width, *BODIES[name][0][2:]))
    for column in range(width):
        bars[column, :, column] = 1
    data = bars[rng.integers(0, width, 400)].reshape(400, -1).astype("float32")
    bound = gv.ELBO(bodies.make(name))
    bound.hybridize(static_alloc=True, static_shape=True)
    before = gv.evaluate(bound, data)
    gv.fit(bound, data, epochs=10, batch_size=40, learning_rate=1e-2, progress=False)
    after = gv.evaluate(bound, data)
    assert after.bound > before.bound + 10 * np.hypot(before.standard_error, after.standard_error)
