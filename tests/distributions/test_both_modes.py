"""Functions of tensors and distributions, imperatively and hybridised: a new one is a row of the table."""

import pytest

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.distributions import bernoulli, scales
from tests.helpers import assert_function_agrees

D = 5


def sum_of(value, log_prob):
    return ops.sum_last(value) + log_prob


def positive(rng, *shape):
    return rng.uniform(0.2, 3, shape)


# name: (function of tensors, which arrays to call it with at batch B)
FUNCTIONS = {
    "softplus": (ops.softplus, lambda rng, B: [3 * rng.standard_normal((B, D))]),
    "log_mean_exp": (ops.log_mean_exp, lambda rng, B: [9 * rng.standard_normal((3, B))]),
    "diagonal_gaussian_kl": (
        gv.diagonal_gaussian_kl,
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D)],
    ),
    "Normal.log_prob": (
        lambda mean, std, x: gv.Normal(mean, std).log_prob(x),
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D), rng.standard_normal((B, D))],
    ),
    "Normal.log_prob, k samples": (
        lambda mean, std, x: gv.Normal(mean, std).log_prob(x),
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D), rng.standard_normal((3, B, D))],
    ),
    "Normal.rsample": (
        lambda mean, std, noise: gv.Normal(mean, std).rsample(noise),
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D), rng.standard_normal((3, B, D))],
    ),
    "Normal.rsample_and_log_prob": (
        lambda mean, std, noise: sum_of(*gv.Normal(mean, std).rsample_and_log_prob(noise)),
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D), rng.standard_normal((3, B, D))],
    ),
    "StandardNormal.log_prob": (
        lambda x: gv.StandardNormal().log_prob(x),
        lambda rng, B: [rng.standard_normal((B, D))],
    ),
    "Bernoulli.log_prob": (
        lambda logits, x: gv.Bernoulli(logits).log_prob(x),
        lambda rng, B: [3 * rng.standard_normal((B, D)), rng.integers(0, 2, (B, D))],
    ),
    "Bernoulli.log_prob, k samples": (
        lambda logits, x: gv.Bernoulli(logits).log_prob(x),
        lambda rng, B: [3 * rng.standard_normal((3, B, D)), rng.integers(0, 2, (B, D))],
    ),
    "Bernoulli.log_prob, by MXNet's operators": (
        bernoulli._log_prob,
        lambda rng, B: [3 * rng.standard_normal((3, B, D)), rng.integers(0, 2, (B, D))],
    ),
    "Bernoulli.mean": (lambda logits: gv.Bernoulli(logits).mean, lambda rng, B: [3 * rng.standard_normal((B, D))]),
    "Bernoulli.mode": (lambda logits: gv.Bernoulli(logits).mode, lambda rng, B: [rng.standard_normal((B, D))]),
    "Bernoulli.sample, and the mean for a gradient": (
        lambda logits, noise: gv.Bernoulli(logits).sample(noise) + gv.Bernoulli(logits).mean,
        lambda rng, B: [rng.standard_normal((B, D)), rng.random((B, D))],
    ),
    "repeat, a row": (scales.repeat, lambda rng, B: [rng.standard_normal(D), rng.standard_normal((3, B, D))]),
    "repeat, a number": (scales.repeat, lambda rng, B: [rng.standard_normal(1), rng.standard_normal((B, D))]),
    "fill": (lambda x: scales.fill(x, 0.3) * x, lambda rng, B: [rng.standard_normal((B, D))]),
    "kl(Normal, Normal)": (
        lambda *tensors: gv.kl_divergence(gv.Normal(*tensors[:2]), gv.Normal(*tensors[2:])),
        lambda rng, B: [
            rng.standard_normal((B, D)),
            positive(rng, B, D),
            rng.standard_normal((B, D)),
            positive(rng, B, D),
        ],
    ),
    "kl(Bernoulli, Bernoulli)": (
        lambda q, p: gv.kl_divergence(gv.Bernoulli(q), gv.Bernoulli(p)),
        lambda rng, B: [rng.standard_normal((B, D)), 2 * rng.standard_normal((B, D))],
    ),
    "kl from a sample": (
        lambda mean, std, noise: gv.kl_divergence(gv.Normal(mean, std), _Cauchyish(), noise),
        lambda rng, B: [rng.standard_normal((B, D)), positive(rng, B, D), rng.standard_normal((B, D))],
    ),
}


class _Cauchyish(gv.distributions.Distribution):
    """A density without a closed-form KL."""

    def log_prob(self, value):
        F = ops.namespace(value)
        return -F.sum(F.log1p(F.square(value)), axis=-1)


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    assert_function_agrees(*FUNCTIONS[name])
