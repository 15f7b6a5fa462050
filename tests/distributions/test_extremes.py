"""Densities, draws and divergences are finite at extreme parameters."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend import operators as ops
from gluonvae.backend.runtime import mx
from tests.helpers import nd


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize("extreme", [-200, -20, 20, 200])
def test_everything_is_finite_at_extreme_preactivations(extreme):
    x = nd(np.full((2, 4), extreme))
    x.attach_grad()
    with mx.autograd.record():
        std = ops.softplus(x) + gv.inference.MIN_STD
        kl = gv.diagonal_gaussian_kl(x, std)
        z = gv.Normal(x, std).rsample(nd(np.ones((2, 4))))
        total = kl + gv.Normal(x, std).log_prob(z) + gv.Bernoulli(x).log_prob(nd(np.eye(2, 4)))
    total.backward()
    assert np.isfinite(total.asnumpy()).all()
    assert np.isfinite(x.grad.asnumpy()).all()
