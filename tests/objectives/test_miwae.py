"""MIWAE is the mean of IWAE over groups."""

import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd64, numbers, small_vae


def test_miwae_is_the_mean_of_iwae_over_groups_and_so_are_its_gradients(rng):
    vae, data = small_vae(), nd64(rng.integers(0, 2, (7, 12)))
    vae.cast("float64")
    noise = rng.standard_normal((6, 7, 4))
    for gradient in ("standard", "stl", "dreg"):
        results = []
        for bounds, draws in (
            ([gv.MIWAE(vae, 6, 2, gradient)], [noise]),
            ([gv.IWAE(vae, 3, gradient)] * 2, [noise[::2], noise[1::2]]),
        ):
            with mx.autograd.record():
                value = sum(bound(data, nd64(draw)) for bound, draw in zip(bounds, draws)) / len(bounds)
            value.backward()
            results.append(numbers(value, *(p.grad() for p in vae.collect_params().values())))
        for got, want in zip(*results):
            np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-11)
