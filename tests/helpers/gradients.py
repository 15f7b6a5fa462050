"""Gradients against differences, finite and the same as others."""

import numpy as np
import pytest

from gluonvae.backend.runtime import mx
from tests.helpers.tensors import nd


def learned(block):
    """The parameters that have a gradient: not weights such as β, nor moving averages."""
    return [parameter for parameter in block.collect_params().values() if parameter.grad_req != "null"]


def assert_slope_along_a_direction(bound, parameters, tensors, rng):
    """The gradient of a float64 bound in its parameters, along a random direction in all of them, by central
    differences."""
    with mx.autograd.record():
        bound(*tensors).backward()
    here = [parameter.data().asnumpy() for parameter in parameters]
    direction = [rng.standard_normal(values.shape) for values in here]
    slope = sum((p.grad().asnumpy() * along).sum() for p, along in zip(parameters, direction))
    sides = []
    for step in (1e-6, -1e-6):
        for parameter, values, along in zip(parameters, here, direction):
            parameter.set_data(nd(values + step * along, "float64"))
        sides.append(bound(*tensors).sum().asscalar())
    assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(slope, rel=1e-6)


def finite_terms_and_gradients(bound, data, noise):
    with mx.autograd.record():
        terms = bound.terms(data, noise)
        terms.objective.backward()
    gradients = [p.grad() for p in learned(bound)]
    assert all(np.isfinite(x.asnumpy()).all() for x in (*terms, *gradients))
    return terms


def assert_close(got, wanted, tolerance=1e-9):
    for one, want in zip(got, wanted):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, want, rtol=tolerance, atol=tolerance * max(1, abs(want).max()))
