"""Bounds: what they are, in every mode, at extremes, and that they train."""

import numpy as np
import pytest
from bounds import BOUNDS, IMPORTANCE_WEIGHTED, SAMPLES
from conftest import nd, pixels, small_vae
from modes import assert_modes_agree

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import BOUNDS as REGISTERED


@pytest.mark.parametrize("name", BOUNDS)
def test_modes(name, rng):
    assert_modes_agree(BOUNDS[name](small_vae()), rng)


def test_the_table_has_every_bound():
    # those of one kind of model are in test_vq.py and test_semi_supervised.py
    elsewhere = {gv.VQELBO, gv.SemiSupervisedELBO}
    assert {type(make(small_vae())) for make in BOUNDS.values()} == set(REGISTERED.values()) - elsewhere


# models in which nothing has a closed form, or a posterior and a prior that want noise of different sizes
@pytest.mark.parametrize(
    "name",
    ["CapacityELBO", "FreeBitsELBO, 1 group", "InfoVAE", "InfoVAE, samples", "Renyi, 0.5, dreg", "PIWAE, dreg"],
)
def test_any_prior(name, rng):
    bound = BOUNDS[name](small_vae(prior="mixture"))
    assert_modes_agree(bound, rng)
    assert all(abs(p.grad().asnumpy()).max() > 0 for p in bound.vae.prior.collect_params().values())


def finite_terms_and_gradients(bound, data, noise):
    with mx.autograd.record():
        terms = bound.terms(data, noise)
        terms.objective.backward()
    gradients = [p.grad() for p in bound.collect_params().values()]
    assert all(np.isfinite(x.asnumpy()).all() for x in (*terms, *gradients))
    return terms


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
@pytest.mark.parametrize("name", BOUNDS)
def test_finite_at_extreme_networks(name, preactivation, rng):
    """Also where the log weights of a data point lie hundreds of nats apart."""
    bound, data = BOUNDS[name](small_vae()), pixels(rng, 7)
    net, generator = bound.vae.inference_net, bound.vae.generator
    net.std_head[-1].bias.set_data(nd(np.full(4, preactivation)))
    net.mean_head[-1].bias.set_data(nd(np.full(4, preactivation)))
    generator.logits.bias.set_data(nd(np.resize([1, -1], 12) * preactivation))
    finite_terms_and_gradients(bound, data, nd(rng.standard_normal(bound.noise_shape(7))))
    if preactivation == 200:
        log_weight = sum(bound.vae.log_weight(data, nd(rng.standard_normal((SAMPLES, 7, 4))))).asnumpy()
        assert np.ptp(log_weight, axis=0).min() > 300


# name: (makes a bound, a weight of it, the least and the most that makes sense)
LIMITS = {
    "ELBO": (gv.ELBO, "beta", 0, 1e6),
    "CapacityELBO, gamma": (gv.CapacityELBO, "gamma", 0, 1e6),
    "CapacityELBO, capacity": (gv.CapacityELBO, "capacity", 0, 1e6),
    "FreeBitsELBO": (gv.FreeBitsELBO, "free_bits", 0, 1e6),
    "FreeBitsELBO, beta": (gv.FreeBitsELBO, "beta", 0, 1e6),
    "BetaTC, alpha": (lambda vae: gv.BetaTC(vae, 50), "alpha", 0, 1e6),
    "BetaTC, beta": (lambda vae: gv.BetaTC(vae, 50), "beta", 0, 1e6),
    "BetaTC, gamma": (lambda vae: gv.BetaTC(vae, 50), "gamma", 0, 1e6),
    "InfoVAE, alpha": (gv.InfoVAE, "alpha", -999, 1),  # the default λ is 1000
    "InfoVAE, lambda_": (gv.InfoVAE, "lambda_", 1, 1e6),
    "CIWAE": (gv.CIWAE, "beta", 0, 1),
    "NVIL": (gv.NVIL, "beta", 0, 1e6),
}


def test_the_table_of_limits_has_every_weight():
    listed = {(type(make(small_vae())), weight) for make, weight, *_ in LIMITS.values()}
    assert listed == {(type(b), w) for b in (make(small_vae()) for make in BOUNDS.values()) for w in b.weight_names}


