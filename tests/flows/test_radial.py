"""Radial flows: the paper's formula, and their centre."""

import numpy as np

from gluonvae import flows
from tests.helpers import nd, value_and_gradients
from tests.tables.flows import B, BothWays, D, randomised


def test_radial_is_the_papers_formula(rng):
    flow = randomised(flows.Radial(D), rng)
    centre, alpha, beta = (p.data().asnumpy() for p in flow.collect_params().values())
    alpha, m = (np.logaddexp(0, x + D) + flows.radial.MIN_RADIUS for x in (alpha, beta))
    z = rng.standard_normal((B, D))
    r = np.linalg.norm(z - centre, axis=-1, keepdims=True)
    expected = z + (m - alpha) / (alpha + r) * (z - centre)
    np.testing.assert_allclose(flow(nd(z, "float64"))[0].asnumpy(), expected, rtol=1e-10)


def test_radial_at_its_centre(rng):
    flow = randomised(flows.Radial(D), rng)
    z = next(iter(flow.collect_params().values())).data().reshape((1, D))
    results = value_and_gradients(BothWays(flow), [z])
    np.testing.assert_allclose(results[0][0, :D], z.asnumpy()[0])
    assert all(np.isfinite(array).all() for array in results)
