"""Models and bounds come back from pickle and deepcopy: the same numbers, parameters and gradients of their own."""

import copy
import pickle
import subprocess
import sys
from itertools import cycle

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.graphs import descendants
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, nd, noise_for, pixels, set_mode, small_vae
from tests.tables import parts
from tests.tables.parts import BOUNDS, CLASSES

X = parts.SHAPE[0] * parts.SHAPE[1]
COPIES = {"pickle": lambda block: pickle.loads(pickle.dumps(block)), "deepcopy": copy.deepcopy}
FIRST_FITTING = {q: next(p for p in parts.PRIORS if parts.prior_fits(q, p)) for q in parts.POSTERIORS}
MODELS = {
    **{f"{name}, likelihood": {"likelihood": name} for name in parts.LIKELIHOODS},
    **{f"{q}, posterior": {"posterior": q, "prior": p} for q, p in FIRST_FITTING.items()},
    **{f"{name}, prior": {"prior": name} for name in parts.priors.PRIORS},
    "conditional, prior": {"prior": "conditional", "labels": "conditional"},
    **{f"{name}, body": {"body": name} for name in parts.BODIES},
    **{f"{name}, labels": {"labels": name} for name in parts.LABELS},
    "missing values": {"values": "missing values"},
}

every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def value_and_gradients(bound, inputs):
    with mx.autograd.record():
        value = bound(*inputs)
        value.backward()
    learned = [p for p in bound.collect_params().values() if p.grad_req != "null"]
    return [value.asnumpy(), *(p.grad().asnumpy() for p in learned)]


def assert_copied(bound, inputs, copied):
    """A copy has the values and gradients of the original, in its mode, and shares nothing with it."""
    wanted, before = value_and_gradients(bound, inputs), bound(*inputs).asnumpy()
    other = copied(bound)
    assert [type(block) for block in descendants(other)] == [type(block) for block in descendants(bound)]
    assert other._active == bound._active
    assert other.weights == bound.weights
    results = value_and_gradients(other, inputs)
    assert len(results) == len(wanted)
    for got, want in zip(results, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    for parameter in other.collect_params().values():
        parameter.set_data(parameter.data() + 1)
    np.testing.assert_array_equal(bound(*inputs).asnumpy(), before)


@pytest.mark.parametrize(("name", "mode"), zip(MODELS, cycle(["imperative", "static_shape"])))
def test_every_part(name, mode, rng):
    vae = parts.model(**MODELS[name])
    bound = gv.VQELBO(vae) if vae.inference_net.deterministic else None
    if bound is None:
        exact = MODELS[name].get("posterior") in parts.EXACT_CODES
        bound = (gv.NVIL if exact else gv.ELBO)(vae)
    set_mode(bound, mode)
    row = parts.LIKELIHOODS[MODELS[name].get("likelihood", "bernoulli_prod")]
    data = nd(row.data(rng, 5, X))
    label = [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, 5)])] if vae.label_size else []
    assert_copied(
        bound, (data, noise_for(rng, bound, 5), *label), COPIES["pickle" if mode == "imperative" else "deepcopy"]
    )


@every_copy
@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound(name, copied, rng):
    pairs = ((q, p) for q in parts.POSTERIORS for p in parts.PRIORS if parts.prior_fits(q, p))
    posterior, prior = next(pair for pair in pairs if parts.bound_fits(name, *pair))
    labels = "semi-supervised" if name == "SemiSupervisedELBO" else "without labels"
    values = "missing values" if name == "ObservedIWAE" else "all values"
    bound = BOUNDS[name](parts.model(posterior=posterior, prior=prior, labels=labels, values=values))
    bound.hybridize(static_alloc=True)
    label = [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, 5)])] if labels == "semi-supervised" else []
    assert_copied(bound, (pixels(rng, 5, X), noise_for(rng, bound, 5), *label), copied)


