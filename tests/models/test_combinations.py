"""Any likelihood with any posterior, prior, bound and body, with labels and without, and with missing values."""

from itertools import chain, product

import numpy as np
import pytest

import gluonvae as gv
from tests.helpers import all_pairs, nd, noise_for, set_mode, value_and_gradients, weighting
from tests.helpers.missing import with_holes
from tests.tables import parts

PAIRS = [pair for pair in product(parts.POSTERIORS, parts.PRIORS) if parts.prior_fits(*pair)]


def split(names):
    """Each name as its kind, which is before a comma, and its place among those of the kind."""
    kinds = {}
    for name in names:
        kinds.setdefault(name.split(",")[0], []).append(name)
    return {name: (kind, place) for kind, of in kinds.items() for place, name in enumerate(of)}


SPLIT = [split(table) for table in (parts.BOUNDS, parts.POSTERIORS, parts.LIKELIHOODS)]


def apart(row):
    """A row in which a kind and a place are values of their own, which are in a pair with each other value."""
    return (*chain(*(of[name] for of, name in zip(SPLIT, row))), *row[3:])


def combinations():
    """Every pair of the kinds of two parts that go together, in few rows."""
    rows = [
        (bound, posterior, likelihood, prior, labels, values, body)
        for bound, (posterior, prior), labels in product(parts.BOUNDS, PAIRS, parts.LABELS)
        if parts.labels_fit(labels, posterior, prior, bound)
        and (labels == "semi-supervised" or parts.bound_fits(bound, posterior, prior))
        for likelihood, values, body in product(parts.LIKELIHOODS, parts.VALUES, parts.BODIES)
        if parts.values_fit(values, likelihood, bound) and parts.likelihood_fits(likelihood, posterior)
    ]
    names = {apart(row): row for row in rows}
    return [names[row] for row in all_pairs(list(names))]


COMBINATIONS = combinations()
X = parts.SHAPE[0] * parts.SHAPE[1]


def bound_of(name, vae):
    return parts.BOUNDS[name](vae)


def test_every_kind_is_there():
    kinds = (parts.BOUNDS, parts.POSTERIORS, parts.LIKELIHOODS, parts.PRIORS, parts.LABELS, parts.VALUES, parts.BODIES)
    for number, rows in enumerate(kinds):
        assert {chosen[number] for chosen in COMBINATIONS} == set(rows)


@pytest.mark.parametrize(("bound", "posterior", "likelihood", "prior", "labels", "values", "body"), COMBINATIONS)
def test_combination(bound, posterior, likelihood, prior, labels, values, body, rng):
    vae = parts.model(likelihood, posterior, prior, body, labels, values)
    vae.cast("float64")
    objective = bound_of(bound, vae)
    missing = 0.3 if values == "missing values" else 0
    data = nd(with_holes(rng, parts.LIKELIHOODS[likelihood].data(rng, 5, X), missing), "float64")
    noise = noise_for(rng, objective, 5, "float64")
    classes = {"without labels": [], "conditional": [nd([0, 1, 2, 0, 1])], "semi-supervised": [nd([0, -1, 2, -1, 1])]}
    inputs = (data, noise, *(nd(vae.label_values(y.asnumpy(), 5), "float64") for y in classes[labels]))
    imperative, hybridised = [], []
    for mode, results in (("imperative", imperative), ("static_shape", hybridised)):
        set_mode(objective, mode)
        results += value_and_gradients(objective, inputs, lambda shape: weighting(shape).astype("float64"))
    for one, other in zip(imperative, hybridised):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)
    label = classes[labels][0] if classes[labels] else None
    assert vae.generate_reconstructions(data, 2, label=label).shape == (2, 5, X)
    vae.generator.check_support("draws", vae.phantasize(5, label=None if label is None else [0, 1, 2, 0, 1]).asnumpy())


@pytest.mark.parametrize("posterior", parts.POSTERIORS)
@pytest.mark.parametrize("prior", parts.PRIORS)
def test_a_prior_that_does_not_fit_is_refused(posterior, prior):
    labels = "conditional" if prior == "conditional" else "without labels"
    if parts.prior_fits(posterior, prior):
        assert parts.model(posterior=posterior, prior=prior, labels=labels).latent_variable_size == 6
        return
    with pytest.raises(ValueError, match=r": use \w+"):
        parts.model(posterior=posterior, prior=prior, labels=labels)


@pytest.mark.parametrize("posterior", parts.POSTERIORS)
@pytest.mark.parametrize("likelihood", parts.likelihoods.LIBRARIES)
def test_a_likelihood_that_does_not_fit_is_refused(likelihood, posterior):
    prior = next(prior for prior in parts.PRIORS if parts.prior_fits(posterior, prior))
    if parts.likelihood_fits(likelihood, posterior):
        assert parts.model(likelihood, posterior, prior).latent_variable_size == 6
        return
    with pytest.raises(ValueError, match=r"takes a latent variable that is a real number.*: use another posterior"):
        parts.model(likelihood, posterior, prior)


@pytest.mark.parametrize(("posterior", "prior"), PAIRS)
def test_a_bound_that_does_not_fit_is_refused(posterior, prior):
    vae = parts.model(posterior=posterior, prior=prior, labels="conditional")
    for bound in parts.BOUNDS:
        if bound == "SemiSupervisedELBO":
            with pytest.raises(TypeError, match="must be a SemiSupervisedVAE"):
                bound_of(bound, vae)
        elif parts.bound_fits(bound, posterior, prior) and bound != "ObservedIWAE":
            assert bound_of(bound, vae).samples >= 1
        else:
            with pytest.raises(ValueError, match=r": use \w+"):
                bound_of(bound, vae)


@pytest.mark.parametrize("posterior", parts.posteriors.POSTERIORS)
def test_a_closed_form_that_there_is_not_is_refused(posterior):
    vae = parts.model(posterior=posterior, prior="vamp")
    with pytest.raises(ValueError, match=r"KL\(.* \|\| Mixture\), of .* and VampPrior, has no closed form"):
        gv.ELBO(vae, kl="closed")
