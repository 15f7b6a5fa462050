"""Labels as a second input of a body: as maps, as columns of rows, and with samples."""

import inspect

import numpy as np
import pytest

import gluonvae as gv
from gluonvae import networks
from gluonvae.backend.runtime import mx
from gluonvae.networks import Dense, Fitted, Flattened, OnImages, set_in_units, with_label
from tests.helpers import BATCHES, MODES, nd, set_mode
from tests.helpers.modes import Wrapped, assert_modes_agree_in_float64, assert_same, value_and_gradients, weighting
from tests.tables.bodies import COLOURED, SHAPE

nn = mx.gluon.nn
Y = 2
X = 30


def identity():
    return nn.HybridLambda("identity")


def conv(**options):
    return OnImages(nn.Conv2D(3, 3, activation="tanh", **options), SHAPE)


def assert_everywhere(block, arrays, expected):
    """In every mode and for several batch sizes, the output and the gradients of its weighted sum for the inputs
    ``arrays(rng, B)`` are ``expected(inputs, weights)``, with weights of the shape of the output."""
    for mode in MODES:
        set_mode(block, mode)
        for batch in (*BATCHES, BATCHES[1]):
            inputs = [array.astype("float32") for array in arrays(np.random.default_rng(batch), batch)]
            actual = value_and_gradients(block, [nd(array) for array in inputs], weighting)
            assert_same(actual, expected(inputs, weighting(actual[0].shape).asnumpy()))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("shape", "axes"), [(SHAPE, None), (COLOURED, (0, 3, 1, 2)), ((3, 4, 5), (0, 1, 2, 3))])
def test_a_label_becomes_constant_channels_behind_those_of_the_picture(shape, axes, size):
    def expected(inputs, weights):
        rows, label = inputs
        pictures = rows.reshape(-1, *shape).transpose(axes) if axes else rows.reshape(-1, 1, *shape)
        channels = pictures.shape[1]
        planes = np.broadcast_to(label[:, :, None, None], (*label.shape, *pictures.shape[2:]))
        of_pictures = weights[:, :channels]
        of_rows = (of_pictures.transpose(np.argsort(axes)) if axes else of_pictures).reshape(rows.shape)
        return [np.concatenate([pictures, planes], axis=1), of_rows, weights[:, channels:].sum(axis=(2, 3))]

    body = OnImages(identity(), shape)
    assert body.in_units == np.prod(shape)
    assert_everywhere(
        body,
        lambda rng, B: (rng.standard_normal((B, body.in_units)), rng.standard_normal((B, size))),
        expected,
    )


def test_without_a_label_there_is_the_picture_alone(rng):
    rows = nd(rng.standard_normal((4, X)))
    assert OnImages(identity(), SHAPE)(rows).shape == (4, 1, *SHAPE)


@pytest.mark.parametrize(
    "make",
    [
        conv,
        lambda: networks.ConvolutionalEncoder(SHAPE, [3, 4], "tanh"),
        lambda: networks.ResidualEncoder(SHAPE, [2, 3], "tanh"),
        lambda: Fitted(networks.ConvolutionalEncoder(SHAPE, [3], "tanh")),
        lambda: Flattened(networks.ConvolutionalEncoder(SHAPE, [3], "tanh")),
        lambda: Flattened(networks.GatedMLP([4])),
    ],
    ids=["own", "conv", "residual", "fitted", "flattened", "gated"],
)
def test_bodies_with_labels_in_both_modes(make, rng):
    body = make()
    body.initialize(networks.XavierOrUniform())
    body.cast("float64")
    batches = [[nd(rng.standard_normal((B, size)), "float64") for size in (X, Y)] for B in (*BATCHES, BATCHES[1])]
    assert_modes_agree_in_float64(body, batches)


