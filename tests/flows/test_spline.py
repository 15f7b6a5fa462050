"""Splines: their knots, slopes, limits and inverse."""

import numpy as np
import scipy.special

from gluonvae import flows
from tests.helpers import nd, value_and_gradients
from tests.tables.flows import BothWays, randomised


def spline_of_two(rng, dtype="float64"):
    """A spline coupling of two variables, of which the second moves."""
    return randomised(flows.SplineCoupling(2, [5], bins=6, limit=3.0), rng, dtype)


def test_spline_is_the_identity_beyond_its_limits(rng):
    flow = spline_of_two(rng)
    beyond = np.array([-1e4, -7, -3, 3, 3.5, 1e4])
    z = nd(np.stack([rng.standard_normal(6), beyond], axis=-1), "float64")
    for way in (flow, flow.inverse):
        there, log_det = way(z)
        np.testing.assert_allclose(there.asnumpy(), z.asnumpy(), rtol=1e-12)
        np.testing.assert_allclose(log_det.asnumpy(), 0, atol=1e-9)
    gradients = value_and_gradients(BothWays(flow), [z])[2:]
    assert all(abs(gradient).max() < 1e-7 for gradient in gradients)


def test_spline_goes_through_its_knots_with_their_slopes(rng):
    """Bins by NumPy from what the layers give: softmax for sizes, softplus for slopes."""
    flow = spline_of_two(rng)
    first = np.array([0.3])
    raw = flow.conditioner(nd(first[:, None], "float64")).asnumpy()[0]
    least, bins = flows.spline.MIN_SIZE, 6
    knots = []
    for logits in (raw[:bins], raw[bins : 2 * bins]):
        sizes = 6 * (least + (1 - least * bins) * scipy.special.softmax(logits))
        knots.append(np.cumsum(sizes)[:-1] - 3)
    least = flows.spline.MIN_SLOPE
    slopes = least + np.logaddexp(0, raw[2 * bins :] + np.log(np.expm1(1 - least)))
    z = nd(np.stack([np.full(bins - 1, 0.3), knots[0]], axis=-1), "float64")
    there, log_det = flow(z)
    np.testing.assert_allclose(there.asnumpy()[:, 1], knots[1], atol=1e-10)
    np.testing.assert_allclose(log_det.asnumpy(), np.log(slopes), atol=1e-8)


def test_spline_is_monotone_and_inverts_in_float32(rng):
    flow = spline_of_two(rng, "float32")
    grid = np.linspace(-3.5, 3.5, 2001)
    z = nd(np.stack([np.full(2001, 0.3), grid], axis=-1))
    there, log_det = flow(z)
    assert (np.diff(there.asnumpy()[:, 1]) > -1e-6).all()
    again, _ = flow.inverse(there)
    # a rounding of z' is one of z, over the slope
    error = abs(again.asnumpy()[:, 1] - grid)
    assert (error < 4e-6 * (1 + np.exp(-log_det.asnumpy()))).all()
