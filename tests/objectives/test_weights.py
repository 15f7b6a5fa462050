"""Weights of bounds: their limits, and that they change without a new trace."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.weights import weight_names
from tests.helpers import finite_terms_and_gradients, nd, noise_for, pixels, set_mode, small_vae
from tests.tables.bounds import BOUNDS

OF_TWO = {
    "InfoVAE, alpha": (gv.InfoVAE, "alpha", -999, 1),  # the default λ is 1000
    "InfoVAE, lambda_": (gv.InfoVAE, "lambda_", 1, 1e6),
}
"""Weights whose sum is limited as well."""


def _limits():
    """Each weight of each class of bounds: what makes a bound, the weight, the least and the most that makes sense."""
    kinds = {type(make(small_vae())): make for make in reversed(BOUNDS.values())}  # the first row of each
    for kind, make in kinds.items():
        for weight in weight_names(kind):
            name, of = f"{kind.__name__}, {weight}", getattr(kind, weight)
            yield name, OF_TWO.get(name, (make, weight, max(of.minimum, -999), min(of.maximum, 1e6)))


LIMITS = dict(_limits())


def test_every_weight_has_limits():
    bounds = [make(small_vae()) for make in BOUNDS.values()]
    weights = {(type(bound), weight) for bound in bounds for weight in weight_names(type(bound))}
    assert {(type(make(small_vae())), weight) for make, weight, *_ in LIMITS.values()} == weights
    # written out for some, of which they are known
    assert LIMITS["ELBO, beta"][1:] == ("beta", 0, 1e6)
    assert LIMITS["CIWAE, beta"][1:] == ("beta", 0, 1)


@pytest.mark.parametrize("name", LIMITS)
def test_weights_at_their_limits_without_a_new_trace(name, rng):
    make, weight, least, most = LIMITS[name]
    bound, data = make(small_vae()), pixels(rng, 7)
    bound.hybridize(static_alloc=True, static_shape=True)
    noise = noise_for(rng, bound, 7)
    bound(data, noise)
    graph, objectives = bound._cached_op, []
    for value in (least, most):
        setattr(bound, weight, value)
        objectives.append(finite_terms_and_gradients(bound, data, noise).objective.asnumpy())
    assert bound._cached_op is graph
    assert (abs(objectives[0] - objectives[1]) > 1e-3).all()
    for value in (np.nan, np.inf, "1"):
        with pytest.raises((ValueError, TypeError)):
            setattr(bound, weight, value)
    assert getattr(bound, weight) == most


@pytest.mark.parametrize(
    ("bound", "weight", "schedule"),
    [
        (gv.CapacityELBO, "capacity", gv.schedules.linear(0, 5, 15)),
        (gv.ELBO, "beta", gv.schedules.cyclical(20, cycles=2)),
        (gv.FreeBitsELBO, "free_bits", gv.schedules.linear(2, 0.1, 10)),
        (gv.FreeBitsELBO, "beta", gv.schedules.linear(0, 1, 10)),
        (gv.CIWAE, "beta", gv.schedules.linear(1, 0, 20)),
    ],
)
def test_weights_anneal_through_fit_without_a_new_trace(bound, weight, schedule, rng):
    bound = bound(small_vae(), samples=2)
    bound.hybridize(static_alloc=True, static_shape=True)
    data, seen = rng.integers(0, 2, (100, 12)).astype(np.float32), []
    bound(nd(data))
    graph = bound._cached_op
    bound.register_forward_hook(lambda block, inputs, terms: seen.append(getattr(bound, weight)))
    gv.fit(bound, data, epochs=2, batch_size=10, weights={weight: schedule}, progress=False)
    np.testing.assert_allclose(seen, [schedule(step) for step in range(20)], rtol=1e-12)
    assert len(set(seen)) >= 5
    assert bound._cached_op is graph


@pytest.mark.parametrize("mode", ["imperative", "hybrid", "static_shape"])
def test_beta_changes_without_a_new_trace(mode, rng):
    bound = gv.ELBO(small_vae(), beta=1)
    set_mode(bound, mode)
    data, noise = pixels(rng, 7), nd(rng.standard_normal((7, 4)))
    terms = bound.terms(data, noise)
    graph = bound._cached_op
    for beta in (0, 0.25, 5):
        bound.beta = beta
        expected = (terms.log_likelihood - beta * terms.kl).asnumpy()
        np.testing.assert_allclose(bound(data, noise).asnumpy(), expected, rtol=1e-6)
        np.testing.assert_array_equal(bound.terms(data, noise).bound.asnumpy(), terms.bound.asnumpy())
    assert bound._cached_op is graph


class Weighted(gv.ELBO):
    share = gv.Weight(0.25, 1)
    least = gv.Weight(2)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("beta", -1e-9, "beta must be a finite number, not negative, got -1e-09"),
        ("share", 0.2, "share must be a finite number from 0.25 to 1, got 0.2"),
        ("share", 1.1, "share must be a finite number from 0.25 to 1, got 1.1"),
        ("least", 1, "least must be a finite number, at least 2, got 1"),
        ("least", np.inf, "least must be a finite number, at least 2, got inf"),
    ],
)
def test_weights_keep_within_their_range(name, value, message):
    bound = Weighted(small_vae())
    assert weight_names(Weighted) == ["beta", "share", "least"]
    bound.share, bound.least = 0.25, 2
    with pytest.raises(ValueError, match=message):
        setattr(bound, name, value)
