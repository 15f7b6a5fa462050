"""Gated dense layers by hand."""

import numpy as np
import scipy.special

from gluonvae import networks
from tests.helpers import nd


def test_gate_by_hand(rng):
    body = networks.GatedMLP([4], "tanh", in_units=3)
    body.initialize()
    x = rng.standard_normal((5, 3)).astype("float32")
    layer = body[0]
    value, gate = (
        x @ dense.weight.data().asnumpy().T + dense.bias.data().asnumpy() for dense in (layer.value, layer.gate)
    )
    np.testing.assert_allclose(body(nd(x)).asnumpy(), np.tanh(value) * scipy.special.expit(gate), rtol=1e-5, atol=1e-6)
