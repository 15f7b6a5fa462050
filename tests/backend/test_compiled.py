"""Operators that are compiled loops, and the arithmetic they are made of."""

import subprocess
import sys

import numpy as np
import pytest

from gluonvae.backend import log_probs
from gluonvae.backend.operators import BFLOAT16, as_numpy
from gluonvae.backend.regions.bodies import native, numerics
from gluonvae.backend.runtime import mx
from gluonvae.distributions import bernoulli
from tests.helpers import MODES, nd, set_mode


def elementwise(function, dtype):
    @native.compiled
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    def call(x):
        out = np.empty(len(x), dtype)
        loop(x.astype(dtype), out)
        return out

    return call


# the largest is 87, so that exp(-x) is not subnormal
SIZES = np.concatenate([[0], np.logspace(-30, 0, 20000), np.linspace(0, 87, 200001)])


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 2.0**-22), ("float64", 1e-15)])
def test_exp_of_negative_is_numpys(dtype, rtol):
    x = -SIZES.astype(dtype)
    exp = elementwise(numerics.exp_of_negative, dtype)(x)
    np.testing.assert_allclose(exp, np.exp(x.astype(np.float64)), rtol=rtol)


@pytest.mark.parametrize(
    ("function", "expected", "signs"),
    [
        (numerics.expm1_of_negative, np.expm1, [-1]),
        (numerics.tanh, np.tanh, [-1, 1]),
        (numerics.sigmoid, lambda x: 1 / (1 + np.exp(-x)), [-1, 1]),
        (numerics.softplus, lambda x: np.logaddexp(0, x), [-1, 1]),
    ],
    ids=["expm1", "tanh", "sigmoid", "softplus"],
)
def test_functions_of_exp_are_numpys(function, expected, signs):
    """In float32, within 3 units of the last digit."""
    call = elementwise(function, "float32")
    for sign in signs:
        x = (sign * SIZES).astype(np.float32)
        np.testing.assert_allclose(call(x), expected(x.astype(np.float64)), rtol=3 * 2.0**-23)
        beyond = sign * np.array([100, 200, 1e30, np.inf, np.nan])
        with np.errstate(over="ignore", invalid="ignore"):
            limits = expected(beyond)
        np.testing.assert_allclose(call(beyond), limits, rtol=2.0**-22, atol=1e-37)


def test_exp_of_negative_is_never_subnormal():
    exp = elementwise(numerics.exp_of_negative, "float32")(np.array([-88.0, -200, -1e30, -np.inf]))
    assert (exp >= np.finfo(np.float32).tiny).all()
    assert (exp < 1e-37).all()


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 2.0**-22), ("float64", 1e-15)])
def test_log1p_of_fraction_is_numpys(dtype, rtol):
    x = np.concatenate([np.logspace(-30, 0, 5000), np.linspace(0, 1, 1001)]).astype(dtype)
    log1p = elementwise(numerics.log1p_of_fraction, dtype)(x)
    np.testing.assert_allclose(log1p, np.log1p(x.astype(np.float64)), rtol=rtol)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 2.0**-22), ("float64", 1e-15)])
def test_log_of_positive_is_numpys(dtype, rtol):
    x = np.concatenate([np.logspace(-37, 38, 5000), np.linspace(0.5, 2, 1001)]).astype(dtype)
    log = elementwise(numerics.log_of_positive, dtype)(x)
    np.testing.assert_allclose(log, np.log(x.astype(np.float64)), rtol=rtol, atol=rtol / 2)
    beyond = elementwise(numerics.log_of_positive, dtype)(np.array([0, -1, np.inf, np.nan]))
    np.testing.assert_array_equal(beyond, [-np.inf, np.nan, np.inf, np.nan])


class LogProb(mx.gluon.HybridBlock):
    """Twice the logits on the way to the log mass, so that their gradient is added up."""

    def hybrid_forward(self, F, logits, value):
        return log_probs.bernoulli(logits, value) + F.sum(F.square(logits), axis=-1)


@pytest.mark.parametrize("mode", MODES)
def test_a_gradient_is_added_where_the_logits_are_used_twice(mode, rng):
    block = LogProb()
    set_mode(block, mode)
    for batch in (3, 5, 3):
        logits, value = rng.standard_normal((2, batch, 4)), rng.integers(0, 2, (batch, 4))
        tensor = nd(logits)
        tensor.attach_grad("add")
        for _ in range(2):
            with mx.autograd.record():
                output = block(tensor, nd(value))
            output.backward()
        expected = value - 1 / (1 + np.exp(-logits)) + 2 * logits
        np.testing.assert_allclose(tensor.grad.asnumpy(), 2 * expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_bfloat16_is_computed_in_float32(mode, rng):
    block = mx.gluon.nn.HybridLambda(lambda F, logits, value: log_probs.bernoulli(logits, value))
    set_mode(block, mode)
    logits, value = (nd(x).astype(BFLOAT16) for x in (rng.standard_normal((3, 400)), rng.integers(0, 2, (3, 400))))
    logits.attach_grad()
    with mx.autograd.record():
        log_prob = block(logits, value)
    log_prob.backward()
    wide = nd(as_numpy(logits))
    wide.attach_grad()
    with mx.autograd.record():
        expected = bernoulli._log_prob(wide, nd(as_numpy(value)))
    expected.backward()
    np.testing.assert_allclose(as_numpy(log_prob), expected.asnumpy(), rtol=2.0**-8)
    np.testing.assert_allclose(as_numpy(logits.grad), wide.grad.asnumpy(), rtol=2.0**-8)


def test_data_of_another_shape_is_an_error():
    with pytest.raises(ValueError, match=r"value must have shape \(3, 5\), got \(3, 4\)"):
        log_probs.bernoulli(mx.nd.zeros((3, 5)), mx.nd.zeros((3, 4)))


def test_under_the_threaded_engine_there_are_none():
    """In a process of its own, as the engine is chosen when mxnet is imported."""
    code = "from gluonvae.backend.regions.availability import available; print(available())"
    environment = {"GLUONVAE_RUNTIME": "off", "PATH": ""}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
