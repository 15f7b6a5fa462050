"""Images, reconstructions and estimates in pieces: the same as in one, of every kind of model, in bounded memory."""

from collections import deque

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.evaluation import estimates
from gluonvae.models import vae as models
from tests.helpers import nd, set_mode
from tests.helpers.processes import python
from tests.tables import parts

X = parts.SHAPE[0] * parts.SHAPE[1]
CLASSES = [0, 1, 2, 0, 1, 2, 1]


def fitting(posterior=None, prior=None):
    pairs = ((q, p) for q in parts.POSTERIORS for p in parts.PRIORS if parts.prior_fits(q, p))
    return next(pair for pair in pairs if posterior in (None, pair[0]) and prior in (None, pair[1]))


def labels_for(prior):
    return {"labels": "conditional"} if prior == "conditional" else {}


KINDS = {
    **{f"likelihood {name}": {"likelihood": name} for name in parts.LIKELIHOODS},
    **{f"posterior {name}": dict(zip(("posterior", "prior"), fitting(name))) for name in parts.POSTERIORS},
    **{
        f"prior {name}": {**dict(zip(("posterior", "prior"), fitting(None, name))), **labels_for(name)}
        for name in parts.PRIORS
    },
    **{f"body {name}": {"body": name} for name in parts.BODIES},
    **{f"labels {name}": {"labels": name} for name in parts.LABELS},
    **{f"labels {name}, conv": {"labels": name, "body": "conv"} for name in parts.LABELS},
    "missing values": {"values": "missing values"},
}


def generated(vae, data, label, image):
    gv.seed(3)
    return [
        vae.phantasize(7, image, label=label).asnumpy(),
        vae.generate_reconstructions(data, 3, image, label=label).asnumpy(),
        gv.noise.source.uniform((2,)).asnumpy(),
    ]


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
@pytest.mark.parametrize("kind", KINDS)
def test_images_in_pieces_are_those_of_one_piece(kind, mode, rng, monkeypatch):
    vae = parts.model(**KINDS[kind])
    vae.cast("float64")
    set_mode(vae, mode)
    likelihood = KINDS[kind].get("likelihood", "bernoulli_prod")
    data = nd(parts.LIKELIHOODS[likelihood].data(rng, len(CLASSES), X), "float64")
    label = CLASSES if vae.label_size else None
    sizes = deque([1, 4, 15])
    sizes.rotate(list(KINDS).index(kind))  # over all kinds, each image in pieces of each size
    for image, rows in zip(("sample", "mean", "mode"), sizes):
        whole = generated(vae, data, label, image)
        with monkeypatch.context() as patched:
            patched.setattr(models, "rows_that_fit", lambda floats, rows=rows: rows)
            in_pieces = generated(vae, data, label, image)
        for got, want in zip(in_pieces, whole):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_no_piece_is_wider_than_what_fits(rng, monkeypatch):
    vae, sizes = parts.model(), []
    monkeypatch.setattr(models, "rows_that_fit", lambda floats: 4)
    for block in (vae.generator, vae.inference_net):
        block.register_forward_pre_hook(lambda _, inputs: sizes.append(np.prod(inputs[0].shape[:-1])))
    vae.phantasize(9)
    vae.generate_reconstructions(nd(rng.integers(0, 2, (9, X))), 3)
    assert max(sizes) <= 4


def test_reconstructions_that_are_recorded_have_their_gradient(rng, monkeypatch):
    vae, data = parts.model(), nd(rng.integers(0, 2, (5, X)))
    parameter = vae.collect_params(".*weight").values()

    def gradients():
        gv.seed(1)
        with mx.autograd.record():
            loss = vae.generate_reconstructions(data, 3, "mean").sum()
        loss.backward()
        return [one.grad().asnumpy() for one in parameter]

    whole = gradients()
    monkeypatch.setattr(models, "rows_that_fit", lambda floats: 2)
    for got, want in zip(gradients(), whole):
        np.testing.assert_array_equal(got, want)
    assert any(np.abs(want).max() > 0 for want in whole)


