"""The table of flows that tests run through: a row a class."""

from conftest import nd

from gluonvae import flows

D, C = 5, 3

# name: what makes one, of a latent_variable_size and a context_size
FLOWS = {
    "planar": flows.Planar,
    "radial": flows.Radial,
    "householder": flows.Householder,
    "autoregressive": lambda size, context: flows.InverseAutoregressive(size, [9, 11], "tanh", context),
    "autoregressive, backwards": lambda size, context: flows.InverseAutoregressive(
        size, [4], "softrelu", context, backwards=True
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
