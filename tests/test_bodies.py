"""Bodies: convolutions, residual blocks, others' networks and the user's own."""

import bodies
import likelihoods
import numpy as np
import pytest
import scipy.signal
import scipy.special
from bodies import BODIES, COLOURED, DEEP, LATENT, SHAPE
from conftest import MODES, nd, pixels, set_mode
from gluonvae.training.run import load_run
from modes import assert_modes_agree_in_float64, value_and_gradients

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.operators import BFLOAT16
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.objectives import base as objectives

nn = mx.gluon.nn
ALL = [*BODIES, *DEEP]


def batches(bound, name, rng, sizes=(1, 7, 4, 7), dtype="float64"):
    X = bodies.size(name)
    return [
        (nd(rng.integers(0, 2, (B, X)), dtype), nd(rng.standard_normal(bound.noise_shape(B)), dtype)) for B in sizes
    ]


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


def test_convolution_against_scipy(rng):
    """An encoder layer: correlation with stride 2 of the padded picture, whose colours come last in the data."""
    body = networks.ConvolutionalEncoder(COLOURED, [2], "tanh")
    body.initialize()
    images = rng.standard_normal((2, *COLOURED))
    got = body(nd(images.reshape(2, -1))).asnumpy()
    weight, bias = (parameter.data().asnumpy() for parameter in body.collect_params().values())
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    for image, maps in zip(padded, got):
        for kernel, shift, result in zip(weight, bias, maps):
            every = sum(scipy.signal.correlate2d(image[..., c], kernel[c], mode="valid") for c in range(3))
            np.testing.assert_allclose(result, np.tanh(every[::2, ::2] + shift), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_upsampling_against_scipy(upsampling, rng):
    """A decoder layer: convolution of zeros between values (transposed), or correlation of values repeated."""
    body = networks.ConvolutionalDecoder((6, 5), [2], "tanh", upsampling=upsampling)
    body.initialize()
    layers = body.block
    z = nd(rng.standard_normal((3, LATENT)))
    got = body(z).asnumpy()
    maps = layers[1](layers[0](z)).asnumpy()
    layer = next(block for block in layers if isinstance(block, (nn.Conv2D, nn.Conv2DTranspose)))
    weight, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
    assert maps.shape == (3, 2, 3, 3)
    for image, result in zip(maps, got):
        for out in range(2):
            if upsampling == "transposed":
                spread = np.zeros((2, 5, 5))
                spread[:, ::2, ::2] = image
                full = sum(scipy.signal.convolve2d(spread[c], weight[c, out]) for c in range(2))[1:-1, 1:-1]
            else:
                double = image.repeat(2, axis=1).repeat(2, axis=2)
                full = sum(scipy.signal.correlate2d(double[c], weight[out, c], mode="same") for c in range(2))
            np.testing.assert_allclose(result[out], np.tanh(full + bias[out])[:, :5], rtol=1e-5, atol=1e-6)


def test_gate_by_hand(rng):
    body = networks.GatedMLP([4], "tanh", in_units=3)
    body.initialize()
    x = rng.standard_normal((5, 3)).astype("float32")
    layer = body[0]
    value, gate = (
        x @ dense.weight.data().asnumpy().T + dense.bias.data().asnumpy() for dense in (layer.value, layer.gate)
    )
    np.testing.assert_allclose(body(nd(x)).asnumpy(), np.tanh(value) * scipy.special.expit(gate), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (32, 32, 3), (3, 32, 32), (784,)])
