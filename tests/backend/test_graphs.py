"""An attribute that is set once a graph was traced takes effect, in all graphs that contain it, or is refused."""

import logging

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import graphs
from gluonvae.backend.runtime import mx
from gluonvae.distributions.scales import STD_TRANSFORMS
from gluonvae.networks import MLP
from tests.helpers import nd, noise_for, small_vae

COUNTS = nd(np.arange(24).reshape(2, 12))


def _counts():
    return small_vae(likelihood="poisson")


def _gaussian(**options):
    return small_vae(likelihood="gaussian", likelihood_options=options)


def _no_transform(vae):
    vae.inference_net.data_transform = None


def _another_std(vae):
    vae.inference_net.family.std_transform = STD_TRANSFORMS["exp"]


def _another_scale(vae):
    vae.generator.family.scale = 3.0


def _another_body(vae):
    body = MLP([6], "tanh", 12)
    body.initialize()
    for parameter in body.collect_params().values():
        parameter.set_data(mx.nd.ones(parameter.shape) / 10)
    vae.inference_net.body = body


def _another_activation(vae):
    # of a layer inside a block of Gluon's, which is replaced as a whole
    body = vae.generator.body
    body.add(mx.gluon.nn.Activation("sigmoid"))


def _another_kl(vae):
    vae.kl_divergence = lambda mean, std: 2 * gv.diagonal_gaussian_kl(mean, std)


def _one_more_layer(vae):
    layer = gv.networks.Dense(3, 3)
    layer.initialize(mx.init.Constant(0.3))
    layer.bias.set_data(nd([0, 1, 2]))
    vae.classifier.add(layer)


CHANGES = {
    "data_transform": (_counts, _no_transform),
    "std_transform": (_counts, _another_std),
    "scale": (lambda: _gaussian(std=0.5), _another_scale),
    "body": (_counts, _another_body),
    "layer": (_counts, _another_activation),
    "kl_divergence": (lambda: small_vae(), _another_kl),
    "classifier": (lambda: small_vae(label_size=3, classifier_layer_sizes=[5]), _one_more_layer),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("flags", [{}, {"static_alloc": True, "static_shape": True}], ids=["hybrid", "static"])
def test_a_change_takes_effect_in_all_graphs(change, flags, rng):
    """The numbers are those of the same model left imperative."""
    make, set_attribute = CHANGES[change]
    vae = make()
    data = COUNTS if change != "kl_divergence" else nd(rng.integers(0, 2, (2, 12)))
    data = nd(rng.integers(0, 2, (2, 12))) if vae.label_size else data
    label = (nd([[0, 0, 1], [0, 0, 0]]),) if vae.label_size else ()
    bound = gv.ELBO(vae)
    inputs = data, noise_for(rng, bound, 2), *label
    bound.hybridize(**flags)
    calls = {
        "bound": lambda: bound(*inputs),
        "model": lambda: vae(*inputs)[0] - vae(*inputs)[1],
        "network": lambda: vae.inference_net(data, *label)[0],
        "std": lambda: vae.inference_net(data, *label)[1],
    }
    before = {name: call().asnumpy() for name, call in calls.items()}
    set_attribute(vae)
    after = {name: call().asnumpy() for name, call in calls.items()}
    bound.hybridize(False)
    for name, call in calls.items():
        np.testing.assert_allclose(after[name], call().asnumpy(), rtol=1e-4, atol=1e-5, err_msg=name)
    assert not np.allclose(before["bound"], after["bound"])


def test_weights_and_tensors_leave_a_graph_as_it_is(rng):
    vae = small_vae(latent_type="relaxed_bernoulli", prior="codes")
    bound = gv.ELBO(vae)
    inputs = nd(rng.integers(0, 2, (2, 12))), noise_for(rng, bound, 2)
    bound.hybridize()
    bound(*inputs)
    traced = bound._cached_op
    bound.beta, vae.inference_net.family.temperature = 0.3, 0.8
    bound.kept = inputs
    bound(*inputs)
    assert bound._cached_op is traced is not None


def test_a_change_in_samples_that_are_taken_in_chunks(rng, monkeypatch):
    monkeypatch.setattr("gluonvae.objectives.base.FLOATS_AT_ONCE", 100)
    vae = _gaussian(std=0.5)
    bound = gv.IWAE(vae, samples=8)
    inputs = nd(rng.standard_normal((2, 12))), noise_for(rng, bound, 2)
    bound.hybridize()
    bound(*inputs)
    _another_scale(vae)
    got = bound(*inputs).asnumpy()
    bound.hybridize(False)
    np.testing.assert_allclose(got, bound(*inputs).asnumpy(), rtol=1e-4)


class Scaled(gv.GaussianGenerator):
    """A user's likelihood, with an attribute of its own."""

    factor = 1.0

    def hybrid_forward(self, F, latent_state):
        mean, std = super().hybrid_forward(F, latent_state)
        return mean * self.factor, std


def test_an_attribute_of_a_kind_of_one_s_own():
    generator = Scaled(12, [5], latent_variable_size=4)
    generator.initialize()
    generator.hybridize()
    z = mx.nd.ones((2, 4))
    before = generator(z)[0].asnumpy()
    generator.factor = 3.0
    np.testing.assert_allclose(generator(z)[0].asnumpy(), 3 * before, rtol=1e-6)


class Body(mx.gluon.HybridBlock):
    """A user's body, which is no block of the library."""

    def __init__(self):
        super().__init__()
        self.factor = 1.0
        with self.name_scope():
            self.layers = mx.gluon.nn.HybridSequential()
            self.layers.add(mx.gluon.nn.Dense(6, in_units=12), mx.gluon.nn.LeakyReLU(0.1))

    def hybrid_forward(self, F, x):
        return self.factor * self.layers(x)


def _double(body):
    body.factor = 2.0


def _another_slope(body):
    body.layers[1]._alpha = 0.9


def _another_layer(body):
    body.layers = mx.gluon.nn.HybridSequential()
    body.layers.add(mx.gluon.nn.Dense(6, in_units=12, activation="tanh"))
    body.layers.initialize()


def _one_more(body):
    body.layers.add(mx.gluon.nn.Activation("sigmoid"))


@pytest.mark.parametrize("change", [_double, _another_slope, _another_layer, _one_more])
def test_attributes_of_a_body_of_one_s_own(change, rng, tmp_path):
    body = Body()
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(4, body))
    vae.initialize()
    bound = gv.ELBO(vae)
    inputs = nd(rng.integers(0, 2, (2, 12))), noise_for(rng, bound, 2)
    bound.hybridize(static_alloc=True, static_shape=True)
    before = [bound(*inputs).asnumpy(), vae.inference_net(inputs[0])[0].asnumpy()]
    traced = bound._cached_op
    bound(*inputs)
    assert bound._cached_op is traced
    change(body)
    with pytest.raises(RuntimeError, match=r"run forward with this block"):
        bound.export(str(tmp_path / "bound"))
    after = [bound(*inputs).asnumpy(), vae.inference_net(inputs[0])[0].asnumpy()]
    bound.hybridize(False)
    imperative = [bound(*inputs).asnumpy(), vae.inference_net(inputs[0])[0].asnumpy()]
    for old, new, want in zip(before, after, imperative):
        np.testing.assert_allclose(new, want, rtol=1e-4, atol=1e-6)
        assert not np.allclose(old, new)


