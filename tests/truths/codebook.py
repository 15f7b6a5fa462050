"""A small model with a codebook, and what it computes worked out in NumPy."""

import numpy as np

import gluonvae as gv
from gluonvae.distributions import Quantized
from tests.helpers import nd

X, V, SIZE, CODES = 12, 3, 2, 4
D = V * SIZE
DECAY, COMMITMENT = 0.8, 0.7


def small(codebook="averages", learned=True, rng=None, dtype="float64", codes=CODES):
    """A model with code vectors, and all other parameters, that are far from where they start."""
    net = gv.VectorQuantizedInferenceNetwork(D, [5], data_dims=X, code_size=SIZE, codes=codes, codebook=codebook)
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(X, [5]), net, gv.CodebookPrior(learned=learned))
    vae.initialize()
    vae(nd(np.zeros((1, X))))
    vae.cast(dtype)
    if rng is not None:
        for name, parameter in vae.collect_params().items():
            if not name.endswith("rows"):
                parameter.set_data(nd(0.8 * rng.standard_normal(parameter.shape), dtype))
    return vae


def numbers(tensor):
    return tensor.asnumpy().astype(np.float64)


def nearest(encodings, vectors):
    """Codes and code vectors, by going through all of them."""
    rows = encodings.reshape(len(encodings), -1, vectors.shape[1])
    codes = np.array(
        [[min(range(len(vectors)), key=lambda k: ((z - vectors[k]) ** 2).sum()) for z in row] for row in rows]
    )
    return codes, vectors[codes].reshape(encodings.shape)


def quantized_of(rng, batch, dtype="float64"):
    encodings, vectors = rng.standard_normal((batch, D)), rng.standard_normal((CODES, SIZE))
    return encodings, vectors, Quantized(nd(encodings, dtype), nd(vectors, dtype), CODES, SIZE)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))
