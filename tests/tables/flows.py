"""The table of flows: a row a class; and what their tests share."""

import numpy as np
import pytest

from gluonvae import flows
from gluonvae.backend.runtime import mx
from tests.helpers import nd

D, C = 5, 3

# name: what makes one, of a latent_variable_size and a context_size
FLOWS = {
    "planar": flows.Planar,
    "radial": flows.Radial,
    "householder": flows.Householder,
    "autoregressive": lambda size, context: flows.InverseAutoregressive(size, [9, 11], "tanh", context),
    "autoregressive, backwards": lambda size, context: flows.InverseAutoregressive(
        size, [4], "softrelu", context, flip=True
    ),
    "affine": lambda size, context: flows.AffineCoupling(size, [9], "tanh", context),
    "affine, flipped, no hidden layer": lambda size, context: flows.AffineCoupling(size, [], "tanh", context, True),
    "spline": lambda size, context: flows.SplineCoupling(size, [9], "tanh", context, bins=4, limit=2.0),
    "spline, flipped": lambda size, context: flows.SplineCoupling(size, [9], "tanh", context, True),
    "chain": lambda size, context: flows.Chain(
        [flows.AffineCoupling(size, [9], "tanh", context, flip) for flip in (False, True)]
        + [flows.Planar(size, context), flows.Radial(size, context)]
    ),
}


def randomised(flow, rng, dtype="float64"):
    """The flow, with parameters far from those that it starts with."""
    flow.initialize()
    flow.cast(dtype)
    for parameter in flow.collect_params().values():
        parameter.set_data(nd(0.7 * rng.standard_normal(parameter.shape), dtype))
    return flow


def contexts(rng, batch, size, dtype="float64"):
    """What a flow is called with beside z: a context ``(batch, size)``, or nothing."""
    return [nd(rng.standard_normal((batch, size)), dtype)] if size else []


K, B = 3, 4

with_and_without_context = pytest.mark.parametrize("context_size", [C, 0], ids=["context", "own parameters"])


class BothWays(mx.gluon.HybridBlock):
    """A flow's map and its inverse at the same point, and the two log-determinants, on one axis."""

    def __init__(self, flow):
        super().__init__()
        self.flow = flow

    def hybrid_forward(self, F, z, *context):
        there, log_det = self.flow(z, *context)
        back, log_det_back = self.flow.inverse(z, *context)
        log_dets = [F.expand_dims(x, axis=-1) for x in (log_det, log_det_back)]
        return F.concat(there, back, *log_dets, dim=-1)


def jacobians(flow, z, context, step=1e-5):
    """dz'/dz at each z ``(..., D)`` by central differences, ``(..., D, D)``."""
    columns = []
    for direction in step * np.eye(z.shape[-1]):
        ahead, behind = (flow(nd(z + move, "float64"), *context)[0].asnumpy() for move in (direction, -direction))
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=-1)
