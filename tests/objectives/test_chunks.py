"""Bounds of many samples, computed in chunks: value and gradient of the whole, in bounded memory."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import pieces
from gluonvae.backend.regions.availability import available
from gluonvae.backend.runtime import mx
from gluonvae.backend.structures import leaves
from gluonvae.evaluation import importance, likelihood
from gluonvae.objectives import base as objectives
from tests.helpers import BATCHES, MODES, learned, nd, noise_for, pixels, set_mode, small_vae
from tests.tables.bounds import BOUNDS as TABLE

SAMPLES = 7
BOUNDS = {
    "ELBO, beta": lambda vae: gv.ELBO(vae, beta=0.3, samples=SAMPLES),
    "IWAE": lambda vae: gv.IWAE(vae, samples=SAMPLES),
    "IWAE, dreg": lambda vae: gv.IWAE(vae, samples=SAMPLES, gradient="dreg"),
}
OF_MANY_SAMPLES = [name for name, make in TABLE.items() if make(small_vae()).samples > 1]


def terms_and_gradients(bound, data, noise):
    with mx.autograd.record():
        terms = bound.terms(data, noise)
        loss = terms.objective * nd(np.linspace(0.5, 2, len(data)), data.dtype)
    loss.backward()
    return [x.asnumpy() for x in (*terms, *(p.grad() for p in learned(bound)))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", BOUNDS)
def test_chunks_give_terms_and_gradients_of_the_whole(name, mode, rng, monkeypatch):
    bound = BOUNDS[name](small_vae())
    set_mode(bound, mode)
    for batch in BATCHES:
        data, noise = pixels(rng, batch), nd(rng.standard_normal((SAMPLES, batch, 4)))
        monkeypatch.undo()
        whole = terms_and_gradients(bound, data, noise)
        for at_once in (1, 3, 6):
            monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", at_once * batch * 12)
            for got, want in zip(terms_and_gradients(bound, data, noise), whole):
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OF_MANY_SAMPLES)
def test_every_bound_in_chunks(name, rng, monkeypatch):
    bound = TABLE[name](small_vae())
    set_mode(bound, "static_shape")
    data, noise = pixels(rng, 7), noise_for(rng, bound, 7)
    whole = terms_and_gradients(bound, data, noise)
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 4 * 7 * 12)
    for got, want in zip(terms_and_gradients(bound, data, noise), whole):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_chunks_leave_frozen_parameters_alone(rng, monkeypatch):
    bound = BOUNDS["IWAE"](small_vae())
    bound.vae.generator.collect_params().setattr("grad_req", "null")
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 1)
    with mx.autograd.record():
        loss = bound(pixels(rng, 5))
    loss.backward()
    assert all(abs(p.grad().asnumpy()).max() > 0 for p in bound.vae.inference_net.collect_params().values())


@pytest.mark.parametrize("gradient", ["standard", "dreg"])
def test_chunks_of_a_model_whose_sizes_are_left_to_the_first_call(gradient, rng, monkeypatch):
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 1)
    vae = gv.GaussianVAE(gv.ProductOfBernoullisGenerator(12, [5], "tanh"), gv.GaussianInferenceNetwork(4, [6], "tanh"))
    vae.initialize()
    bound = gv.IWAE(vae, samples=3, gradient=gradient)
    bound.hybridize()
    with mx.autograd.record():
        values = bound(pixels(rng, 5))
    values.backward()
    assert values.shape == (5,)
    assert all(abs(p.grad().asnumpy()).max() > 0 for p in vae.collect_params().values())


def test_chunks_can_be_fitted(rng, monkeypatch):
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 3 * 20 * 12)
    bound = BOUNDS["IWAE"](small_vae())
    bound.hybridize(static_alloc=True, static_shape=True)
    data = (rng.random((200, 12)) < np.linspace(0.05, 0.95, 12)).astype("float32")
    history = gv.fit(bound, data, epochs=5, batch_size=20, learning_rate=1e-2, progress=False)
    assert history["train_bound"][-1] > history["train_bound"][0] + 1


BATCH = 20
FLOWS = {"flow_length": 2, "context_size": 3, "hidden_sizes": [5]}
LOGISTICS = {"likelihood": "discretized_logistic_mixture", "likelihood_options": {"components": 5}}
LAYERED = {"latent_type": "hierarchical", "prior": "hierarchical", "latent_variable_size": [4, 3]}
SPLINE = {"latent_type": "spline", "latent_options": {**FLOWS, "bins": 20}}


def iwae(**changes):
    return gv.IWAE(small_vae(**changes), samples=SAMPLES)


# name: (a bound of 12 pixels and 4 latent variables, the most numbers that a latent state takes in batches of BATCH)
WIDE = {
    "pixels": (lambda: iwae(), 12),
    "hidden layer of the generator": (lambda: iwae(generator_layer_sizes=[50, 6]), 50),
    "components of each pixel": (lambda: iwae(**LOGISTICS), 5 * 12),
    "bins of each latent variable": (lambda: iwae(**SPLINE), (3 * 20 - 1) * 2),
    "hidden layer of a flow": (
        lambda: iwae(latent_type="iaf", latent_options={**FLOWS, "hidden_sizes": [30]}),
        30,
    ),
    "full covariance, of each data point": (lambda: iwae(latent_type="full_covariance"), 12),
    "components of the prior": (lambda: iwae(prior="mixture", prior_options={"components": 9}), 9 * 4),
    "hidden layer of the prior": (lambda: iwae(prior="real_nvp", prior_options={"hidden_sizes": [40]}), 40),
    "hidden layer between layers of latent variables": (
        lambda: iwae(**LAYERED, latent_options={"between_layer_sizes": [40]}, prior_options={"layer_sizes": [5]}),
        40,
    ),
    "hidden layer between layers of the prior": (
        lambda: iwae(**{**LAYERED, "latent_type": "ladder"}, prior_options={"layer_sizes": [30]}),
        30,
    ),
    "posteriors of splines as the prior": (
        lambda: iwae(**SPLINE, prior="vamp", prior_options={"components": 3}),
        3 * (3 * 20 - 1) * 2,
    ),
    "BetaTC": (lambda: gv.BetaTC(small_vae(), dataset_size=1000, samples=SAMPLES), BATCH * 4),
    "InfoVAE": (lambda: gv.InfoVAE(small_vae(), samples=SAMPLES), BATCH),
}


@pytest.mark.parametrize("name", WIDE)
def test_width_is_that_of_the_largest_array_in_the_graph(name):
    make, wanted = WIDE[name]
    bound, samples = make(), 300  # so many that nothing of a data point alone is larger
    specs = leaves(bound.noise)
    noise = {f"noise{number}": (samples, BATCH, spec.size) for number, spec in enumerate(specs)}
    arrays = mx.sym.Group(bound._sampler(mx.sym.var("data"), *map(mx.sym.var, noise))).get_internals()
    shapes = arrays.infer_shape(data=(BATCH, 12), **noise)[1]
    assert max(np.prod(shape) for shape in shapes) == samples * BATCH * wanted
    assert bound.floats_per_sample(BATCH) == wanted


@pytest.mark.parametrize("name", WIDE)
def test_wider_arrays_are_computed_in_smaller_chunks(name, rng, monkeypatch):
    make, width = WIDE[name]
    bound = make()
    # in float64, as a spline's gradients lose digits
    bound.vae.cast("float64")
    data = nd(rng.integers(0, 2, (BATCH, 12)), "float64")
    noise = noise_for(rng, bound, BATCH, "float64")
    sizes = []
    whole = terms_and_gradients(bound, data, noise)
    bound._sampler.register_forward_pre_hook(lambda sampler, inputs: sizes.append(len(inputs[1])))
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 3 * BATCH * width)
    for got, want in zip(terms_and_gradients(bound, data, noise), whole):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    # forward, and again for the gradient
    assert sizes == [3, 3, 1, 3, 3, 1]


# of a graph that is one program only the 4 latent variables are in memory
@pytest.mark.parametrize(
    ("changes", "width"), [({}, 4 if available() else 12), (LOGISTICS, 4 if available() else 60), (SPLINE, 118)]
)
def test_marginal_likelihood_in_smaller_chunks_of_wider_arrays(changes, width, rng, monkeypatch):
    vae, data = small_vae(**changes), pixels(rng, 5)
    whole = gv.log_marginal_likelihood(vae, data, samples=30).log_likelihood
    rows = []

    class Recorded(importance.LogWeight):
        def forward(self, data, noise):
            rows.append(noise.shape[0] * noise.shape[1])
            return super().forward(data, noise)

    monkeypatch.setattr(likelihood, "LogWeight", Recorded)
    memory = 12 * 4 * pieces.ARRAYS_A_ROW * width / 2**20
    in_chunks = gv.log_marginal_likelihood(vae, data, samples=30, memory=memory).log_likelihood
    np.testing.assert_allclose(in_chunks, whole, rtol=1e-5)
    assert rows == 5 * [12, 12, 6]


STEP = """
import json, re
from pathlib import Path
import gluonvae as gv
from gluonvae.backend.runtime import mx