@pytest.mark.parametrize("name", LIMITS)
def test_weights_at_their_limits_without_a_new_trace(name, rng):
    make, weight, least, most = LIMITS[name]
    bound, data = make(small_vae()), pixels(rng, 7)
    bound.hybridize(static_alloc=True, static_shape=True)
    noise = nd(rng.standard_normal(bound.noise_shape(7)))
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


@pytest.mark.parametrize("alpha", [-50, -1, 0, 0.5, 0.999, 1, 2, 50])
@pytest.mark.parametrize("gradient", ["standard", "stl", "dreg"])
def test_any_order_of_renyi_is_finite(alpha, gradient, rng):
    bound = gv.Renyi(small_vae(), alpha, 5, gradient)
    finite_terms_and_gradients(bound, pixels(rng, 7), nd(30 * rng.standard_normal(bound.noise_shape(7))))


# of the estimators of an importance-weighted bound, the furthest from the plain one
TRAINED = [name for name in BOUNDS if name.rpartition(", ")[0] not in IMPORTANCE_WEIGHTED or name.endswith("dreg")]


@pytest.mark.parametrize("name", TRAINED)
def test_training_improves_the_bound(name):
    digits = gv.data.load("digits")
    vae = gv.construct_vae(generator_layer_sizes=[32], infer_layer_sizes=[32], latent_variable_size=8)
    vae.initialize()
    bound = BOUNDS[name](vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train, valid = (part.pixels[:size] for part, size in ((digits.train, 1600), (digits.valid, 200)))
    data = [gv.data.Dataset(part, binarization="once") for part in (train, valid)]
    before = gv.evaluate(bound, data[1]).bound
    gv.fit(bound, data[0], epochs=1, batch_size=40, learning_rate=3e-3, progress=False)
    assert gv.evaluate(bound, data[1]).bound > before + 200


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
def test_weights_anneal_through_fit_without_a_new_trace(bound, weight, schedule, rng, monkeypatch):
    bound = bound(small_vae(), samples=2)
    bound.hybridize(static_alloc=True, static_shape=True)
    data, seen = rng.integers(0, 2, (100, 12)).astype(np.float32), []
    bound(nd(data))
    graph, compute = bound._cached_op, bound.unchecked_terms
    monkeypatch.setattr(
        bound, "unchecked_terms", lambda *args: (seen.append(getattr(bound, weight)), compute(*args))[1]
    )
    gv.fit(bound, data, epochs=2, batch_size=10, weights={weight: schedule}, progress=False)
    np.testing.assert_allclose(seen, [schedule(step) for step in range(20)], rtol=1e-12)
    assert len(set(seen)) >= 5
    assert bound._cached_op is graph


class NoTypes(gv.GaussianInferenceNetwork):
    """A posterior that does not tell its kind beforehand."""

    distribution_type = None

    def distribution(self, mean, std):
        return Unknown(mean, std)


class Unknown(gv.distributions.Distribution):
    def __init__(self, mean, std):
        self.rsample = gv.Normal(mean, std).rsample
        self.log_prob = gv.Normal(mean, std).log_prob


def of_unknown_kind():
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(12, [5]), NoTypes(4, [5], data_dims=12))
    vae.initialize()
    return vae


