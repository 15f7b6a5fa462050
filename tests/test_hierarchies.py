"""Layers of latent variables: densities by NumPy, a chain whose evidence is known, and everything a model does."""

import numpy as np
import pytest
import scipy.stats
from conftest import BATCHES, nd, set_mode, small_vae
from hierarchies import MODELS, OPTIONS, Chain, model, worked_out
from modes import assert_modes_agree_in_float64, value_and_gradients, weighting
from posteriors import POSTERIORS
from priors import PRIORS

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.inference.ladder import product_of_gaussians
from gluonvae.objectives import base as objective
from gluonvae.objectives.layered import kl_of_layers

every_model = pytest.mark.parametrize("name", MODELS)
every_posterior = pytest.mark.parametrize("latent_type", ["hierarchical", "ladder"])

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


def nd64(values):
    return nd(values, "float64")


def batch(bound, rng, size=7):
    return nd64(rng.integers(0, 2, (size, 12))), nd64(rng.standard_normal(bound.noise_shape(size)))


@every_model
def test_densities_are_those_worked_out(name, rng):
    vae = model(name, rng)
    data, noise = rng.integers(0, 2, (7, 12)), rng.standard_normal((3, 7, vae.latent_variable_size))
    z, of_q, of_p = worked_out(vae, data, noise)
    posterior, prior = vae.distributions(nd64(data))
    drawn, together = posterior.rsample_and_log_prob(nd64(noise))
    np.testing.assert_allclose(drawn.asnumpy(), z, rtol=1e-9)
    np.testing.assert_allclose(posterior.sample(nd64(noise)[0]).asnumpy(), z[0], rtol=1e-9)
    np.testing.assert_allclose(together.asnumpy(), sum(of_q), rtol=1e-9)
    np.testing.assert_allclose(posterior.log_prob(drawn).asnumpy(), sum(of_q), rtol=1e-9)
    np.testing.assert_allclose(prior.log_prob(drawn).asnumpy(), sum(of_p), rtol=1e-9)
    for got, want in zip(posterior.log_probs(drawn) + prior.log_probs(drawn), of_q + of_p):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-8)
    # the generator sees z_1 alone
    z_1 = drawn[:, :, :4]
    np.testing.assert_array_equal(vae.generator_input(drawn).asnumpy(), z_1.asnumpy())
    log_likelihood, kl = vae(nd64(data), nd64(noise))
    np.testing.assert_allclose(log_likelihood.asnumpy(), vae.generator.log_likelihood(z_1, nd64(data)).asnumpy())
    np.testing.assert_allclose(kl.asnumpy(), sum(of_q) - sum(of_p), rtol=1e-8)


def test_product_of_gaussians_is_in_proportion_to_the_product_of_densities(rng):
    one, other = (gv.Normal(nd64(rng.standard_normal((5, 3))), nd64(rng.uniform(1e-4, 2, (5, 3)))) for _ in range(2))
    product = product_of_gaussians(one, other)
    points = product.rsample(nd64(rng.standard_normal((6, 5, 3))))
    ratio = product.component_log_prob(points) - one.component_log_prob(points) - other.component_log_prob(points)
    np.testing.assert_allclose(ratio.asnumpy(), np.broadcast_to(ratio.asnumpy()[0], (6, 5, 3)), rtol=1e-6)


@pytest.mark.parametrize("layers", [2, 3])
@every_posterior
def test_where_the_posterior_is_exact_every_weight_is_the_evidence(latent_type, layers, rng):
    truth = Chain(rng, layers)
    vae, data = truth.model(latent_type), truth.evidence.rvs(7, random_state=rng)
    expected = truth.evidence.logpdf(data)
    log_weight = sum(vae.log_weight(nd64(data), nd64(rng.standard_normal((5, 7, 2 * layers)))))
    np.testing.assert_allclose(log_weight.asnumpy(), np.broadcast_to(expected, (5, 7)), rtol=1e-9)
    z = vae.inference_net.posterior(nd64(data)).rsample(nd64(rng.standard_normal((20_000, 7, 2 * layers)))).asnumpy()
    for layer in range(layers):
        gain, shift, variance = truth.posterior(layer)
        of_layer = z[..., 2 * layer : 2 * layer + 2]
        error = 5 * np.sqrt(variance / len(z))
        assert (abs(of_layer.mean(0) - data @ gain.T - shift) < error).all()
        np.testing.assert_allclose(of_layer.var(0), np.broadcast_to(variance, (7, 2)), rtol=0.06)


