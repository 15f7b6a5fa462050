"""What is missing has no part in a log density: every likelihood against scipy, its gradients, modes and extremes."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributions import Observed
from tests.helpers import assert_function_agrees, nd
from tests.helpers.likelihoods import SHAPES, every_shape, from_raw, make, raw_parameters
from tests.helpers.missing import with_holes
from tests.tables.likelihoods import ROWS, X
from tests.tables.parts import takes_missing
from tests.truths.likelihoods import Continuous, K, OneHot

# in float32 the distance of one of 255 levels from a mean near it has fewer digits than either
TOLERANCES = {"float32": {"rtol": 1e-4, "atol": 2e-4}, "float64": {"rtol": 1e-9, "atol": 1e-9}}
FITTING = {name: row for name, row in ROWS.items() if takes_missing(row)}
every_likelihood = pytest.mark.parametrize("row", FITTING.values(), ids=FITTING)


def log_prob(row, raw, value, dtype="float32"):
    generator = make(row, missing=True)
    generator.cast(dtype)
    return Observed(from_raw(generator, *raw), generator.observed).log_prob(value)


def truth_of_observed(truth, x):
    """The sum of scipy's log densities of what is no NaN."""
    if isinstance(truth, OneHot):
        blocks = x.reshape(*x.shape[:-1], -1, K)
        seen = ~np.isnan(blocks).any(-1)
        log_mass = scipy.stats.multinomial.logpmf(
            np.where(seen[..., None], blocks, np.eye(K)[0]), 1, truth.probabilities
        )
        return np.where(seen, log_mass, 0).sum(-1)
    frozen = truth.frozen
    log_density = (frozen.logpdf if isinstance(truth, Continuous) else frozen.logpmf)(np.where(np.isnan(x), 0, x))
    return np.where(np.isnan(x), 0, log_density).sum(-1)


@every_shape
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("share", [0, 0.4, 1])
@every_likelihood
def test_log_prob_is_scipys_of_what_is_observed(row, share, dtype, shapes, rng):
    of_parameters, of_values = ((*axes, 7) for axes in SHAPES[shapes])
    raw = [parameter.astype(dtype).astype("float64") for parameter in raw_parameters(row, rng, *of_parameters)]
    x = with_holes(rng, row.data(rng, *of_values, X).astype("float64"), share)
    got = log_prob(row, [nd(parameter, dtype) for parameter in raw], nd(x, dtype), dtype).asnumpy()
    truth = row.truth(*raw)
    exact = x.astype(dtype).astype("float64") if isinstance(truth, Continuous) else x
    np.testing.assert_allclose(got, truth_of_observed(truth, exact), **TOLERANCES[dtype])


@every_shape
@every_likelihood
def test_both_modes(row, shapes):
    """Values and gradients, which are finite, also that in the data."""

    def arrays(rng, batch):
        of_parameters, of_values = ((*axes, batch) for axes in SHAPES[shapes])
        return [*raw_parameters(row, rng, *of_parameters), with_holes(rng, row.data(rng, *of_values, X), 0.4)]

    generator = make(row, missing=True)

    def observed_log_prob(*tensors):
        return Observed(from_raw(generator, *tensors[:-1]), generator.observed).log_prob(tensors[-1])

    assert_function_agrees(observed_log_prob, arrays, generator.family if row.adapted else None)


@every_likelihood
def test_gradients_are_those_of_finite_differences(row, rng):
    raw = [nd(parameter, "float64") for parameter in raw_parameters(row, rng, 3)]
    x, step = nd(with_holes(rng, row.data(rng, 3, X), 0.4), "float64"), 1e-6
    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        value = log_prob(row, raw, x, "float64")
    value.backward()
    for tensor in raw:
        for place in np.ndindex(3, 4):
            middle, sums = float(tensor[place].asscalar()), []
            for sign in (1, -1):
                tensor[place] = middle + sign * step
                sums.append(float(log_prob(row, raw, x, "float64").sum().asscalar()))
            tensor[place] = middle
            assert tensor.grad[place].asscalar() == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("extreme", [-200, 0, 200])
@every_likelihood
def test_everything_is_finite_at_extreme_outputs_of_the_network(row, extreme, rng):
    raw = [nd(np.where(rng.random((64, row.width * X)) < 0.5, extreme, rng.choice([-200, 0, 200]))) for _ in row.raw]
    x = with_holes(rng, rng.choice(row.extreme, (64, X)) if row.extreme else row.data(rng, 64, X), 0.4)
    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        value = log_prob(row, raw, nd(x))
    value.backward()
    for tensor in (value, *(tensor.grad for tensor in raw)):
        assert np.isfinite(tensor.asnumpy()).all()


def test_what_is_missing_counts_nothing_even_where_its_density_is_not_finite():
    mean = nd([[1e30, 2]])
    mean.attach_grad()
    with mx.autograd.record():
        value = Observed(gv.Normal(mean, mx.nd.ones((1, 2)))).log_prob(nd([[np.nan, 3]]))
    value.backward()
    assert value.asscalar() == pytest.approx(scipy.stats.norm.logpdf(1), rel=1e-6)
    np.testing.assert_allclose(mean.grad.asnumpy(), [[0, 1]])


def test_a_variable_is_missing_if_any_value_of_its_block_is():
    logits, value = nd([[1, 2, 3, 4, 5, 6]]), nd([[np.nan, 0, 1, 0, 1, 0]])
    row = ROWS["categorical"]
    expected = np.log(np.exp(5) / np.exp([4, 5, 6]).sum())
    assert log_prob(row, [logits], value).asscalar() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(make(row, missing=True).observed(value).asnumpy(), [[0, 0, 0, 1, 1, 1]])
