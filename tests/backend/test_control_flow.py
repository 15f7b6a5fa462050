"""Python code that a graph would freeze is noticed: in bodies as they are put together, else as they are traced."""

import random

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.control_flow import has_code_of_its_own
from gluonvae.backend.runtime import mx
from tests.helpers import nd, noise_for, small_vae
from tests.tables import bodies

nn = mx.gluon.nn


class Branch(mx.gluon.HybridBlock):
    """A body with a branch in Python."""

    def __init__(self, test):
        super().__init__()
        self.calls, self.flag = 0, False
        self.test = test
        with self.name_scope():
            self.layer = nn.Dense(6)

    def hybrid_forward(self, F, x):
        h = self.layer(x)
        return F.relu(h) if self.test(self, h) else F.tanh(h)


def _counts(block, h):
    block.calls += 1
    return block.calls > 5


def _alternates(block, h):
    block.flag = not block.flag
    return block.flag


FROZEN = {
    "value": (lambda block, h: h.sum().asscalar() > 0, "as a graph has no values to ask for: use operators instead"),
    "truth": (lambda block, h: h.sum() > 0, "as a graph has no values to ask for: use operators instead"),
    "training": (lambda block, h: mx.autograd.is_training(), "another graph in training, .*F.Dropout and F.BatchNorm"),
    "recording": (lambda block, h: mx.autograd.is_recording(), "another graph in training"),
    "counter": (_counts, "another graph at another call, .*counts in Branch.calls has to be an input or a parameter"),
    "alternation": (_alternates, "another graph at another call, .*counts in Branch.flag"),
}


@pytest.mark.parametrize("name", FROZEN)
def test_a_body_whose_code_would_be_frozen_is_refused(name):
    test, message = FROZEN[name]
    with pytest.raises(ValueError, match=rf"the body Branch cannot be hybridised for rows \(N, 8\).*{message}"):
        gv.GaussianInferenceNetwork(2, Branch(test), data_dims=8)
    body = nn.HybridSequential()
    body.add(nn.Dense(4), Branch(test))
    with pytest.raises(ValueError, match=rf"HybridSequential cannot be hybridised for rows \(N, 2\).*{message}"):
        gv.ProductOfBernoullisGenerator(8, body, latent_variable_size=2)


def test_a_number_drawn_while_tracing_is_refused():
    body = nn.HybridLambda(lambda F, x: x * random.random())
    with pytest.raises(
        ValueError, match=r"HybridLambda has another graph at another call, .* draws at random or counts"
    ):
        gv.GaussianInferenceNetwork(2, body, data_dims=8)


def test_calls_that_are_only_counted_are_no_fault(rng):
    body = Branch(lambda block, h: [setattr(block, "calls", block.calls + 1)] == [])
    net = gv.GaussianInferenceNetwork(2, body, data_dims=8)
    net.initialize()
    net.hybridize()
    assert net(nd(rng.standard_normal((3, 8))))[0].shape == (3, 2)
    assert body.flag is False


class Own(gv.ProductOfBernoullisGenerator):
    """A likelihood of one's own with a branch."""

    def hybrid_forward(self, F, latent_state):
        logits = super().hybrid_forward(F, latent_state)
        return 2 * logits if mx.autograd.is_training() else logits


@pytest.mark.parametrize("outermost", ["generator", "vae", "bound", "chunks", "evaluation"])
def test_a_part_of_one_s_own_is_refused_where_its_graph_is_traced(outermost, rng, monkeypatch):
    vae = gv.VAE(Own(12, [5]), gv.GaussianInferenceNetwork(4, [5]))
    vae.initialize()
    bound = gv.IWAE(vae, samples=3)
    data = nd(rng.integers(0, 2, (2, 12)))
    calls = {
        "generator": lambda: vae.generator(mx.nd.ones((2, 4))),
        "vae": lambda: vae(data),
        "bound": lambda: bound(data, noise_for(rng, bound, 2)),
        "chunks": lambda: bound(data, noise_for(rng, bound, 2)),
        "evaluation": lambda: gv.log_marginal_likelihood(vae, np.ones((2, 12)), samples=3),
    }
    if outermost == "chunks":
        monkeypatch.setattr("gluonvae.objectives.base.FLOATS_AT_ONCE", 20)
    if outermost != "evaluation":
        calls[outermost]()  # imperatively it works
        bound.hybridize()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"cannot be hybridised: Own has another graph in training.*leave it"):
            calls[outermost]()


class AsksForValues(gv.ProductOfBernoullisGenerator):
    """A likelihood of one's own with a branch on a value."""

    def hybrid_forward(self, F, latent_state):
        logits = super().hybrid_forward(F, latent_state)
        return logits if logits.sum().asscalar() > 0 else 2 * logits


def test_a_value_that_is_asked_for_is_refused_where_a_graph_is_traced():
    vae = gv.VAE(AsksForValues(12, [5]), gv.GaussianInferenceNetwork(4, [5]))
    vae.initialize()
    message = "LogWeight cannot be hybridised, as a graph has no values to ask for: use operators instead"
    with pytest.raises(ValueError, match=message):
        gv.log_marginal_likelihood(vae, np.ones((2, 12)), samples=3)


@pytest.mark.parametrize("name", [*bodies.BODIES, *bodies.DEEP])
def test_bodies_of_the_library_gluon_and_gluoncv_have_one_graph(name, rng):
    """As they are part of a model with a function of its own, which is traced in all ways."""
    vae = bodies.make(name)
    vae.own = lambda: None
    assert has_code_of_its_own(vae)
    vae.hybridize()
    size = bodies.size(name)
    log_likelihood, _ = vae(nd(rng.integers(0, 2, (3, size))), nd(rng.standard_normal((3, bodies.LATENT))))
    assert log_likelihood.shape == (3,)


def test_a_breakpoint_stops_in_the_trace_that_is_used_alone(monkeypatch):
    stops = []
    monkeypatch.setattr("sys.breakpointhook", lambda: stops.append(1))

    class Watched(gv.ProductOfBernoullisGenerator):
        def hybrid_forward(self, F, latent_state):
            breakpoint()
            return super().hybrid_forward(F, latent_state)

    generator = Watched(12, [5], latent_variable_size=4)
    generator.initialize()
    generator.hybridize()
    for _ in range(3):
        generator(mx.nd.ones((2, 4)))
    assert len(stops) == 1
    breakpoint()
    assert len(stops) == 2


def test_what_is_made_of_known_blocks_is_traced_once():
    assert not has_code_of_its_own(gv.ELBO(small_vae(prior="vamp", latent_type="iaf")))
    assert has_code_of_its_own(gv.ELBO(gv.VAE(Own(12, [5]), gv.GaussianInferenceNetwork(4, [5]))))
