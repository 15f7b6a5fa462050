"""Estimators of the gradient in any model: against differences, and in the graph."""

import pytest

import gluonvae as gv
from gluonvae.backend.regions.availability import mxnets_own
from gluonvae.backend.runtime import mx
from tests.helpers import assert_slope_along_a_direction, nd, noise_for, small_vae
from tests.tables.bounds import BOUNDS

PLAIN = [name for name in BOUNDS if not name.endswith(("stl", "dreg")) and "PIWAE" not in name]
# those whose gradient is of another function are in test_score_function.py
PLAIN = [name for name in PLAIN if not name.startswith(("NVIL", "VIMCO"))]


@pytest.mark.parametrize("name", PLAIN)
def test_plain_gradient_is_that_of_the_objective_whatever_the_noise(name, rng):
    """Along a random direction in all parameters, by central differences."""
    vae, batch = small_vae(), nd(rng.integers(0, 2, (7, 12)), "float64")
    vae.cast("float64")
    bound, parameters = BOUNDS[name](vae), list(vae.collect_params().values())
    noise = noise_for(rng, bound, 7, "float64")
    assert_slope_along_a_direction(bound, parameters, (batch, noise), rng)


def test_the_first_pass_of_an_estimator_is_not_sent_back():
    """Its graph has more layers to go through than the plain one's, and as many to go back through."""
    counts = {}
    for gradient in ("standard", "dreg"):
        bound = gv.IWAE(small_vae(), 5, gradient)
        with mxnets_own():
            graph = bound(mx.sym.var("data"), mx.sym.var("noise"))
        wanted = {name: "null" if name in ("data", "noise") else "write" for name in graph.list_arguments()}
        plan = graph.simple_bind(mx.cpu(), data=(7, 12), noise=(5, 7, 4), grad_req=wanted).debug_str()
        counts[gradient] = [plan.count(f"Op:{op}") for op in ("Activation", "_backward_Activation")]
    assert counts["dreg"][0] > counts["standard"][0]
    assert counts["dreg"][1] == counts["standard"][1] > 0


@pytest.mark.parametrize("gradient", ["standard", "stl", "dreg"])
def test_estimators_of_a_model_whose_sizes_are_left_to_the_first_call(gradient, rng):
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5], "tanh"), gv.GaussianInferenceNetwork(4, [6], "tanh"))
    vae.initialize()
    bound = gv.PIWAE(vae, 6, 2, gradient)
    bound.hybridize(static_alloc=True, static_shape=True)
    with mx.autograd.record():
        bound(nd(rng.integers(0, 2, (7, 12)))).backward()
    assert all(abs(p.grad().asnumpy()).max() > 0 for p in vae.collect_params().values())