def test_a_convolution_sees_the_label(rng):
    """A 1×1 convolution is a linear function of the pixel and the label."""
    body = OnImages(nn.Conv2D(3, 1), SHAPE)
    body.initialize()
    rows, label = rng.standard_normal((4, X)), rng.standard_normal((4, Y))
    got = body(nd(rows), nd(label)).asnumpy()
    weight, bias = (parameter.data().asnumpy() for parameter in body.collect_params().values())
    of_label = label @ weight[:, 1:, 0, 0].T + bias
    expected = rows.reshape(4, 1, *SHAPE) * weight[:, 0] + of_label[:, :, None, None]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("wrapper", [Fitted, Flattened])
def test_a_body_without_a_place_for_labels_gets_them_behind_its_rows(wrapper):
    layer = Dense(5)
    layer.initialize()
    layer(mx.nd.zeros((1, X + Y)))

    def expected(inputs, weights):
        weight, bias = layer.weight.data().asnumpy(), layer.bias.data().asnumpy()
        rows = np.concatenate(inputs, axis=1)
        of_rows = weights @ weight
        return [rows @ weight.T + bias, of_rows[:, :X], of_rows[:, X:], weights.T @ rows, weights.sum(axis=0)]

    assert_everywhere(
        wrapper(layer), lambda rng, B: (rng.standard_normal((B, X)), rng.standard_normal((B, Y))), expected
    )


@pytest.mark.parametrize("samples", [(), (3,), (2, 3)])
def test_a_label_behind_every_sample(samples):
    def expected(inputs, weights):
        x, label = inputs
        over_samples = tuple(range(len(samples)))
        columns = np.broadcast_to(label, (*samples, *label.shape))
        return [np.concatenate([x, columns], axis=-1), weights[..., :4], weights[..., 4:].sum(axis=over_samples)]

    assert_everywhere(
        Wrapped(with_label),
        lambda rng, B: (rng.standard_normal((*samples, B, 4)), rng.standard_normal((B, Y))),
        expected,
    )


def test_without_a_label_rows_stay_as_they_are():
    x = mx.nd.zeros((3, 4))
    assert with_label(x) is x


class Deaf(mx.gluon.HybridBlock):
    """Takes a label and does not use it."""

    takes_label = True

    def hybrid_forward(self, F, rows, label):
        return rows


def test_what_is_known_of_a_body_with_a_label():
    assert Fitted(conv()).fit(X, Y) == ((3, 4, 3), 3 * 30)
    assert Fitted(conv()).fit(X) == ((3, 4, 3), 36)
    assert Flattened(conv()).fit(X, Y).features == (3, 4, 3)
    assert Fitted(Dense(50)).fit(X, Y) == ((50,), 50)
    assert Fitted(Dense(50, in_units=X + Y)).fit(X, Y).features == (50,)
    assert Fitted(identity()).fit(X, Y).features == (X + Y,)
    assert Fitted(Deaf()).fit(X, Y).features == (X,)
    assert Fitted(networks.CifarResNet(SHAPE, depth=8)).fit(X, Y).features == (64, 2, 2)
    assert Fitted(networks.CifarResNet(SHAPE, depth=8, version=2)).fit(X, Y).features == (64, 2, 2)


def test_a_body_is_traced_once_for_the_same_sizes():
    body = Fitted(conv())
    first = body.fit(X, Y)
    assert body.fit(X, Y) is first
    assert body.fit(X).floats_per_row != first.floats_per_row
    assert body.fit(X, Y) == first


@pytest.mark.parametrize(
    ("message", "body", "sizes"),
    [
        (r"OnImages is for rows of 30 values, \(N, 30\), and is given \(N, 31\) and a label \(N, 2\)", lambda: conv(), (31, Y)),
        (r"OnImages does not fit its input, rows \(N, 30\) and a label \(N, 2\): ", lambda: conv(in_channels=1), (X, Y)),
        (r"Dense does not fit its input, rows \(N, 32\), 30 values and a label of 2: ", lambda: Dense(5, in_units=X), (X, Y)),
        (r"HybridLambda must return features .* for its input \(N, 30\) and a label", lambda: _marked(nn.HybridLambda(lambda F, x, y: F.expand_dims(x, 1))), (X, Y)),
        (r"Dense cannot be hybridised for rows \(N, 30\) and a label \(N, 2\): .*argument", lambda: _marked(Dense(5)), (X, Y)),
    ],
)  # fmt: skip
def test_what_does_not_fit_a_label_is_refused(message, body, sizes):
    with pytest.raises(ValueError, match=message):
        Fitted(body()).fit(*sizes)


