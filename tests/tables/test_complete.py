"""Every kind that is registered has a row in its table."""

import pytest

from gluonvae.generator import LIKELIHOODS
from gluonvae.inference import POSTERIORS
from gluonvae.networks import DECODERS, ENCODERS
from gluonvae.objectives import BOUNDS
from gluonvae.prior import PRIORS
from tests.tables import bounds, parts


def registered(registry):
    return set(registry.values())


def test_every_likelihood():
    assert {LIKELIHOODS[row.name] for row in parts.LIKELIHOODS.values()} == registered(LIKELIHOODS)


def test_every_posterior():
    assert {POSTERIORS[latent_type] for latent_type, _ in parts.POSTERIORS.values()} == registered(POSTERIORS)


def test_every_prior():
    assert {PRIORS[name] for name in parts.PRIORS} == registered(PRIORS)


def test_every_bound():
    made = {type(make(parts.model())) for make in bounds.BOUNDS.values()}
    made.add(type(parts.BOUNDS["VQELBO"](parts.model(posterior="vector_quantized", prior="codebook"))))
    made.add(type(parts.BOUNDS["ObservedIWAE"](parts.model(values="missing values"))))
    made.add(type(parts.BOUNDS["SemiSupervisedELBO"](parts.model(labels="semi-supervised"))))
    assert made == registered(BOUNDS)


@pytest.mark.parametrize(("registry", "place"), [(DECODERS, 0), (ENCODERS, 1)], ids=["generator", "inference network"])
def test_every_body(registry, place):
    assert {registry[row[place]] for row in parts.BODIES.values()} == registered(registry)
