"""Flows: inverses, log-determinants against numerical Jacobians, the papers' formulas, both modes, extremes.

A new flow is a row of the table in flows.py.
"""

import numpy as np
import pytest
import scipy.special
from conftest import BATCHES, nd
from flows import FLOWS, C, D, contexts, randomised
from modes import assert_modes_agree_in_float64, value_and_gradients

from gluonvae import flows
from gluonvae.backend.runtime import mx

K, B = 3, 4
every_flow = pytest.mark.parametrize("name", FLOWS)
with_and_without_context = pytest.mark.parametrize("context_size", [C, 0], ids=["context", "own parameters"])


class BothWays(mx.gluon.HybridBlock):
    """A flow's map and its inverse at the same point, and the two log-determinants, on one axis."""

    def __init__(self, flow):
        super().__init__()
        self.flow = flow

    def hybrid_forward(self, F, z, *context):
        there, log_det = self.flow(z, *context)
        back, log_det_back = self.flow.inverse(z, *context)
        log_dets = [F.expand_dims(x, axis=-1) for x in (log_det, log_det_back)]
        return F.concat(there, back, *log_dets, dim=-1)


@with_and_without_context
@every_flow
def test_inverse_undoes_the_map_and_has_its_log_determinant(name, context_size, rng):
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = nd(2 * rng.standard_normal((K, B, D)), "float64")
    there, log_det = flow(z, *context)
    assert there.shape == (K, B, D)
    assert log_det.shape == (K, B)
    again, log_det_again = flow.inverse(there, *context)
    np.testing.assert_allclose(again.asnumpy(), z.asnumpy(), atol=1e-9)
    np.testing.assert_allclose(log_det_again.asnumpy(), log_det.asnumpy(), atol=1e-9)
    back, log_det_back = flow.inverse(z, *context)
    again, log_det_again = flow(back, *context)
    np.testing.assert_allclose(again.asnumpy(), z.asnumpy(), atol=1e-9)
    np.testing.assert_allclose(log_det_again.asnumpy(), log_det_back.asnumpy(), atol=1e-9)


def jacobians(flow, z, context, step=1e-5):
    """dz'/dz at each z ``(..., D)`` by central differences, ``(..., D, D)``."""
    columns = []
    for direction in step * np.eye(z.shape[-1]):
        ahead, behind = (flow(nd(z + move, "float64"), *context)[0].asnumpy() for move in (direction, -direction))
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=-1)


@with_and_without_context
@every_flow
def test_log_determinant_is_that_of_the_numerical_jacobian(name, context_size, rng):
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = 2 * rng.standard_normal((K, B, D))
    _, expected = np.linalg.slogdet(jacobians(flow, z, context))
    log_det = flow(nd(z, "float64"), *context)[1].asnumpy()
    np.testing.assert_allclose(log_det, expected, rtol=1e-6, atol=1e-6)
    if "householder" not in name:
        assert abs(expected).max() > 0.01


@with_and_without_context
@every_flow
def test_gradients_there_and_back_are_those_of_finite_differences(name, context_size, rng):
    block = BothWays(randomised(FLOWS[name](D, context_size), rng))
    tensors = [nd(rng.standard_normal((2, B, D)), "float64"), *contexts(rng, B, context_size)]
    weights = nd(rng.standard_normal((2, B, 2 * D + 2)), "float64")
    parameters = list(block.collect_params().values())
    _, *found = value_and_gradients(block, tensors, lambda shape: weights)
    read = [lambda x=x: x for x in tensors] + [parameter.data for parameter in parameters]
    step = 1e-5
    for values, gradient in zip(read, found):
        array = values()
        start = array.asnumpy()
        for place in {tuple(rng.integers(0, size) for size in start.shape) for _ in range(4)}:
            ends = []
            for sign in (1, -1):
                moved = start.copy()
                moved[place] += sign * step
                array[:] = nd(moved, "float64")
                ends.append(float((block(*tensors) * weights).sum().asscalar()))
            array[:] = nd(start, "float64")
            difference = (ends[0] - ends[1]) / (2 * step)
            assert gradient[place] == pytest.approx(difference, rel=1e-5, abs=1e-6)


@with_and_without_context
@every_flow
def test_both_modes(name, context_size, rng):
    block = BothWays(randomised(FLOWS[name](D, context_size), rng))
    batches = [
        [nd(rng.standard_normal((2, batch, D)), "float64"), *contexts(rng, batch, context_size)]
        for batch in (*BATCHES, BATCHES[1])
    ]
    assert_modes_agree_in_float64(block, batches)


