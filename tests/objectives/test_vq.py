"""The bound of a model with a codebook, by NumPy."""

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import assert_modes_agree_in_float64, nd, pixels
from tests.truths.codebook import COMMITMENT, V, log_softmax, nearest, numbers, small


def by_hand(vae, data, commitment, dictionary):
    """objective, bound, log-likelihood, KL of each data point, by NumPy from the networks' outputs."""
    encodings, vectors = (numbers(x) for x in vae.inference_net(data))
    codes, values = nearest(encodings, vectors)
    logits = numbers(vae.generator(nd(values, vae.dtype)))
    log_likelihood = (numbers(data) * logits - np.log1p(np.exp(logits))).sum(-1)
    kl = -log_softmax(numbers(vae.prior.logits.data()))[np.arange(V), codes].sum(-1)
    apart = ((encodings - values) ** 2).sum(-1)
    bound = log_likelihood - kl
    return bound - (commitment + dictionary) * apart, bound, log_likelihood, kl


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_the_terms_are_those_of_the_paper(rng, codebook):
    vae = small(codebook, rng=rng)
    data = pixels(rng, 7).astype("float64")
    terms = gv.VQELBO(vae, commitment=COMMITMENT).terms(data)
    for got, want in zip(terms, by_hand(vae, data, COMMITMENT, codebook == "gradient")):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-9)
    log_likelihood, kl = vae(data)
    np.testing.assert_allclose(log_likelihood.asnumpy(), terms.log_likelihood.asnumpy(), rtol=1e-12)
    np.testing.assert_allclose(kl.asnumpy(), terms.kl.asnumpy(), rtol=1e-12)
    assert np.isfinite(by_hand(vae, data, 0, 0)[0]).all()


def test_both_modes_agree(rng):
    vae = small("gradient", rng=rng)
    noise = lambda batch: nd(rng.standard_normal((batch, 1)), "float64")  # noqa: E731
    batches = [(pixels(rng, batch).astype("float64"), noise(batch)) for batch in (1, 7, 64, 7)]
    assert_modes_agree_in_float64(gv.VQELBO(vae, commitment=COMMITMENT), batches)


def test_the_weight_of_commitment_needs_no_new_trace(rng):
    vae = small(rng=rng)
    bound = gv.VQELBO(vae, commitment=0)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = pixels(rng, 7).astype("float64")
    free = bound.terms(data).objective.asnumpy()
    graph = bound._cached_op
    bound.commitment = 2.0
    np.testing.assert_allclose(free - bound(data).asnumpy(), 2 * (free - by_hand(vae, data, 1, 0)[0]), rtol=1e-9)
    assert bound._cached_op is graph
