"""Compiled convolutions beside Gluon's: the same parameters, values and gradients, and where Gluon's are used."""

import json

import numpy as np
import pytest

from gluonvae.backend.regions import availability
from gluonvae.backend.runtime import mx
from gluonvae.networks.convolution_layers import Conv2D, Conv2DTranspose
from gluonvae.networks.in_turn import InTurn
from tests.helpers import MODES, nd, set_mode

nn = mx.gluon.nn
KINDS = {Conv2D: nn.Conv2D, Conv2DTranspose: nn.Conv2DTranspose}
compiled_here = pytest.mark.skipif(
    availability.why_no_products() is not None, reason=f"no regions here: {availability.why_no_products()}"
)
OPTIONS = {
    "halving": {"kernel_size": 3, "strides": 2, "padding": 1},
    "no bias": {"kernel_size": (2, 3), "strides": (1, 2), "use_bias": False},
    "groups": {"kernel_size": 3, "groups": 2, "in_channels": 6},
    "dilation": {"kernel_size": 2, "dilation": 2},
    "activation": {"kernel_size": 2, "activation": "tanh"},
}


def values_and_gradients(net, x):
    parameters = net.collect_params()
    x.attach_grad()
    with mx.autograd.record():
        y = net(x)
        total = (y * y).sum()
    total.backward()
    return [y.asnumpy(), x.grad.asnumpy(), *(p.grad().asnumpy() for p in parameters.values())]


def operators(net):
    net.hybridize()
    nodes = json.loads(net(mx.sym.var("x")).tojson())["nodes"]
    return [node["op"] for node in nodes if node["op"] != "null"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_gluons(kind, options, mode, rng, tmp_path):
    ours, gluons = kind(4, **OPTIONS[options]), KINDS[kind](4, **OPTIONS[options])
    gluons.initialize(mx.init.Xavier())
    gluons(mx.nd.zeros((1, 6, 9, 8)))
    if gluons.bias is not None:
        gluons.bias.set_data(nd(rng.standard_normal(4)))
    gluons.save_parameters(str(tmp_path / "saved.params"))
    ours.load_parameters(str(tmp_path / "saved.params"))
    set_mode(ours, mode)
    for batch in (1, 7, 20):
        x = rng.standard_normal((batch, 6, 9, 8))
        for found, wanted in zip(values_and_gradients(ours, nd(x)), values_and_gradients(gluons, nd(x))):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-6 * abs(wanted).max())


@compiled_here
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compiled(kind):
    made = {name: operators(kind(4, **options)) for name, options in OPTIONS.items()}
    assert made["halving"] == made["no bias"] == ["Custom"]
    for name in ("groups", "dilation", "activation"):
        assert made[name][0] == kind(4, 3)._op_name
    layer = kind(4, 3)
    layer.cast("float64")
    assert operators(layer) == [layer._op_name]
    with availability.mxnets_own():
        assert operators(kind(4, 3)) == [layer._op_name]


@compiled_here
def test_layers_in_turn_are_one_operator_with_their_activations(rng):
    net = InTurn()
    net.add(Conv2D(3, 3), nn.Activation("relu"), Conv2DTranspose(2, 2), nn.ELU(), Conv2D(2, 1))
    net.initialize(mx.init.Xavier())
    x = nd(rng.standard_normal((5, 2, 6, 7)))
    one_by_one = x
    for block in net:
        one_by_one = block(one_by_one)
    np.testing.assert_allclose(net(x).asnumpy(), one_by_one.asnumpy(), rtol=1e-5, atol=1e-6)
    assert operators(net) == ["Custom"]
    np.testing.assert_allclose(net(x).asnumpy(), one_by_one.asnumpy(), rtol=1e-5, atol=1e-6)
