"""Planar flows: the paper's formula, and its inverse."""

import numpy as np
import pytest

from gluonvae import flows
from tests.helpers import nd
from tests.tables.flows import B, D, randomised


def test_planar_is_the_papers_formula(rng):
    flow = randomised(flows.Planar(D), rng)
    direction, normal, offset = (p.data().asnumpy() for p in flow.collect_params().values())
    z = rng.standard_normal((B, D))
    there = flow(nd(z, "float64"))[0].asnumpy()
    moved = there - z
    # z' - z is û tanh(w'z + b), with û - u along w and w'û above -1
    free = moved / np.tanh(z @ normal + offset)[:, None]
    np.testing.assert_allclose(free, np.broadcast_to(free[0], free.shape), rtol=1e-10)
    along = (free[0] - direction) / normal
    np.testing.assert_allclose(along, along[0], rtol=1e-9)
    assert free[0] @ normal > -1


@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e-3, 1, 30])
def test_planar_is_invertible_whatever_its_parameters(scale, rng):
    flow = flows.Planar(D)
    flow.initialize()
    flow.cast("float64")
    direction, normal, _ = flow.collect_params().values()
    for _ in range(20):
        opposed = scale * rng.standard_normal(D)
        normal.set_data(nd(opposed, "float64"))
        direction.set_data(nd(-opposed + rng.standard_normal(D), "float64"))
        z = nd(3 * rng.standard_normal((50, D)), "float64")
        there, log_det = flow(z)
        again, _ = flow.inverse(there)
        assert np.isfinite(log_det.asnumpy()).all()
        np.testing.assert_allclose(again.asnumpy(), z.asnumpy(), atol=1e-7 * (1 + scale))


@pytest.mark.parametrize("along", [-0.999, -0.9, -0.1, 0, 0.5, 20, 1e5])
def test_the_planar_equation_is_solved_to_the_last_digits(along, rng):
    heights = np.concatenate([[0, 1e-6, -1e-3, 0.05], rng.standard_normal(50), 30 * rng.standard_normal(50)])
    target = nd(heights + along * np.tanh(heights), "float64")
    solved = flows.planar.solve(nd(np.full(len(heights), along), "float64"), target).asnumpy()
    np.testing.assert_allclose(solved + along * np.tanh(solved), target.asnumpy(), rtol=1e-12, atol=1e-12)