@pytest.mark.parametrize("extreme", [20.0, 200.0])
@with_and_without_context
@every_flow
def test_everything_is_finite_at_extreme_preactivations(name, context_size, extreme, rng):
    """Weights of 0 leave the biases, or the parameters of a flow's own, as what the layers give."""
    flow = FLOWS[name](D, context_size)
    flow.initialize()
    block = BothWays(flow)
    for signs in (np.ones, np.negative(np.ones(1)).repeat, lambda shape: rng.choice([-1, 1], shape)):
        for key, parameter in flow.collect_params().items():
            value = 0 * np.ones(parameter.shape) if key.endswith("weight") else extreme * signs(parameter.shape)
            parameter.set_data(nd(value))
        z = nd(np.concatenate([rng.standard_normal((2, B, D)), np.full((1, B, D), extreme), np.zeros((1, B, D))]))
        results = value_and_gradients(block, [z, *contexts(rng, B, context_size, "float32")])
        assert all(np.isfinite(array).all() for array in results)


@with_and_without_context
@pytest.mark.parametrize("name", [name for name in FLOWS if "householder" not in name])
def test_it_starts_near_the_identity(name, context_size, rng):
    flow = FLOWS[name](D, context_size)
    flow.initialize()
    z = rng.standard_normal((K, B, D))
    there = flow(nd(z), *contexts(rng, B, context_size, "float32"))[0].asnumpy()
    # an autoregressive step's gates are at sigmoid(2)
    expected = scipy.special.expit(2) * z if "autoregressive" in name else z
    assert abs(there - expected).max() < 0.25


@with_and_without_context
@every_flow
def test_a_context_is_that_of_each_data_point(name, context_size, rng):
    """Each row is mapped as by itself; without a context all are mapped alike."""
    flow = randomised(FLOWS[name](D, context_size), rng)
    context = contexts(rng, B, context_size)
    z = nd(rng.standard_normal((K, B, D)), "float64")
    for way in (flow, flow.inverse):
        together = way(z, *context)[0].asnumpy()
        for row in range(B):
            alone = way(z[1, row : row + 1], *(x[row : row + 1] for x in context))[0].asnumpy()
            np.testing.assert_allclose(alone[0], together[1, row], atol=1e-9)


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


@with_and_without_context
def test_householder_is_a_reflection(context_size, rng):
    flow = randomised(flows.Householder(D, context_size), rng)
    context = contexts(rng, 1, context_size)
    matrix = flow(nd(np.eye(D)[:, None], "float64"), *context)[0].asnumpy()[:, 0]
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(D), atol=1e-12)
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(matrix)), [-1] + [1] * (D - 1), atol=1e-12)


@pytest.mark.parametrize("name", ["affine", "affine, flipped, no hidden layer", "spline", "spline, flipped"])
def test_couplings_leave_half_alone(name, rng):
    flow = randomised(FLOWS[name](D, C), rng)
    z = rng.standard_normal((B, D))
    there = flow(nd(z, "float64"), *contexts(rng, B, C))[0].asnumpy()
    np.testing.assert_array_equal((there == z).all(0), [flow.flip == (place >= D // 2) for place in range(D)])


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


ERRORS = {
    "coupling of one": (lambda: flows.AffineCoupling(1, [3]), ValueError, "needs 2 or more, got 1"),
    "spline of one": (lambda: flows.SplineCoupling(1, [3]), ValueError, "needs 2 or more, got 1"),
    "one bin": (lambda: flows.SplineCoupling(4, [3], bins=1), ValueError, "bins must be 2 or more, got 1"),
    "no limit": (lambda: flows.SplineCoupling(4, [3], limit=0), ValueError, "limit must be a positive number, got 0"),
    "size": (lambda: flows.Planar(0), ValueError, "latent_variable_size must be positive, got 0"),
    "hidden sizes": (lambda: flows.AffineCoupling(4, 3), TypeError, "hidden_sizes must be a list of layer widths"),
    "activation": (
        lambda: flows.InverseAutoregressive(4, [3], "tan"),
        ValueError,
        "act_type must be one of .*did you mean 'tanh'",
    ),
    "chain of none": (lambda: flows.Chain([]), ValueError, "a chain is of flows of one .*, got no flow"),
    "chain of two sizes": (
        lambda: flows.Chain([flows.Planar(4, 2), flows.Planar(4)]),
        ValueError,
        r"a chain is of flows of one latent_variable_size and one context_size, got \(4, 0\), \(4, 2\)",
    ),
    "no context": (lambda: ready(flows.Planar(4, 2))(nd([[1, 2, 3, 4]])), TypeError, r"takes a context \(\.\.\., 2\)"),
    "a context": (lambda: ready(flows.Planar(2)).inverse(nd([[1, 2]]), nd([[1]])), TypeError, "takes no context"),
    "shape": (
        lambda: ready(flows.Planar(4))(nd([[1, 2]])),
        ValueError,
        r"z must have shape \(\.\.\., 4\), got \(1, 2\)",
    ),
    "context's shape": (
        lambda: ready(flows.Planar(2, 3))(nd([[1, 2]]), nd([[1]])),
        ValueError,
        r"context must have shape \(\.\.\., 3\), got \(1, 1\)",
    ),
}


def ready(flow):
    flow.initialize()
    return flow


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
