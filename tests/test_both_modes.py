"""Every F-dispatched function, distribution and objective gives the same values and gradients
imperatively and hybridised, with the same noise, for several batch sizes and after switching.

A new one is a row of a table.
"""

import numpy as np
import pytest
from conftest import MODES, nd, pixels, set_mode, small_vae
from modes import assert_function_agrees, assert_modes_agree

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.distributions import bernoulli

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


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    assert_function_agrees(*FUNCTIONS[name])


OBJECTIVES = {
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, beta": lambda vae: gv.ELBO(vae, beta=0.3),
    "ELBO, 3 samples": lambda vae: gv.ELBO(vae, samples=3),
    "IWAE, 1 sample": lambda vae: gv.IWAE(vae, samples=1),
    "IWAE, 4 samples": lambda vae: gv.IWAE(vae, samples=4),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives(name, rng):
    assert_modes_agree(OBJECTIVES[name](small_vae()), rng)


@pytest.mark.parametrize("activation", gv.networks.ACTIVATIONS)
def test_activations(activation, rng):
    assert_modes_agree(gv.IWAE(small_vae(generator_act_type=activation, infer_act_type=activation), samples=2), rng)


@pytest.mark.parametrize("layers", [[], [7], [7, 6, 5]])
def test_model_and_its_halves(layers, rng):
    vae = small_vae(generator_layer_sizes=layers, infer_layer_sizes=layers)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))

    def outputs():
        mean, std = vae.inference_net(data)
        latent_state = vae.inference_net.sample_latent_state(mean, std, noise=noise)
        return [
            x.asnumpy()
            for x in (
                *vae(data, noise),
                mean,
                std,
                vae.generator(latent_state),
                vae.generator.log_likelihood(latent_state, data),
            )
        ]

    expected = outputs()
    for mode in MODES:
        set_mode(vae, mode)
        for got, want in zip(outputs(), expected):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_outputs_of_one_call_survive_the_next(mode, rng):
    bound = gv.ELBO(small_vae())
    set_mode(bound, mode)
    first_data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    first = bound(first_data, noise)
    before = first.asnumpy()
    bound(1 - first_data, noise)
    np.testing.assert_array_equal(first.asnumpy(), before)


@pytest.mark.parametrize("mode", MODES)
def test_drawn_noise_is_the_source_s_noise(mode, rng, seed):
    vae = small_vae()
    set_mode(vae, mode)
    data = pixels(rng, 7)
    gv.seed(seed)
    drawn = vae(data)
    gv.seed(seed)
    given = vae(data, gv.noise.source.normal((7, 4)))
    for got, want in zip(drawn, given):
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())