@pytest.mark.parametrize("layers", [2, 3])
@every_posterior
def test_bounds_rise_to_the_evidence(latent_type, layers, rng):
    truth = Chain(rng, layers)
    vae, data = truth.model(latent_type, wider=1.4), truth.evidence.rvs(20, random_state=rng)
    evidence, repeats = truth.evidence.logpdf(data).mean(), np.repeat(data, 200, axis=0)
    means = [gv.evaluate(gv.ELBO(vae), repeats)]
    means += [gv.evaluate(gv.IWAE(vae, samples), repeats) for samples in (2, 8, 32)]
    values = [mean.bound for mean in means]
    # rows of one image share what it costs; noise alone is less than this
    assert (np.diff([*values, evidence]) > 0.003).all()
    assert values[0] < evidence - 0.1
    estimate = gv.log_marginal_likelihood(vae, data, samples=5000)
    np.testing.assert_allclose(estimate.log_likelihood, truth.evidence.logpdf(data), atol=0.05)


@pytest.mark.parametrize("layers", [2, 3])
def test_phantasies_have_the_moments_of_the_data(layers, rng):
    truth = Chain(rng, layers)
    vae = truth.model("hierarchical")
    noise = nd64(rng.standard_normal((100_000, 2 * layers)))
    z = vae.prior_distribution(noise).sample(noise).asnumpy()
    for layer in range(layers):
        of_layer = z[:, 2 * layer : 2 * layer + 2]
        np.testing.assert_allclose(of_layer.mean(0), truth.mean[layer], atol=0.03)
        np.testing.assert_allclose(of_layer.var(0), truth.variance[layer], rtol=0.03)
    x = vae.phantasize(100_000).asnumpy()
    np.testing.assert_allclose(x.mean(0), truth.evidence.mean, atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), truth.evidence.cov, atol=0.07)


def test_kl_by_layer_of_a_ladder_has_its_closed_form(rng):
    """At one x, of two layers: z_2 has a Gaussian's; z_1 has that of two Gaussians, averaged over z_2."""
    truth = Chain(rng, 2)
    vae, x = truth.model("ladder", wider=1.3), truth.evidence.rvs(random_state=rng)
    (gain, shift, seen), (gain_2, shift_2, variance_2) = truth.seen(0), truth.posterior(1)
    seen, mean_2, variance_2 = 1.69 * seen, gain_2 @ x + shift_2, 1.69 * variance_2
    of_top = 0.5 * (mean_2**2 + variance_2 - 1 - np.log(variance_2)).sum()
    spread, slope = truth.spread[0] ** 2, truth.slope[0]
    share = spread / (spread + seen)
    moved = share**2 * ((gain @ x + shift - slope * mean_2 - truth.shift[0]) ** 2 + slope**2 * variance_2)
    of_lowest = 0.5 * ((moved + share * seen) / spread - 1 - np.log(share * seen / spread)).sum()
    many = np.repeat(x[None], 40_000, axis=0)
    _, of_layers = kl_of_layers(vae, nd64(many), nd64(rng.standard_normal((40_000, 4))))
    errors = [5 * kl.asnumpy().std() / 200 for kl in of_layers]
    got = gv.kl_by_layer(vae, many)
    assert (abs(got - [of_lowest, of_top]) < errors).all()
    assert max(errors) < 0.05


@every_model
def test_kl_by_layer_sums_to_the_kl(name, rng):
    vae, data = model(name, rng), rng.integers(0, 2, (30, 12)).astype(np.float32)
    layers = gv.kl_by_layer(vae, data, batch_size=11)
    assert layers.shape == (len(MODELS[name]["latent_variable_size"]),)
    assert layers.sum() == pytest.approx(gv.evaluate(gv.ELBO(vae), data, batch_size=11).kl, rel=1e-9)


@every_model
def test_free_bits_of_layers_by_hand(name, rng):
    vae = model(name, rng)
    data, noise = rng.integers(0, 2, (7, 12)), rng.standard_normal((3, 7, vae.latent_variable_size))
    _, of_q, of_p = worked_out(vae, data, noise)
    kl = np.array([q - p for q, p in zip(of_q, of_p)])
    means = kl.mean((1, 2))
    log_likelihood = vae(nd64(data), nd64(noise))[0].asnumpy().mean(0)
    for gradient in ("standard", "stl"):
        bound = gv.FreeBitsELBO(vae, samples=3, gradient=gradient)
        assert bound.groups == len(means)
        for bound.free_bits, bound.beta in ((0, 1), (float(np.median(means)) + 0.1, 0.3), (1e3, 1)):
            terms = bound.terms(nd64(data), nd64(noise))
            penalty = bound.beta * np.maximum(means, bound.free_bits).sum()
            np.testing.assert_allclose(terms.objective.asnumpy(), log_likelihood - penalty, rtol=1e-9)
            np.testing.assert_allclose(terms.bound.asnumpy(), log_likelihood - kl.sum(0).mean(0), rtol=1e-9)


