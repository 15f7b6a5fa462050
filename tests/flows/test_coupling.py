"""Couplings leave half of the variables alone."""

import numpy as np
import pytest

from tests.helpers import nd
from tests.tables.flows import FLOWS, B, C, D, contexts, randomised


@pytest.mark.parametrize("name", ["affine", "affine, flipped, no hidden layer", "spline", "spline, flipped"])
def test_couplings_leave_half_alone(name, rng):
    flow = randomised(FLOWS[name](D, C), rng)
    z = rng.standard_normal((B, D))
    there = flow(nd(z, "float64"), *contexts(rng, B, C))[0].asnumpy()
    np.testing.assert_array_equal((there == z).all(0), [flow.flip == (place >= D // 2) for place in range(D)])
