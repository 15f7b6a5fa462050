"""Every bound of the table: in both modes, at extremes, and that it trains."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.objectives import BOUNDS as REGISTERED
from tests.helpers import assert_modes_agree, finite_terms_and_gradients, log_weight, nd, noise_for, pixels, small_vae
from tests.tables.bounds import BOUNDS, IMPORTANCE_WEIGHTED, SAMPLES


@pytest.mark.parametrize("name", BOUNDS)
def test_modes(name, rng):
    assert_modes_agree(BOUNDS[name](small_vae()), rng)


def test_the_table_has_every_bound():
    # those of one kind of model are in objectives/test_vq.py, objectives/test_observed.py and
    # models/test_semi_supervised.py
    elsewhere = {gv.VQELBO, gv.ObservedIWAE, gv.SemiSupervisedELBO}
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


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
@pytest.mark.parametrize("name", BOUNDS)
def test_finite_at_extreme_networks(name, preactivation, rng):
    """Also where the log weights of a data point lie hundreds of nats apart."""
    bound, data = BOUNDS[name](small_vae()), pixels(rng, 7)
    net, generator = bound.vae.inference_net, bound.vae.generator
    net.std_head[-1].bias.set_data(nd(np.full(4, preactivation)))
    net.mean_head[-1].bias.set_data(nd(np.full(4, preactivation)))
    generator.logits_head.bias.set_data(nd(np.resize([1, -1], 12) * preactivation))
    finite_terms_and_gradients(bound, data, noise_for(rng, bound, 7))
    if preactivation == 200:
        weights = log_weight(bound.vae, data, nd(rng.standard_normal((SAMPLES, 7, 4)))).asnumpy()
        assert np.ptp(weights, axis=0).min() > 300


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


OBJECTIVES = {
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, beta": lambda vae: gv.ELBO(vae, beta=0.3),
    "ELBO, 3 samples": lambda vae: gv.ELBO(vae, samples=3),
    "IWAE, 1 sample": lambda vae: gv.IWAE(vae, samples=1),
    "IWAE, 4 samples": lambda vae: gv.IWAE(vae, samples=4),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives(name, rng):
    assert_modes_agree(OBJECTIVES[name](small_vae()), rng)