@pytest.mark.parametrize("kinds", ["conv", "resize", "residual", "cifarResNet"])
def test_sizes_of_real_images(kinds, shape):
    X, (colours, side) = int(np.prod(shape)), ((3, 32) if 3 in shape else (1, 28))
    encoder = {
        "residual": networks.ResidualEncoder,
        "cifarResNet": lambda shape, sizes: networks.CifarResNet(shape, depth=8),
    }.get(kinds, networks.ConvolutionalEncoder)(shape, [2, 4])
    channels = 64 if kinds == "cifarResNet" else 4
    assert networks.traced(encoder, X).features == (channels, side // 4, side // 4)
    if kinds == "cifarResNet":
        return
    if kinds == "residual":
        decoder = networks.ResidualDecoder(shape, [4, 2])
    else:
        decoder = networks.ConvolutionalDecoder(shape, [4, 2], upsampling="transposed" if kinds == "conv" else "resize")
    assert networks.traced(decoder, 9) == ((2, side, side), (2 if kinds == "conv" else 4) * side**2)
    assert decoder.layout[:3] == (colours, side, side)


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 3), (0, 3, 1, 2)), ((3, 2, 3), (0, 1, 2, 3))])
def test_colours_are_where_the_data_has_them(shape, axes, rng):
    """A picture whose colours come first or last is seen as channels, and a generator's channels come back there."""
    layout = networks.Layout.of(shape)
    images = rng.standard_normal((4, *shape))
    maps = layout.maps(nd(images.reshape(4, -1)))
    np.testing.assert_array_equal(maps.asnumpy(), nd(images.transpose(axes)).asnumpy())
    np.testing.assert_array_equal(layout.rows(maps).asnumpy(), nd(images).reshape((4, -1)).asnumpy())
    two = layout.rows(mx.nd.concat(maps, 2 * maps, dim=1)).asnumpy()
    flat = nd(images).reshape((4, -1)).asnumpy()
    np.testing.assert_array_equal(two, np.concatenate([flat, 2 * flat], axis=1))


def test_a_head_on_maps_is_a_linear_layer_of_each_pixel(rng):
    generator = bodies.make("conv, colours last").generator
    z = nd(rng.standard_normal((2, LATENT)))
    maps = generator.body(z).asnumpy()
    weight, bias = (p.data().asnumpy() for p in generator.logits.collect_params().values())
    expected = np.einsum("nfhw,cf->nhwc", maps, weight[:, :, 0, 0]) + bias
    np.testing.assert_allclose(generator(z).asnumpy(), expected.reshape(2, -1), rtol=1e-4, atol=1e-6)


def test_labels_become_maps(rng):
    """Rows of a picture and two numbers: to the block, three channels."""
    body = networks.OnImages(nn.HybridLambda("identity"), SHAPE, label_size=2)
    rows = rng.standard_normal((4, 32)).astype("float32")
    maps = body(nd(rows)).asnumpy()
    assert maps.shape == (4, 3, *SHAPE)
    np.testing.assert_array_equal(maps[:, 0].reshape(4, -1), rows[:, :30])
    np.testing.assert_array_equal(maps[:, 1:], np.broadcast_to(rows[:, 30:, None, None], (4, 2, *SHAPE)))


@pytest.mark.parametrize("row", likelihoods.ROWS)
def test_any_likelihood(row, rng):
    row = likelihoods.ROWS[row]
    decoder = networks.ConvolutionalDecoder((3, 2), [2], "tanh")
    generator = gv.generator.LIKELIHOODS.make(row.name, row.options, data_dims=likelihoods.X, layer_sizes=decoder)
    vae = gv.VAE(generator, gv.GaussianInferenceNetwork(LATENT, networks.ConvolutionalEncoder((3, 2), [2], "tanh")))
    vae.initialize()
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    data = nd(row.data(rng, 4, likelihoods.X), "float64")
    results = []
    for mode in ("imperative", "static_shape"):
        set_mode(bound, mode)
        noise = nd(np.random.default_rng(1).standard_normal(bound.noise_shape(4)), "float64")
        results.append(value_and_gradients(bound, (data, noise)))
    for one, other in zip(*results):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)
    assert vae.generate_reconstructions(data, 2).shape == (2, 4, likelihoods.X)


def statistics(net):
    return [p.data().asnumpy() for name, p in net.collect_params().items() if "running" in name]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gradient", ["standard", "dreg"])
