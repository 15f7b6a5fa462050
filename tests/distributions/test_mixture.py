"""Mixtures: which components are drawn, and both modes."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from tests.helpers import assert_function_agrees, nd


def far_apart(weights):
    """A mixture whose components cannot be mistaken for each other."""
    means = nd(100 * np.arange(len(weights))[:, None] * np.ones((1, 2)))
    std = mx.nd.ones_like(means)
    return gv.Mixture(
        nd(np.log(weights)),
        gv.Normal(means, std),
        lambda number: gv.Normal(mx.nd.take(means, number), mx.nd.take(std, number)),
    )


def test_components_are_drawn_as_often_as_they_weigh(rng):
    weights = np.array([0.3, 0.01, 0.49, 0.2])
    noise = gv.MixtureNoise(component=nd(rng.random((20_000, 1))), value=nd(rng.standard_normal((20_000, 2))))
    draws = far_apart(weights).sample(noise).asnumpy()
    numbers = np.rint(draws / 100).astype(int)
    np.testing.assert_array_equal(numbers[:, 0], numbers[:, 1])
    counts = np.bincount(numbers[:, 0], minlength=4)
    assert scipy.stats.chisquare(counts, 20_000 * weights).pvalue > 1e-3


def test_the_furthest_noise_picks_the_first_and_the_last_component():
    largest = np.nextafter(np.float32(1), np.float32(0))
    noise = gv.MixtureNoise(component=nd([[0], [largest]]), value=nd(np.zeros((2, 2))))
    draws = far_apart(np.full(7, 1 / 7)).sample(noise).asnumpy()
    np.testing.assert_array_equal(draws, [[0, 0], [600, 600]])


FUNCTIONS = {
    "log_sum_exp": (lambda x: ops.log_sum_exp(x, axis=-1), lambda rng, B: [9 * rng.standard_normal((B, 5))]),
    "Mixture.log_prob": (
        lambda logits, mean, log_std, z: mixture_of(logits, mean, log_std).log_prob(z),
        lambda rng, B: [
            *rng.standard_normal((2, 3, 4)),
            *rng.standard_normal((1, 3, 4)),
            *rng.standard_normal((1, B, 4)),
        ],
    ),
    "Mixture.sample, and a mean for a gradient": (
        lambda logits, mean, log_std, *noise: ops.namespace(mean).broadcast_add(
            mixture_of(logits, mean, log_std).sample(gv.MixtureNoise(*noise)),
            ops.namespace(mean).slice_axis(mean, axis=0, begin=0, end=1),
        ),
        lambda rng, B: [*rng.standard_normal((3, 3, 4)), rng.random((2, B, 1)), rng.standard_normal((2, B, 4))],
    ),
}


def mixture_of(logits, mean, log_std):
    F = ops.namespace(mean)
    std = F.exp(log_std)
    return gv.Mixture(
        F.log_softmax(F.sum(logits, axis=-1)),
        gv.Normal(mean, std),
        lambda number: gv.Normal(F.take(mean, number), F.take(std, number)),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree(name):
    assert_function_agrees(*FUNCTIONS[name])
