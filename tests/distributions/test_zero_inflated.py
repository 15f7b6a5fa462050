"""Zero-inflated counts keep their digits in float32, and have the right gradients where formulas change sides."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import nd

GATES = np.array([-200, -50, -20, -5, -1, -1e-3, 0, 1e-3, 1, 5, 20, 50, 200])
RATES = np.array([1e-3, 0.5, 1, 5, 20, 200, 1e4])


def _grid():
    """Every gate with every rate, in float32 and as they are then in float64, ``(N, 1)`` each."""
    parameters = [np.float32(values).reshape(-1, 1) for values in np.meshgrid(RATES, GATES)]
    return [nd(values) for values in parameters], [values.astype("float64") for values in parameters]


def test_the_log_mass_of_zero_keeps_its_digits_in_float32():
    (rate, gate), (exact_rate, exact_gate) = _grid()
    log_prob = gv.ZeroInflatedPoisson(rate, gate).log_prob(mx.nd.zeros_like(rate)).asnumpy()
    log_zero, log_counts = scipy.special.log_expit(exact_gate), scipy.special.log_expit(-exact_gate)
    truth = np.logaddexp(log_zero, log_counts - exact_rate)[:, 0]
    np.testing.assert_allclose(log_prob, truth, rtol=1e-5, atol=2.0**-23)


@pytest.mark.parametrize("count", [0, 3])
def test_gradients_are_those_of_the_formula_also_where_it_changes_sides(count):
    """Among them a gate of 0, and gates at the log mass of zero, -1 and -5."""
    (rate, gate), (r, g) = _grid()
    for tensor in (rate, gate):
        tensor.attach_grad()
    with mx.autograd.record():
        log_prob = gv.ZeroInflatedPoisson(rate, gate).log_prob(nd(np.full(r.shape, count)))
    log_prob.backward()
    probability, log_counts = scipy.special.expit(g), scipy.special.log_expit(-g)
    if count:
        of_rate, of_gate = count / r - 1, -probability
    else:
        # of log(π + (1 - π) exp(-rate))
        log_mass = np.logaddexp(scipy.special.log_expit(g), log_counts - r)
        of_rate = -np.exp(log_counts - r - log_mass)
        of_gate = probability * -np.expm1(-r) * np.exp(log_counts - log_mass)
    np.testing.assert_allclose(rate.grad.asnumpy(), of_rate, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gate.grad.asnumpy(), of_gate, rtol=1e-5, atol=1e-6)


def test_a_draw_is_the_quantile_of_its_noise():
    """With π = 1/4, noise below that is a zero, and the rest is spread over the Poisson distribution."""
    gate, below = float(np.log(1 / 3)), np.array([0, 0.1, 0.2499, 0.2501, 0.4, 0.7, 0.9, 0.999])
    draws = gv.ZeroInflatedPoisson(nd([[2.0] * 8]), nd([[gate] * 8])).sample(nd([below])).asnumpy()
    wanted = scipy.stats.poisson.ppf(np.maximum((below - 0.25) / 0.75, 1e-12), 2)
    np.testing.assert_array_equal(draws, [wanted])
    assert wanted[-1] > 0


@pytest.mark.parametrize(("gate", "mode"), [(-20, 7), (0.0, 0), (20, 0), (-3, 7)])
def test_the_mode_is_zero_or_that_of_the_counts(gate, mode):
    assert gv.ZeroInflatedPoisson(nd([[7.5]]), nd([[gate]])).mode.asscalar() == mode