@pytest.mark.parametrize(
    "make", [gv.ELBO, lambda vae: gv.IWAE(vae, samples=3), gv.InfoVAE], ids=["elbo", "iwae", "info"]
)
@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_estimates_do_not_depend_on_the_pieces(make, mode, rng):
    bound = make(parts.model())
    bound.vae.cast("float64")
    set_mode(bound, mode)
    data = rng.integers(0, 2, (23, X))
    whole, sizes = gv.evaluate(bound, data, batch_size=10), []
    bound.vae.inference_net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    for rows in (1, 4, 7, 100):
        np.testing.assert_allclose(gv.evaluate(bound, data, batch_size=10, rows=rows), whole, rtol=1e-12)
        assert mode != "imperative" or max(sizes) <= rows
    with pytest.raises(ValueError, match="rows must be positive, got 0"):
        gv.evaluate(bound, data, rows=0)


def test_kl_by_layer_does_not_depend_on_the_pieces(rng):
    vae, data = parts.model(posterior="hierarchical", prior="hierarchical"), rng.integers(0, 2, (23, X))
    vae.cast("float64")
    whole = gv.kl_by_layer(vae, data, batch_size=10)
    np.testing.assert_allclose(gv.kl_by_layer(vae, data, batch_size=10, rows=3), whole, rtol=1e-12)


def test_validation_is_no_wider_than_training(rng):
    vae, sizes = parts.model(), []
    data = rng.integers(0, 2, (40, X))
    vae.inference_net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    gv.fit(gv.ELBO(vae), data[:16], data, batch_size=8, epochs=1, progress=False)
    assert sizes == 2 * [8] + 5 * [8]


def test_estimates_of_wide_data_are_read_in_small_batches(rng, monkeypatch):
    vae, sizes = parts.model(), []
    monkeypatch.setattr(estimates, "READ_AT_ONCE", 5 * X)
    vae.inference_net.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    gv.evaluate(gv.ELBO(vae), rng.integers(0, 2, (12, X)))
    assert sizes == [5, 5, 2]


MEMORY = """
import re
import numpy as np
import gluonvae as gv

def peak():
    # ru_maxrss would be that of the process which started this one, if it has more
    return int(re.search("VmHWM:[ \\t]+([0-9]+) kB", open("/proc/self/status").read())[1]) / 2**10

side, n = 32, 3000
conv = {{"infer_body": "conv", "generator_body": "conv", "data_shape": (side, side), "data_dims": side * side,
        "infer_layer_sizes": [8, 8], "generator_layer_sizes": [8, 8]}}
dense = {{"data_dims": side * side, "infer_layer_sizes": [20], "generator_layer_sizes": [20]}}
vae = gv.construct_vae(latent_variable_size=4, **{model})
vae.initialize()
data = np.zeros((n, side * side), np.float32)

def run(count):
    {task}

run(2)
before = peak()
result = run(n)
print(peak() - before - 4 * getattr(result, "size", 0) / 2**20)
"""
GENERATED = "return vae.phantasize(count, 'mean')"
RECONSTRUCTED = "return vae.generate_reconstructions(gv.backend.runtime.mx.nd.array(data[:count]), 1, 'mean')"
EVALUATED = "gv.evaluate(gv.ELBO(vae), data[:count], batch_size=count)"
TASKS = {
    "images, conv": ("conv", GENERATED),
    "reconstructions and estimates, conv": (
        "conv",
        f"gv.log_marginal_likelihood(vae, data[:count], samples=1); {EVALUATED}; {RECONSTRUCTED}",
    ),
    "many samples": ("dense", "gv.log_marginal_likelihood(vae, data[:count], samples=300)"),
    "mixtures of logistics": (
        "dict(dense, likelihood='discretizedLogisticMixture')",
        "return vae.phantasize(1 + count // 12, 'mean')",
    ),
    "codes": (
        "dict(dense, latent_type='vector_quantized', latent_options={'code_size': 1, 'codes': 20000}, prior='codebook')",
        RECONSTRUCTED,
    ),
}


@pytest.mark.parametrize("task", TASKS)
def test_many_images_take_the_memory_of_one_piece(task):
    model, code = TASKS[task]
    # beside the result, the data and the noise of what is drawn
    assert float(python(MEMORY.format(model=model, task=code)).stdout) < 200