def test_running_statistics_by_hand(mode, gradient, rng):
    """Of the maps of all k B rows, once a step, also where the samples go through the model twice."""
    vae = bodies.make("conv, batch norm")
    bound = gv.IWAE(vae, samples=3, gradient=gradient)
    set_mode(bound, mode)
    mean, variance = np.zeros(4), np.ones(4)
    for _ in range(3):
        data, noise = pixels(rng, 5, 30), nd(rng.standard_normal((3, 5, LATENT)))
        latent_state = vae.inference_net.sample_latent_state(*_in_training(vae.inference_net, data), noise=noise)
        with mx.autograd.record():
            loss = bound(data, noise).sum()
        loss.backward()
        first = vae.generator.body.body.block[0]
        maps = first(latent_state.reshape((15, LATENT))).asnumpy().astype("float64")
        mean = 0.9 * mean + 0.1 * maps.mean(axis=(0, 2, 3))
        variance = 0.9 * variance + 0.1 * maps.var(axis=(0, 2, 3))
    got = statistics(vae.generator)[:2]
    np.testing.assert_allclose(got[0], mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(got[1], variance, rtol=1e-4)


def _in_training(net, data):
    with mx.autograd.train_mode():
        return net(data)


def test_batch_norm_in_chunks_is_refused(rng, monkeypatch):
    """Chunk by chunk a batch has other statistics: in training that is another bound. Outside, it is the same."""
    vae = bodies.make("conv, batch norm")
    bound = gv.IWAE(vae, samples=6)
    data, noise = pixels(rng, 5, 30), nd(rng.standard_normal((6, 5, LATENT)))
    whole = bound(data, noise).asnumpy()
    monkeypatch.setattr(objectives, "PIXELS_AT_ONCE", 1)
    np.testing.assert_allclose(bound(data, noise).asnumpy(), whole, rtol=1e-5)
    with pytest.raises(ValueError, match=r"BatchNorm.*6 samples of 5.*fewer samples.*without it"):  # noqa: SIM117
        with mx.autograd.record():
            bound(data, noise)


def test_dropout_in_chunks_is_refused(rng, monkeypatch):
    """A chunk is computed again for its gradient, which would be that of another draw."""
    body = nn.HybridSequential()
    body.add(nn.Dense(5, in_units=LATENT), nn.Dropout(0.5))
    vae = gv.VAE(
        gv.ProductOfBernoullisGenerator(30, body, latent_variable_size=LATENT), gv.GaussianInferenceNetwork(LATENT, [3])
    )
    vae.initialize()
    bound, data = gv.IWAE(vae, samples=6), pixels(rng, 5, 30)
    monkeypatch.setattr(objectives, "PIXELS_AT_ONCE", 1)
    assert bound(data).shape == (5,)
    with pytest.raises(ValueError, match=r"Dropout draws anew.*without it"):  # noqa: SIM117
        with mx.autograd.record():
            bound(data)


def test_dropout_in_two_passes_is_refused():
    body = nn.HybridSequential()
    body.add(nn.Dense(5, in_units=LATENT), nn.Dropout(0.5))
    generator = gv.ProductOfBernoullisGenerator(30, body, latent_variable_size=LATENT)
    with pytest.raises(ValueError, match=r"'dreg' is made of two passes, in each of which Dropout draws anew"):
        gv.IWAE(gv.VAE(generator, gv.GaussianInferenceNetwork(LATENT, [3])), samples=2, gradient="dreg")


def test_layers_start_with_the_spread_that_they_are_given():
    """A gate's bias is open, and a transposed convolution of stride 2 and kernel 4, a quarter of whose products meet in
    a pixel, keeps the variance of what it is given."""
    gated = gv.networks.GatedMLP([50], in_units=20)
    gated.initialize(gv.networks.XavierOrUniform())
    assert sorted(np.unique([p.data().asnumpy().mean() for n, p in gated.collect_params("..*bias").items()])) == [0, 2]
    decoder = gv.networks.ConvolutionalDecoder((32, 32), [32, 32])
    decoder.initialize(gv.networks.XavierOrUniform())
    layer = gv.networks.find(decoder, nn.Conv2DTranspose)
    maps = nd(np.random.default_rng(0).standard_normal((20, 32, 8, 8)))
    ratio = layer(maps).asnumpy()[:, :, 2:-2, 2:-2].std()
    assert 0.9 < ratio < 1.5


@pytest.mark.parametrize("name", ["conv", "own"])
def test_bfloat16_is_for_dense_layers(name):
    vae = bodies.make(name)
    with pytest.raises(TypeError, match=r"no convolutions in bfloat16.*mixed_precision"):
        vae.cast(BFLOAT16)
    assert vae.dtype == "float32"
    bodies.make("gatedMLP").cast(BFLOAT16)


@pytest.mark.parametrize("name", ["conv", "residual, batch norm", "own"])
def test_chunks_and_memory_count_maps(name, rng):
    vae = bodies.make(name)
    widths = {"conv": 3 * 6 * 6, "residual, batch norm": 3 * 6 * 6, "own": 2 * 30}
    assert vae.width == widths[name]


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


def _conv():
    return nn.Conv2D(3, 3)


def _reshaped(*shape):
    return nn.HybridLambda(lambda F, x: F.reshape(x, shape=shape))


class Plain(mx.gluon.Block):
    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("error", "message", "make"),
    [
        (ValueError, r"Conv2D does not fit its input, rows \(N, 30\).*OnImages", lambda: _net(_conv(), data_dims=30)),
        (ValueError, r"is for rows of 30 values.*given \(N, 31\)", lambda: _net(networks.OnImages(_conv(), SHAPE), data_dims=31)),
        (ValueError, r"input \(N, 30\), got \(N, 3, 10\)", lambda: _net(_reshaped(-1, 3, 10), data_dims=30)),
        (ValueError, r"got \(2 N, 15\)", lambda: _net(_reshaped(-1, 15), data_dims=30)),
        (ValueError, "'Symbol' object has no attribute 'shape'", lambda: _net(nn.HybridLambda(lambda F, x: x + x.shape[0]), data_dims=30)),
        (ValueError, "one tensor of features.*got 2 of them", lambda: _net(nn.HybridLambda(lambda F, x: F.split(x, num_outputs=2)), data_dims=30)),
        (TypeError, r"must be a HybridBlock, got Plain", lambda: _net(Plain())),
        (TypeError, "layer_sizes must be a list of layer widths", lambda: _net(nn.Dense)),
        (ValueError, r"maps \(N, 2, 6, 5\): 31 values are no whole number of channels of 6×5", lambda: gv.ProductOfBernoullisGenerator(31, bodies._own_decoder())),
        (ValueError, r"maps \(N, 4, 6, 5\) for images of 1 channels of 6×5, and a data point has 60", lambda: gv.ProductOfBernoullisGenerator(60, networks.ConvolutionalDecoder(SHAPE, [4]))),
        (ValueError, "pass latent_variable_size", lambda: gv.ProductOfBernoullisGenerator(30, nn.Dense(5, in_units=4))),
        (ValueError, r"does not fit its input, rows \(N, 3\)", lambda: gv.ProductOfBernoullisGenerator(30, nn.Dense(5, in_units=4), latent_variable_size=3)),
        (ValueError, "shape must be that of a picture", lambda: networks.ConvolutionalEncoder((7,))),
        (ValueError, "at least one number of channels", lambda: networks.ConvolutionalDecoder(SHAPE, [])),
        (ValueError, "at least one number of channels", lambda: networks.ResidualEncoder(SHAPE, [])),
        (ValueError, "upsampling must be one of resize, transposed", lambda: networks.ConvolutionalDecoder(SHAPE, upsampling="bilinear")),
        (ValueError, r"depth must be 6 n \+ 2", lambda: networks.CifarResNet(SHAPE, depth=21)),
        (ValueError, "version must be 1 or 2", lambda: networks.CifarResNet(SHAPE, version=3)),
        (ValueError, "blocks must be positive", lambda: networks.ResidualEncoder(SHAPE, blocks=0)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_shapes(error, message, make):
    with pytest.raises(error, match=message):
        make()


def _net(body, **sizes):
    return gv.GaussianInferenceNetwork(LATENT, body, **sizes)


def test_what_does_not_fit_is_refused_where_sizes_are_known(rng):
    generator = gv.ProductOfBernoullisGenerator(30, bodies._own_decoder())
    with pytest.raises(ValueError, match=r"Conv2D does not fit its input, rows \(N, 30\)"):
        gv.VAE(generator, _net(_conv()))
    net = _net(_conv())
    net.initialize()
    for mode in ("imperative", "hybrid"):
        set_mode(net, mode)
        with pytest.raises(ValueError, match=r"Conv2D does not fit its input, rows \(N, 30\)"):
            net(pixels(rng, 2, 30))


def test_names_and_options_of_construct_vae(rng):
    arguments = {"latent_variable_size": LATENT, "data_dims": 30, "data_shape": SHAPE}
    for name in networks.ENCODERS:
        vae = gv.construct_vae(infer_body=name, **arguments)
        vae.initialize()
        assert gv.ELBO(vae)(pixels(rng, 2, 30)).shape == (2,)
    for name in networks.DECODERS:
        vae = gv.construct_vae(
            generator_body=name, infer_body="conv", infer_body_options={"batch_norm": True}, label_size=2, **arguments
        )
        vae.initialize()
        assert gv.ELBO(vae)(pixels(rng, 2, 30), label=nd([0, 1])).shape == (2,)
    with pytest.raises(
        ValueError, match="generator_body must be one of conv, gatedMLP, mlp, residual, got 'cifarResNet'"
    ):
        gv.construct_vae(generator_body="cifarResNet", **arguments)
    with pytest.raises(ValueError, match="infer_body 'cifarResNet' takes no layer sizes"):
        gv.construct_vae(infer_body="cifarResNet", infer_layer_sizes=[3], **arguments)
    with pytest.raises(ValueError, match="an option of the infer_body 'conv' must be one of batch_norm"):
        gv.construct_vae(infer_body="conv", infer_body_options={"batchnorm": True}, **arguments)
    with pytest.raises(ValueError, match=r"data_shape.*has 30 values.*data_dims is 31"):
        gv.construct_vae(infer_body="conv", **{**arguments, "data_dims": 31})


def test_on_the_command_line(tmp_path, capsys):
    """A run of a convolutional model: trained, and loaded to draw from it."""
    rng = np.random.default_rng(1)
    for part in ("train", "valid", "test"):
        np.save(tmp_path / f"{part}.npy", rng.integers(0, 2, (40, 8, 6, 3)).astype("uint8"))
    folder = tmp_path / "run"
    asked = ["--inference-body", "conv", "--inference-body-options", "batch_norm=True", "--inference-layers", "4"]
    asked += ["--generator-body", "residual", "--generator-layers", "4", "3", "--generator-body-options", "blocks=2"]
    sizes = ["--latent-size", "3", "--epochs", "1", "--batch-size", "20"]
    assert main(["train", "--data", str(tmp_path), *asked, *sizes, "--out", str(folder)]) == 0
    assert main(["sample", str(folder), "-n", "5", "--out", str(tmp_path / "x.npy")]) == 0
    assert np.load(tmp_path / "x.npy").shape == (5, 144)
    vae, config = load_run(folder, mx.cpu())
    assert config["model"]["data_shape"] == [8, 6, 3]
    assert isinstance(vae.generator.body.body, networks.ResidualDecoder)
    assert isinstance(vae.inference_net.shared.body, networks.ConvolutionalEncoder)
    assert main(["train", "--inference-body", "conv", "--inference-body-options", "norm=1", "--out", str(folder)]) == 2
    assert "an option of the infer_body 'conv' must be one of batch_norm" in capsys.readouterr().err
