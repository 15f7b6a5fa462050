"""Models with layers of latent variables: everything that a model does."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base as objective
from tests.helpers import (
    BATCHES,
    assert_modes_agree_in_float64,
    draw,
    learned,
    log_weight,
    nd,
    nd64,
    set_mode,
    small_vae,
    value_and_gradients,
    weighting,
)
from tests.tables.hierarchies import MODELS, OPTIONS, batch, every_model, every_posterior, model
from tests.tables.posteriors import POSTERIORS
from tests.tables.priors import PRIORS

BOUNDS = {
    "ELBO": lambda vae: gv.ELBO(vae, samples=2),
    "ELBO, stl": lambda vae: gv.ELBO(vae, gradient="stl"),
    "FreeBitsELBO": lambda vae: gv.FreeBitsELBO(vae, free_bits=1.0, samples=2, beta=0.6),
    "FreeBitsELBO, stl": lambda vae: gv.FreeBitsELBO(vae, free_bits=1.0, gradient="stl"),
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
    "IWAE, stl": lambda vae: gv.IWAE(vae, samples=3, gradient="stl"),
    "IWAE, dreg": lambda vae: gv.IWAE(vae, samples=3, gradient="dreg"),
    "CapacityELBO": lambda vae: gv.CapacityELBO(vae, gamma=2, capacity=3, samples=2),
    "InfoVAE": lambda vae: gv.InfoVAE(vae, lambda_=10),
    "CIWAE, dreg": lambda vae: gv.CIWAE(vae, 0.3, samples=4, gradient="dreg"),
}


@pytest.mark.parametrize("bound", ["ELBO", "FreeBitsELBO, stl", "IWAE", "IWAE, dreg"])
@pytest.mark.parametrize("name", ["bottom-up", "ladder, 3 layers"])
def test_every_mode(name, bound, rng):
    bound = BOUNDS[bound](model(name, rng))
    assert_modes_agree_in_float64(bound, [batch(bound, rng, size) for size in (*BATCHES, BATCHES[1])])


@pytest.mark.parametrize("bound", BOUNDS)
@every_model
def test_every_bound(name, bound, rng):
    bound = BOUNDS[bound](model(name, rng))
    both = batch(bound, rng)
    imperative = value_and_gradients(bound, both)
    set_mode(bound, "static_shape")
    for got, want in zip(value_and_gradients(bound, both), imperative):
        assert np.isfinite(want).all()
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * abs(want).max())


@pytest.mark.parametrize("bound", ["FreeBitsELBO", "IWAE"])
@pytest.mark.parametrize("name", ["bottom-up", "ladder, 3 layers"])
def test_gradients_are_those_of_finite_differences(name, bound, rng):
    vae = model(name, rng)
    bound = BOUNDS[bound](vae)
    set_mode(bound, "static_shape")
    both = batch(bound, rng)
    with mx.autograd.record():
        bound(*both).sum().backward()
    for parameter in vae.collect_params().values():
        point, direction = parameter.data().asnumpy(), rng.standard_normal(parameter.shape)
        sums = []
        for step in (1e-5, -1e-5):
            parameter.set_data(nd64(point + step * direction))
            sums.append(float(bound(*both).sum().asscalar()))
        parameter.set_data(nd64(point))
        slope = (parameter.grad().asnumpy() * direction).sum()
        assert slope == pytest.approx((sums[0] - sums[1]) / 2e-5, rel=1e-5, abs=1e-6)
        assert abs(slope) > 1e-9


@pytest.mark.parametrize("bound", ["IWAE", "IWAE, dreg", "FreeBitsELBO"])
@pytest.mark.parametrize("name", ["bottom-up", "ladder"])
def test_chunks(name, bound, rng, monkeypatch):
    bound = BOUNDS[bound](model(name, rng))
    set_mode(bound, "static_shape")
    both = batch(bound, rng)
    weights = lambda shape: weighting(shape).astype("float64")  # noqa: E731
    whole = [array.copy() for array in parameter_gradients(bound, both, weights)]
    monkeypatch.setattr(objective, "FLOATS_AT_ONCE", 1)
    for got, want in zip(parameter_gradients(bound, both, weights), whole):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


def parameter_gradients(bound, both, weights):
    with mx.autograd.record():
        values = bound(*both)
        (values * weights(values.shape)).backward()
    return [values.asnumpy(), *(p.grad().asnumpy() for p in learned(bound))]


@every_model
def test_saved_and_loaded(name, rng, tmp_path):
    vae, other = model(name, rng), model(name)
    path = str(tmp_path / "model.params")
    vae.save_parameters(path)
    other.load_parameters(path)
    # a ladder shares the prior's networks: no parameter is there twice
    assert not set(vae.inference_net.collect_params()) & set(vae.prior.collect_params())
    noise = nd64(rng.standard_normal((3, vae.latent_variable_size)))
    images, both = vae.phantasize(3, "mean", noise).asnumpy(), batch(gv.ELBO(vae), rng)
    np.testing.assert_array_equal(other.phantasize(3, "mean", noise).asnumpy(), images)
    np.testing.assert_array_equal(gv.ELBO(other)(*both).asnumpy(), gv.ELBO(vae)(*both).asnumpy())
    assert vae.generate_reconstructions(both[0], 2).shape == (2, 7, 12)


@every_model
def test_a_hybridised_network_called_by_itself(name, rng, recwarn):
    vae = small_vae(**MODELS[name])
    data, states = nd(rng.integers(0, 2, (7, 12))), []
    noise = draw(rng, vae.inference_net.noise, (7,))
    for mode in ("imperative", "static_shape"):
        set_mode(vae, mode)
        parameters = vae.inference_net(data)
        states.append(vae.inference_net.sample_latent_state(*parameters, noise=noise).asnumpy())
        assert vae.inference_net.sample_latent_state(*parameters).shape == (7, vae.latent_variable_size)
    np.testing.assert_allclose(*states, rtol=1e-5, atol=1e-6)
    assert not [warning for warning in recwarn if "Parameter" in str(warning.message)]


@pytest.mark.parametrize("preactivation", [-200, -20, 20, 200])
@every_model
def test_everything_is_finite_at_extreme_preactivations(name, preactivation, rng):
    for deviation in ("softplus", "exp"):
        options = {part: {**OPTIONS[part], "std": deviation} for part in ("latent_options", "prior_options")}
        vae = small_vae(**{**MODELS[name], **options})
        for signs in (np.ones, lambda shape: rng.choice([-1, 1], shape)):
            for part in (vae.inference_net, vae.prior):
                for key, parameter in part.collect_params().items():
                    value = 0 if key.endswith("weight") else preactivation * signs(parameter.shape)
                    parameter.set_data(nd(value * np.ones(parameter.shape)))
            for make in (BOUNDS["ELBO"], BOUNDS["FreeBitsELBO"], BOUNDS["IWAE, dreg"]):
                bound = make(vae)
                with mx.autograd.record():
                    values = bound(nd(rng.integers(0, 2, (7, 12))))
                values.backward()
                assert np.isfinite(values.asnumpy()).all()
                assert all(np.isfinite(p.grad().asnumpy()).all() for p in vae.collect_params().values())


MIXED = [
    *(("hierarchical", {}, prior, row[0]) for prior, row in PRIORS.items()),
    *((*row, "hierarchical", {"layer_sizes": [5]}) for row in POSTERIORS.values()),
]


@pytest.mark.parametrize(("latent_type", "latent_options", "prior", "prior_options"), MIXED)
def test_layers_on_one_side_alone(latent_type, latent_options, prior, prior_options, rng):
    """A posterior without layers may approximate one that has them; a posterior with layers one that has none."""
    vae = small_vae(
        latent_type=latent_type,
        latent_options=latent_options,
        prior=prior,
        prior_options=prior_options,
        latent_variable_size=[3, 2],
    )
    vae.cast("float64")
    assert vae.generator.latent_variable_size == (3 if prior == "hierarchical" else 5)
    bound = gv.IWAE(vae, samples=2)
    both = batch(bound, rng)
    posterior, p = vae.posterior(both[0]), vae.prior_distribution(both[0])
    z = posterior.rsample(both[1])
    expected = (vae.likelihood(z).log_prob(both[0]) + p.log_prob(z) - posterior.log_prob(z)).asnumpy()
    np.testing.assert_allclose(log_weight(vae, *both).asnumpy(), expected, rtol=1e-7, atol=1e-9)
    imperative = value_and_gradients(bound, both)
    set_mode(bound, "static_shape")
    for got, want in zip(value_and_gradients(bound, both), imperative):
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-10)
    assert vae.phantasize(3).shape == (3, 12)
    with pytest.raises(ValueError, match=r"the KL by layer is of a model with layers"):
        gv.kl_by_layer(vae, both[0])


@every_posterior
def test_with_labels(latent_type, rng):
    vae = small_vae(**{**MODELS["ladder"], "latent_type": latent_type}, label_size=3)
    data, noise, label = nd(rng.integers(0, 2, (7, 12))), nd(rng.standard_normal((7, 7))), np.arange(7) % 3
    assert vae.generator.latent_variable_size == 4
    assert vae.generator.body[0].weight.shape[1] == 4 + 3
    bound, values = gv.FreeBitsELBO(vae), []
    for mode in ("imperative", "static_shape"):
        set_mode(bound, mode)
        values.append(bound(data, noise, label).asnumpy())
    np.testing.assert_allclose(*values, rtol=1e-5)
    assert vae.phantasize(2, label=1).shape == (2, 12)


@every_posterior
def test_training_on_digits_improves_the_bound(latent_type):
    vae = gv.construct_vae(
        latent_type,
        generator_layer_sizes=[32],
        infer_layer_sizes=[32],
        latent_variable_size=[8, 4],
        prior="hierarchical",
    )
    vae.initialize()
    start = {name: p.data().asnumpy() for name, p in vae.collect_params().items()}
    bound = gv.FreeBitsELBO(vae, free_bits=2.0)
    bound.hybridize(static_alloc=True, static_shape=True)
    digits = gv.data.load("digits")
    train, valid = digits.train.subset(slice(1600)), digits.valid.subset(slice(200))
    before = gv.evaluate(bound, valid).bound
    weights = {"beta": gv.schedules.linear(0, 1, 20)}
    history = gv.fit(bound, train, valid, epochs=1, batch_size=40, learning_rate=3e-3, weights=weights, progress=False)
    assert history["valid_bound"][0] > before + 200
    for key, parameter in vae.collect_params().items():
        assert (parameter.data().asnumpy() != start[key]).any(), key
    row = history.rows[0]
    assert row["valid_kl_1"] + row["valid_kl_2"] == pytest.approx(row["valid_kl"], rel=1e-5)


def vae_of(posterior, prior, size=0):
    return gv.VAE(gv.ProductOfBernoullisGenerator(12, [5], latent_variable_size=size), posterior, prior)


ERRORS = {
    "one size": (lambda: small_vae(latent_type="ladder", prior="hierarchical"), r"must be their sizes, .*\[100, 50\]"),
    "one size, of the prior": (lambda: small_vae(prior="hierarchical"), "the prior 'hierarchical' has layers"),
    "sizes of no layers": (lambda: small_vae(latent_variable_size=[3, 2]), "neither the latent_type 'gaussian' nor"),
    "a single layer": (
        lambda: small_vae(latent_type="ladder", prior="hierarchical", latent_variable_size=[3]),
        r"latent_variable_size must have two layers or more, such as \[100, 50\], got \[3\]",
    ),
    "no layer": (lambda: gv.HierarchicalPrior([]), "two layers or more"),
    "an empty layer": (lambda: gv.HierarchicalPrior([3, 0]), r"latent_variable_size\[1\] must be positive, got 0"),
    "a ladder without rungs": (
        lambda: vae_of(gv.LadderInferenceNetwork([3, 2], [5]), None),
        r"shares the prior's p\(z_l \| z_{l\+1}\), and StandardNormalPrior has none: use HierarchicalPrior\(\[3, 2\]\)",
    ),
    "other layers": (
        lambda: vae_of(gv.LadderInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([2, 3])),
        r"latent_variable_size is \[3, 2\] in the inference network and \[2, 3\] in the prior: they must be the same",
    ),
    "other layers, bottom-up": (
        lambda: vae_of(gv.HierarchicalInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([2, 3])),
        "they must be the same",
    ),
    "other sizes": (
        lambda: vae_of(gv.HierarchicalInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([3, 1])),
        r"latent_variable_size is \[3, 2\] in the inference network and \[3, 1\] in the prior",
    ),
    "a generator of all layers": (
        lambda: vae_of(gv.HierarchicalInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([3, 2]), 5),
        "latent_variable_size is 5 in the generator and 3",
    ),
    "a ladder alone": (
        lambda: gv.LadderInferenceNetwork([3, 2], [5]).distribution(*[nd(np.ones((1, 1)))] * 4),
        "make it part of a VAE",
    ),
    "an unknown std": (lambda: gv.HierarchicalPrior([3, 2], std="exq"), "did you mean 'exp'"),
    "a closed form": (lambda: gv.ELBO(model("ladder"), kl="closed"), r"KL\(Layered \|\| Layered\).* no closed form"),
    "other groups": (lambda: gv.FreeBitsELBO(model("ladder"), groups=7), "has no closed form for each latent variable"),
    "total correlation": (lambda: gv.BetaTC(model("ladder"), 100), "BetaTC needs the density of each latent variable"),
    "bfloat16": (lambda: model("ladder").cast(gv.networks.FLOATS[0]), None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, message = ERRORS[name]
    if message is None:
        with pytest.raises(TypeError, match="bfloat16 has too few digits for LadderInferenceNetwork"):
            call()
        return
    with pytest.raises(ValueError, match=message):
        call()