class Body(mx.gluon.HybridBlock):
    """A user's own, with a constant."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.scale = self.params.get_constant("scale", [[2.0]])
            self.dense = mx.gluon.nn.Dense(5, in_units=12)

    def hybrid_forward(self, F, x, scale):
        return F.broadcast_mul(self.dense(x), scale)


@every_copy
@pytest.mark.parametrize("mode", MODES)
def test_a_body_of_the_users_own(mode, copied, rng):
    generator, net = gv.ProductOfBernoullisGenerator(12, [5]), gv.GaussianInferenceNetwork(3, Body())
    vae = gv.GaussianVAE(generator, net)
    vae.initialize()
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    net(pixels(rng, 2))
    net.body.body(pixels(rng, 2))  # by itself: it has a graph of its own
    assert_copied(bound, (pixels(rng, 5), nd(rng.standard_normal((5, 3)))), copied)


@every_copy
def test_a_model_that_is_not_initialised(copied):
    vae = gv.construct_vae(data_dims=12, generator_layer_sizes=[4], infer_layer_sizes=[4], latent_variable_size=2)
    other = copied(vae)
    other.initialize()
    assert other.phantasize(2).shape == (2, 12)
    with pytest.raises(RuntimeError, match="has not been initialized"):
        vae.phantasize(2)


@every_copy
@pytest.mark.parametrize("dtype", ["float64", gv.BFLOAT16], ids=str)
def test_dtypes(dtype, copied, rng):
    vae = small_vae()
    vae.cast(dtype)
    other = copied(vae)
    assert np.dtype(other.dtype) == np.dtype(dtype)
    for one, another in zip(vae.collect_params().values(), other.collect_params().values()):
        assert np.dtype(another.data().dtype) == np.dtype(dtype)
        np.testing.assert_array_equal(
            one.data().astype("float32").asnumpy(), another.data().astype("float32").asnumpy()
        )


@every_copy
def test_frozen_parameters_stay_frozen(copied):
    vae = small_vae()
    vae.generator.collect_params().setattr("grad_req", "null")
    other = copied(vae)
    assert {p.grad_req for p in other.generator.collect_params().values()} == {"null"}
    assert {p.grad_req for p in other.inference_net.collect_params().values()} == {"write"}


@every_copy
def test_a_copy_trains_on_its_own(copied, rng):
    bound = gv.ELBO(small_vae())
    bound.hybridize()
    other = copied(bound)
    before = [p.data().asnumpy() for p in bound.collect_params().values()]
    gv.fit(other, pixels(rng, 20).asnumpy(), epochs=1, progress=False)
    for parameter, want in zip(bound.collect_params().values(), before):
        np.testing.assert_array_equal(parameter.data().asnumpy(), want)
    assert any(
        (p.data().asnumpy() != q.data().asnumpy()).any()
        for p, q in zip(bound.collect_params().values(), other.collect_params().values())
    )


def test_a_pickle_is_read_by_another_process(tmp_path, rng):
    bound = gv.ELBO(small_vae(latent_type="iaf", likelihood="gaussian", likelihood_options={"standardize": True}))
    data, noise = rng.standard_normal((5, 12)), rng.standard_normal((5, 4))
    bound.vae.adapt(data)
    bound.hybridize()
    wanted = bound(nd(data), nd(noise)).asnumpy()
    (tmp_path / "bound.pickle").write_bytes(pickle.dumps(bound))
    np.savez(tmp_path / "inputs.npz", data=data, noise=noise)
    code = (
        "import pickle, numpy; bound = pickle.load(open('bound.pickle', 'rb')); from mxnet import nd;"
        "inputs = numpy.load('inputs.npz'); value = bound(nd.array(inputs['data']), nd.array(inputs['noise']));"
        "numpy.save('value.npy', value.asnumpy())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "value.npy"), wanted, rtol=1e-6)


def test_a_device_that_is_not_there():
    """What was on a GPU comes back on the CPU."""
    vae = small_vae()
    for parameter in vae.collect_params().values():
        parameter._ctx_list = [mx.gpu(7)]
    other = pickle.loads(pickle.dumps(vae))
    assert other.context == mx.cpu()
    assert other.phantasize(2).shape == (2, 12)