def test_a_layer_below_its_free_bits_has_no_gradient_of_its_kl(rng):
    """The top of a ladder, which no other term depends on but through its latent state."""
    vae = model("ladder", rng)
    both = batch(gv.ELBO(vae), rng)
    top = vae.inference_net.upper[0].mean_head.weight

    def gradient(bound):
        with mx.autograd.record():
            bound(*both).sum().backward()
        return top.grad().asnumpy().copy()

    kl = [kl.asnumpy().mean() for kl in kl_of_layers(vae, *both)[1]]
    of_all, of_none = gradient(gv.ELBO(vae)), gradient(gv.ELBO(vae, beta=0))
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, min(kl) - 1)), of_all, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient(gv.FreeBitsELBO(vae, max(kl) + 1)), of_none, rtol=1e-9, atol=1e-12)
    assert abs(of_all - of_none).max() > 0.1


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
    monkeypatch.setattr(objective, "PIXELS_AT_ONCE", 1)
    for got, want in zip(parameter_gradients(bound, both, weights), whole):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


def parameter_gradients(bound, both, weights):
    with mx.autograd.record():
        values = bound(*both)
        (values * weights(values.shape)).backward()
    return [values.asnumpy(), *(p.grad().asnumpy() for p in bound.collect_params().values())]


@every_posterior
def test_stl_has_no_gradient_where_the_posterior_is_exact(latent_type, rng):
    """Sticking the landing: in the inference network's parameters, for any noise. Not so with the score."""
    truth = Chain(rng, 2)
    vae = truth.model(latent_type)
    both = nd64(truth.evidence.rvs(64, random_state=rng)), nd64(rng.standard_normal((64, 4)))
    # then no layer of the batch is held at its free bits
    assert min(kl.asnumpy().mean() for kl in kl_of_layers(vae, *both)[1]) > 0
    for make in (gv.ELBO, lambda vae, gradient: gv.FreeBitsELBO(vae, free_bits=0, gradient=gradient)):
        largest = {}
        for gradient in ("standard", "stl"):
            bound = make(vae, gradient=gradient)
            with mx.autograd.record():
                bound(*both).sum().backward()
            of_net = [p.grad().asnumpy() for p in vae.inference_net.collect_params().values()]
            # the penalty is that of the whole batch, for each of its rows
            largest[gradient] = max(abs(values).max() for values in of_net)
        assert largest["stl"] < 1e-8
        assert largest["standard"] > 0.1


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
    noise = nd(rng.standard_normal(vae.inference_net.noise_shape(7)))
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


@pytest.mark.parametrize("layers", [[4, 3], [4, 3, 2]])
def test_a_prior_starts_near_a_standard_normal_in_every_layer(layers, rng):
    prior = gv.HierarchicalPrior(layers)
    prior.initialize()
    z = rng.standard_normal((5, sum(layers)))
    log_prob = prior.distribution(nd(z), None).log_prob(nd(z)).asnumpy()
    np.testing.assert_allclose(log_prob, scipy.stats.norm.logpdf(z).sum(-1), atol=0.5)


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
    _, log_ratio = vae.log_weight(*both)
    posterior, p = vae.distributions(both[0])
    z = posterior.rsample(both[1])
    expected = (p.log_prob(z) - posterior.log_prob(z)).asnumpy()
    np.testing.assert_allclose(log_ratio.asnumpy(), expected, rtol=1e-7, atol=1e-9)
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
    assert vae.generator.latent_variable_size == 4 + 3
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
        r"latent_sizes must be those of two layers or more, such as \[100, 50\], got \[3\]",
    ),
    "no layer": (lambda: gv.HierarchicalPrior([]), "two layers or more"),
    "an empty layer": (lambda: gv.HierarchicalPrior([3, 0]), r"latent_sizes\[1\] must be positive, got 0"),
    "a ladder without rungs": (
        lambda: vae_of(gv.LadderInferenceNetwork([3, 2], [5]), None),
        r"shares the prior's p\(z_l \| z_{l\+1}\), and StandardNormalPrior has none: use HierarchicalPrior\(\[3, 2\]\)",
    ),
    "other layers": (
        lambda: vae_of(gv.LadderInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([2, 3])),
        r"latent_sizes are \[3, 2\] in the inference network and \[2, 3\] in the prior: they must be the same",
    ),
    "other layers, bottom-up": (
        lambda: vae_of(gv.HierarchicalInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([2, 3])),
        "they must be the same",
    ),
    "other sizes": (
        lambda: vae_of(gv.HierarchicalInferenceNetwork([3, 2], [5]), gv.HierarchicalPrior([3, 1])),
        "latent_variable_size is 5 in the inference network and 4 in the prior",
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
