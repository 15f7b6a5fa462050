"""Householder flows are reflections."""

import numpy as np

from gluonvae import flows
from tests.helpers import nd
from tests.tables.flows import D, contexts, randomised, with_and_without_context


@with_and_without_context
def test_householder_is_a_reflection(context_size, rng):
    flow = randomised(flows.Householder(D, context_size), rng)
    context = contexts(rng, 1, context_size)
    matrix = flow(nd(np.eye(D)[:, None], "float64"), *context)[0].asnumpy()[:, 0]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(D), atol=1e-12)
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(matrix)), [-1] + [1] * (D - 1), atol=1e-12)