gv.seed(1)
vae = gv.construct_vae(generator_layer_sizes=[200, 200], infer_layer_sizes=[200, 200], latent_variable_size=50)
vae.initialize()
bound = gv.IWAE(vae, samples={samples})
bound.hybridize(static_alloc=True, static_shape=True)
trainer = mx.gluon.Trainer(vae.collect_params(), "fusedadam", {{"learning_rate": 1e-3}})
data = mx.nd.array(gv.data.load("digits").train.batch(slice({images})))
bounds = []
for step in range(2):
    with mx.autograd.record():
        objective = bound(data)
        loss = -objective
    loss.backward()
    trainer.step({images})
    bounds.append(float(objective.mean().asscalar()))
# ru_maxrss would be that of the process which started this one, if it has more
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(json.dumps({{"bounds": bounds, "gigabytes": peak / 2**20}}))
"""


def test_five_thousand_samples_train_in_under_two_gigabytes(in_full):
    """Of 100 images in full, and otherwise of 20, which at once would take 1.4 GB."""
    code = STEP.format(samples=5000, images=100 if in_full else 20)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answer = json.loads(result.stdout)
    print(answer)
    assert answer["gigabytes"] < (2 if in_full else 1.1)
    assert answer["bounds"][1] > answer["bounds"][0]


THREADED = """
import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base

vae = gv.construct_vae(data_dims=12, latent_variable_size=4, infer_layer_sizes=[6], generator_layer_sizes=[5])
vae.initialize()
bound = gv.IWAE(vae, samples=5)
bound.hybridize(static_alloc=True, static_shape=True)
base.FLOATS_AT_ONCE = 12 * 4 * 2
for step in range(2):
    with mx.autograd.record():
        loss = bound(mx.nd.ones((4, 12))).sum() + vae.generator(mx.nd.ones((7, 4))).sum()
    loss.backward()
    for parameter in vae.collect_params().values():
        parameter.grad().wait_to_read()
"""


def test_chunks_beside_another_graph_do_not_wait_for_ever_under_the_threaded_engine():
    environment = {**os.environ, "MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice", "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", THREADED], env=environment, timeout=60, check=True)
