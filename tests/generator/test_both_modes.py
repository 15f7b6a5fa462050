"""Every likelihood of the table, imperatively and hybridised."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import operators as ops
from tests.helpers import MODES, assert_function_agrees, assert_modes_agree, nd, set_mode
from tests.helpers.likelihoods import every_likelihood, every_shape, from_raw, leading_axes, make, model, raw_parameters
from tests.tables.likelihoods import X


@every_shape
@every_likelihood
def test_log_prob_in_both_modes(row, shapes):
    generator = make(row)

    def arrays(rng, batch):
        of_parameters, of_values = leading_axes(shapes, batch)
        return [*raw_parameters(row, rng, *of_parameters), row.data(rng, *of_values, X)]

    assert_function_agrees(
        lambda *tensors: from_raw(generator, *tensors[:-1]).log_prob(tensors[-1]), arrays, constants(row, generator)
    )


def constants(row, generator):
    """The block that has the constants of a likelihood that takes some from its training data."""
    return generator.family if row.adapted else None


def with_gradient(x, raw):
    """``x`` and something to differentiate: a draw, a mode and a mean that is a parameter itself have no graph."""
    F = ops.namespace(x)
    return F.broadcast_add(x, F.expand_dims(ops.sum_last(raw), axis=-1))


@pytest.mark.parametrize("what", ["mean", "mode"])
@every_likelihood
def test_mean_and_mode_in_both_modes(row, what):
    generator = make(row)
    assert_function_agrees(
        lambda *raw: with_gradient(getattr(from_raw(generator, *raw), what), raw[0]),
        lambda rng, batch: raw_parameters(row, rng, batch),
        constants(row, generator),
    )


@every_likelihood
def test_samples_in_both_modes(row):
    generator = make(row)
    assert_function_agrees(
        lambda *tensors: with_gradient(from_raw(generator, *tensors[:-1]).sample(tensors[-1]), tensors[0]),
        lambda rng, batch: [*raw_parameters(row, rng, 2, batch), rng.random((2, batch, generator.noise.size))],
        constants(row, generator),
    )


@pytest.mark.parametrize("bound", [gv.ELBO, lambda vae: gv.IWAE(vae, samples=3)], ids=["ELBO", "IWAE"])
@every_likelihood
def test_models_in_both_modes(row, bound, rng):
    assert_modes_agree(bound(model(row)), rng, lambda rng, batch: nd(row.data(rng, batch, 12)))


@pytest.mark.parametrize("mode", MODES)
@every_likelihood
def test_models_draw_in_every_mode(row, mode, rng):
    vae = model(row)
    latent_state, noise = nd(rng.standard_normal((7, 4))), nd(rng.random((7, vae.generator.noise.size)))
    expected = vae.generator.generate_sample(latent_state, noise).asnumpy()
    set_mode(vae, mode)
    np.testing.assert_allclose(vae.generator.generate_sample(latent_state, noise).asnumpy(), expected, rtol=1e-5)
