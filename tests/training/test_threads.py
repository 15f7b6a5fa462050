"""What is learnt does not depend on the number of threads, to the bit, where all products are compiled."""

import json

import pytest

from gluonvae.backend.regions.availability import products_available
from tests.helpers.processes import python

MODELS = {
    "ELBO": ("pixels", {}, "gv.ELBO(vae)"),
    "ELBO, 3 samples": ("pixels", {}, "gv.ELBO(vae, samples=3)"),
    "ELBO, stl": ("pixels", {"infer_act_type": "relu"}, "gv.ELBO(vae, gradient='stl')"),
    "IWAE": ("pixels", {}, "gv.IWAE(vae, samples=5)"),
    "IWAE, dreg": ("pixels", {}, "gv.IWAE(vae, samples=5, gradient='dreg')"),
    "MIWAE": ("pixels", {}, "gv.MIWAE(vae, samples=8)"),
    "InfoVAE": ("pixels", {}, "gv.InfoVAE(vae)"),
    "BetaTC": ("pixels", {}, "gv.BetaTC(vae, dataset_size=231)"),
    "FreeBitsELBO": ("pixels", {}, "gv.FreeBitsELBO(vae, free_bits=0.1)"),
    "VIMCO": ("pixels", {"latent_type": "bernoulli", "prior": "codes"}, "gv.VIMCO(vae, samples=5)"),
    "VQELBO": (
        "pixels",
        {"latent_type": "vector_quantized", "prior": "codebook", "latent_options": {"code_size": 4, "codes": 16}},
        "gv.VQELBO(vae)",
    ),
    "Gaussian": ("grey", {"likelihood": "gaussian"}, "gv.ELBO(vae)"),
    "counts": ("counts", {"likelihood": "negative_binomial"}, "gv.ELBO(vae)"),
    "VampPrior": ("pixels", {"prior": "vamp", "prior_options": {"components": 20}}, "gv.ELBO(vae)"),
    "real NVP": ("pixels", {"latent_type": "real_nvp"}, "gv.ELBO(vae)"),
}
# of 100 rows, so that steps are shared between threads, and of 31, the last, which does not fall into equal parts
TRAIN = """
import hashlib, json, sys, warnings
import numpy as np
import gluonvae as gv
from gluonvae.backend.installation import threads

warnings.simplefilter("ignore")
rng, parameters = np.random.default_rng(0), {"threads": threads()}
shape = (231, 200)
data = {"pixels": rng.integers(0, 2, shape), "grey": rng.random(shape), "counts": rng.poisson(3, shape)}
for name, (kind, options, bound) in json.loads(sys.argv[1]).items():
    gv.seed(7)
    vae = gv.construct_vae(data_dims=200, latent_variable_size=20, infer_layer_sizes=[200, 100],
                           generator_layer_sizes=[100, 200], **options)
    vae.initialize()
    bound = eval(bound)
    bound.hybridize(static_alloc=True, static_shape=True)
    gv.fit(bound, data[kind].astype(np.float32), epochs=1, batch_size=100, progress=False)
    values = [parameter.data().asnumpy().tobytes() for parameter in bound.collect_params().values()]
    parameters[name] = hashlib.sha256(b"".join(values)).hexdigest()
print(json.dumps(parameters))
"""


@pytest.fixture(scope="module")
def trained():
    code = TRAIN.replace("sys.argv[1]", repr(json.dumps(MODELS)))
    return [json.loads(python(code, GLUONVAE_THREADS=count).stdout.splitlines()[-1]) for count in "13"]


@pytest.mark.skipif(not products_available("float32"), reason="the products are MXNet's own")
@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_the_same_to_the_bit_with_any_number_of_threads(model, trained):
    assert [of["threads"] for of in trained] == [1, 3]
    assert len({of[model] for of in trained}) == 1
    assert trained[0][model] not in [value for name, value in trained[0].items() if name != model]
