"""Encodings moved to their nearest code vectors: values, gradients and divergences by NumPy."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributions import CodeVectors, Quantized
from tests.helpers import nd
from tests.truths.codebook import CODES, SIZE, D, V, log_softmax, nearest, quantized_of


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_the_nearest_codes_are_taken(rng, batch):
    encodings, vectors, q = quantized_of(rng, batch)
    codes, values = nearest(encodings, vectors)
    np.testing.assert_array_equal(q.codes.asnumpy(), codes)
    for value in (q.mode, q.mean, q.sample(), q.rsample()):
        np.testing.assert_array_equal(value.asnumpy(), values)
    assert len(np.unique(codes)) > 1


def test_each_row_of_noise_has_the_same_latent_state(rng):
    encodings, vectors, q = quantized_of(rng, 5)
    copies = q.rsample(nd(rng.standard_normal((4, 5, 1)), "float64")).asnumpy()
    np.testing.assert_array_equal(copies, np.broadcast_to(nearest(encodings, vectors)[1], (4, 5, D)))


def test_the_gradient_goes_straight_through(rng):
    encodings, vectors, _ = quantized_of(rng, 5)
    weights = rng.standard_normal((5, D))
    z, e = nd(encodings, "float64"), nd(vectors, "float64")
    z.attach_grad()
    e.attach_grad()
    with mx.autograd.record():
        (Quantized(z, e, CODES, SIZE).rsample() * nd(weights, "float64")).sum().backward()
    np.testing.assert_array_equal(z.grad.asnumpy(), weights)
    np.testing.assert_array_equal(e.grad.asnumpy(), 0)


def test_each_distance_moves_its_side(rng):
    encodings, vectors, _ = quantized_of(rng, 5)
    codes, values = nearest(encodings, vectors)
    apart, weights = encodings - values, np.linspace(0.5, 2, 5)
    of_vectors = np.zeros_like(vectors)
    np.add.at(of_vectors, codes, (-2 * weights[:, None] * apart).reshape(5, V, SIZE))
    for name, wanted in {
        "commitment": (2 * weights[:, None] * apart, 0 * vectors),
        "dictionary_loss": (0 * apart, of_vectors),
    }.items():
        z, e = nd(encodings, "float64"), nd(vectors, "float64")
        z.attach_grad()
        e.attach_grad()
        with mx.autograd.record():
            distance = getattr(Quantized(z, e, CODES, SIZE), name)
            (distance * nd(weights, "float64")).sum().backward()
        np.testing.assert_allclose(distance.asnumpy(), (apart**2).sum(-1), rtol=1e-12)
        for got, want in zip((z.grad, e.grad), wanted):
            np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch", [1, 7])
def test_the_kl_of_a_point_mass_is_the_codes_log_mass(rng, batch):
    encodings, vectors, q = quantized_of(rng, batch)
    logits, weights = rng.standard_normal((V, CODES)), np.linspace(0.5, 2, batch)
    codes, _ = nearest(encodings, vectors)
    tensor = nd(logits, "float64")
    tensor.attach_grad()
    with mx.autograd.record():
        kl = gv.kl_divergence(q, CodeVectors(tensor, q.vectors))
        (kl * nd(weights, "float64")).sum().backward()
    np.testing.assert_allclose(kl.asnumpy(), -log_softmax(logits)[np.arange(V), codes].sum(-1), rtol=1e-12)
    gradient = weights.sum() * np.exp(log_softmax(logits))
    np.add.at(gradient, (np.arange(V), codes), -weights[:, None])
    np.testing.assert_allclose(tensor.grad.asnumpy(), gradient, rtol=1e-10, atol=1e-12)
    uniform = gv.kl_divergence(q, CodeVectors(nd(np.zeros((V, CODES)), "float64"), q.vectors))
    np.testing.assert_allclose(uniform.asnumpy(), np.full(batch, V * np.log(CODES)), rtol=1e-12)


def test_code_vectors_are_drawn_as_often_as_they_are_probable(rng):
    logits, vectors, n = rng.standard_normal((V, CODES)), rng.standard_normal((CODES, SIZE)), 20000
    draws = CodeVectors(nd(logits), nd(vectors)).sample(nd(rng.random((n, V)))).asnumpy()
    codes, values = nearest(draws, vectors.astype(np.float32))
    np.testing.assert_array_equal(draws, values)
    probabilities = np.exp(log_softmax(logits))
    frequencies = np.stack([np.bincount(column, minlength=CODES) / n for column in codes.T])
    assert (abs(frequencies - probabilities) < 4.5 * np.sqrt(probabilities * (1 - probabilities) / n)).all()
    # independently, and noise of 0 picks the first
    pairs = np.corrcoef(codes.T)
    assert abs(pairs - np.eye(V)).max() < 0.04
    edges = CodeVectors(nd(logits), nd(vectors)).sample(nd(np.zeros((1, V)))).asnumpy()
    np.testing.assert_array_equal(edges.reshape(V, SIZE), np.tile(vectors[0].astype(np.float32), (V, 1)))
