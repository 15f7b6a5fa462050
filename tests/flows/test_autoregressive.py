"""Autoregressive flows: the order of their Jacobian, and their context."""

import numpy as np
import pytest

from gluonvae import flows
from tests.helpers import nd
from tests.tables.flows import B, C, D, K, contexts, jacobians, randomised, with_and_without_context


@with_and_without_context
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("hidden", [[], [2], [9], [9, 30]])
def test_autoregressive_jacobian_is_triangular_in_its_order(hidden, backwards, context_size, rng):
    make = flows.InverseAutoregressive(D, hidden, "tanh", context_size, backwards)
    jacobian = jacobians(randomised(make, rng), rng.standard_normal((K, B, D)), contexts(rng, B, context_size))
    if backwards:
        jacobian = jacobian[..., ::-1, ::-1]
    assert (np.triu(jacobian, 1) == 0).all()
    below = np.tril(jacobian, -1) != 0
    # wide enough layers leave no variable out
    assert below[..., D - 1, 0].all()
    assert hidden == [2] or (below.sum((-2, -1)) == D * (D - 1) / 2).all()


def test_autoregressive_sees_its_context_in_every_variable(rng):
    flow = randomised(flows.InverseAutoregressive(D, [7], "tanh", C), rng)
    z = nd(np.zeros((B, D)), "float64")
    one, other = (flow(z, *contexts(rng, B, C))[0].asnumpy() for _ in range(2))
    assert (one != other).all()