def test_what_is_traced_again_and_again_is_warned_of(caplog):
    generator = Scaled(12, [5], latent_variable_size=4)
    generator.initialize()
    generator.hybridize()
    with caplog.at_level(logging.WARNING):
        for number in range(graphs.MANY_TRACES + 1):
            generator(mx.nd.ones((2, 4)))
            generator.factor = number
    assert [record.getMessage() for record in caplog.records] == [
        "the graph of Scaled was thrown away 10 times, at last because the attribute factor of Scaled was set: it is "
        "traced anew each time, which is slow"
    ]


FIXED = {
    "samples of IWAE": lambda: (gv.IWAE(small_vae(), 3), "samples", 5),
    "gradient of IWAE": lambda: (gv.IWAE(small_vae(), 3), "gradient", "dreg"),
    "groups of MIWAE": lambda: (gv.MIWAE(small_vae(), 6, 2), "groups", 3),
    "alpha of Renyi": lambda: (gv.Renyi(small_vae()), "alpha", 0.3),
    "vae of ELBO": lambda: (gv.ELBO(small_vae()), "vae", small_vae()),
    "data_dims of GaussianVAE": lambda: (small_vae(), "data_dims", 5),
    "prior of GaussianVAE": lambda: (small_vae(), "prior", gv.StandardNormalPrior()),
    "generator of VAE": lambda: (small_vae(prior="vamp"), "generator", small_vae().generator),
    "inference_net of ConditionalVAE": lambda: (small_vae(label_size=3), "inference_net", small_vae().inference_net),
    "label_size of ConditionalVAE": lambda: (small_vae(label_size=3), "label_size", 4),
    "data_dims of ProductOfBernoullisGenerator": lambda: (small_vae().generator, "data_dims", 5),
    "latent_variable_size of GaussianInferenceNetwork": lambda: (small_vae().inference_net, "latent_variable_size", 5),
    "latent_variable_size of StandardNormalPrior": lambda: (small_vae().prior, "latent_variable_size", 5),
    "components of MixturePrior": lambda: (small_vae(prior="mixture").prior, "components", 5),
    "size of DiagonalGaussian": lambda: (small_vae().inference_net.family, "size", 5),
    "family of GaussianInferenceNetwork": lambda: (small_vae().inference_net, "family", small_vae().inference_net.family),
}  # fmt: skip


@pytest.mark.parametrize("what", FIXED)
def test_what_others_follow_from_is_refused(what):
    block, name, value = FIXED[what]()
    before, kind = getattr(block, name), type(block).__name__
    with pytest.raises(AttributeError, match=rf"^{what} cannot be changed: make a new {kind} with another {name}$"):
        setattr(block, name, value)
    assert getattr(block, name) is before
    if not isinstance(getattr(type(block), name, None), property):
        setattr(block, name, before)