# name: (what is called, error, message)
ERRORS = {
    "estimator": (lambda: gv.Renyi(small_vae(), gradient="dregs"), ValueError, "did you mean 'dreg'"),
    "estimator of ELBO": (
        lambda: gv.CapacityELBO(small_vae(), gradient="dreg"),
        ValueError,
        "gradient must be one of standard, stl, got 'dreg'",
    ),
    "landing of a closed form": (
        lambda: gv.CapacityELBO(small_vae(), kl="closed", gradient="stl"),
        ValueError,
        "'stl' is of a sampled KL: a closed form has no score to leave out",
    ),
    "closed form that there is not": (
        lambda: gv.CapacityELBO(small_vae(prior="mixture"), kl="closed"),
        ValueError,
        r"KL\(Normal \|\| Mixture\), of GaussianInferenceNetwork and MixturePrior, has no closed form",
    ),
    "free bits, groups": (
        lambda: gv.FreeBitsELBO(small_vae(), groups=3),
        ValueError,
        "4 latent variables do not fall into 3 groups",
    ),
    "free bits, no group": (lambda: gv.FreeBitsELBO(small_vae(), groups=0), ValueError, "groups must be positive"),
    "free bits, sampled": (
        lambda: gv.FreeBitsELBO(small_vae(), kl="sampled"),
        ValueError,
        "a sampled KL is that of the whole latent state: use groups=1",
    ),
    "free bits, stl": (lambda: gv.FreeBitsELBO(small_vae(), gradient="stl"), ValueError, "use groups=1"),
    "free bits, prior": (
        lambda: gv.FreeBitsELBO(small_vae(prior="mixture")),
        ValueError,
        r"KL\(Normal \|\| Mixture\), of .* no closed form for each latent variable: use groups=1",
    ),
    "free bits, at the call": (
        lambda: gv.FreeBitsELBO(of_unknown_kind())(nd(np.ones((2, 12)))),
        TypeError,
        r"KL\(Unknown \|\| StandardNormal\) has no closed form for each variable",
    ),
    "free bits below 0": (lambda: gv.FreeBitsELBO(small_vae(), -1), ValueError, "free_bits must be a finite number"),
    "beta-TC, prior": (
        lambda: gv.BetaTC(small_vae(prior="mixture"), 100),
        ValueError,
        "BetaTC needs the density of each latent variable, and the prior of MixturePrior, a Mixture, has none",
    ),
    "beta-TC, at the call": (
        lambda: gv.BetaTC(of_unknown_kind(), 100)(nd(np.ones((2, 12)))),
        NotImplementedError,
        "Unknown has no density of each component",
    ),
    "beta-TC, size": (
        lambda: gv.BetaTC(small_vae(), 1000.5),
        TypeError,
        "dataset_size must be a positive whole number, got 1000.5",
    ),
    "InfoVAE, weights": (
        lambda: gv.InfoVAE(small_vae(), alpha=-2, lambda_=1),
        ValueError,
        r"alpha \+ lambda_ must be at least 1, got -2 \+ 1",
    ),
    "InfoVAE, alpha": (
        lambda: gv.InfoVAE(small_vae(), alpha=2),
        ValueError,
        "alpha must be a finite number, at most 1, got 2",
    ),
    "InfoVAE, noise": (
        lambda: gv.InfoVAE(small_vae())(nd(np.ones((7, 12))), nd(np.ones((7, 4)))),
        ValueError,
        r"noise must have shape \(7, 8\), got \(7, 4\)",
    ),
    "Renyi, infinite": (lambda: gv.Renyi(small_vae(), np.inf), ValueError, "alpha must be a finite number, got inf"),
    "Renyi, near 1": (lambda: gv.Renyi(small_vae(), 1 + 1e-6), ValueError, "alpha must be 1 or 0.0001 away from it"),
    "MIWAE, groups": (
        lambda: gv.MIWAE(small_vae(), samples=10, groups=4),
        ValueError,
        "10 samples do not fall into 4 groups",
    ),
    "PIWAE, groups": (lambda: gv.PIWAE(small_vae(), 8, groups=0), ValueError, "groups must be positive, got 0"),
    "CIWAE, one sample": (
        lambda: gv.CIWAE(small_vae(), samples=1),
        ValueError,
        "with samples=1 CIWAE is the ELBO whatever beta is",
    ),
    "CIWAE, beta": (
        lambda: gv.CIWAE(small_vae(), beta=1.5),
        ValueError,
        "beta must be a finite number from 0 to 1, got 1.5",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_the_order_of_a_renyi_bound_is_fixed():
    bound = gv.Renyi(small_vae())
    with pytest.raises(AttributeError):
        bound.alpha = -3


def test_weights_that_drive_the_posterior_away_from_the_prior_are_refused_when_they_are_used(rng):
    bound = gv.InfoVAE(small_vae(), alpha=0.0, lambda_=10)
    bound.lambda_ = 0.5
    with pytest.raises(ValueError, match=r"alpha \+ lambda_ must be at least 1, got 0 \+ 0\.5"):
        bound(pixels(rng, 3))