def _marked(body):
    body.takes_label = True
    return body


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("made_for", "deferred"), [(0, False), (0, True), (4, False), (7, False)])
@pytest.mark.parametrize("make", [Dense, nn.Dense])
def test_an_input_size_is_set(mode, made_for, deferred, make, rng):
    layer = make(5, in_units=made_for)
    if deferred:
        layer.initialize()
    # a graph of the layer as it was
    layer(mx.sym.var("data"))
    set_in_units(layer, 4)
    assert layer.weight.shape == (5, 4)
    if not deferred:
        layer.initialize()
    set_mode(layer, mode)
    x = rng.standard_normal((3, 4))
    got = layer(nd(x)).asnumpy()
    np.testing.assert_allclose(got, x @ layer.weight.data().asnumpy().T, rtol=1e-4, atol=1e-6)
    assert networks.traced(layer, 4).features == (5,)
    set_in_units(layer, 4)
    with pytest.raises(ValueError, match=r"already initialised for 4 inputs: it cannot be set to take 6"):
        set_in_units(layer, 6)


@pytest.mark.parametrize("mode", MODES)
def test_an_input_size_is_set_below_layers_that_infer_theirs(mode):
    net = networks.MLP([5, 6], in_units=7)
    net.add(nn.Dense(3))
    net(mx.sym.var("data"))
    set_in_units(net[0], 4)
    net.initialize()
    set_mode(net, mode)
    assert net(mx.nd.ones((2, 4))).shape == (2, 3)


def test_no_body_is_told_the_size_of_a_label():
    assert set(networks.ENCODERS) == {"mlp", "gated_mlp", "conv", "residual", "cifar_resnet"}
    assert set(networks.DECODERS) == {"mlp", "gated_mlp", "conv", "residual"}
    for kind in (OnImages, *networks.ENCODERS.values(), *networks.DECODERS.values()):
        assert "label_size" not in inspect.signature(kind).parameters
        assert getattr(kind, "takes_label", False) == issubclass(kind, OnImages)


def test_a_block_is_found_also_where_it_is_empty():
    empty = nn.HybridSequential()
    body = Fitted(empty)
    assert networks.find_block(body, nn.HybridSequential) is empty
    assert networks.find_block(body, nn.Dense) is None


@pytest.mark.parametrize("body", ["mlp", "gated_mlp"])
@pytest.mark.parametrize("posterior", ["gaussian", "ladder"])
@pytest.mark.parametrize("half", ["infer", "generator"])
def test_a_half_without_hidden_layers_takes_the_label(half, posterior, body, rng):
    """It is linear in the data, or the latent state, and the label: its first layers have a column for each."""
    latent, prior = (4, "standard") if posterior == "gaussian" else ([3, 2], "hierarchical")
    kinds = {"latent_type": posterior, "prior": prior, "latent_variable_size": latent, f"{half}_body": body}
    vae = gv.construct_vae(**kinds, **{f"{half}_layer_sizes": []}, data_dims=16, label_size=Y)
    vae.initialize()
    images = nd(rng.integers(0, 2, (3, 16)).astype("float32"))
    terms = vae(images, label=nd(np.array([0.0, 1.0, 1.0], "float32")))
    assert all(np.isfinite(term.asnumpy()).all() for term in terms)
    heads = (vae.generator if half == "generator" else vae.inference_net).heads
    first = [head if isinstance(head, Dense) else head[0] for head in heads]
    inputs = vae.generator.latent_variable_size if half == "generator" else 16
    assert {layer.weight.shape[1] for layer in first} == {inputs + Y}
