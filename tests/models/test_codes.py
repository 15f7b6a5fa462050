"""Models of codes: both modes, chunks, extremes, labels, training, and what is refused."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.objectives import base as objectives
from tests.helpers import BATCHES, assert_close, assert_slope_along_a_direction, learned, nd, noise_for, set_mode
from tests.helpers.modes import rounds
from tests.tables.codes import EXACT, POSTERIORS, RELAXED, every_posterior, model

BOUNDS = {
    "NVIL": lambda vae: gv.NVIL(vae),
    "NVIL, 3 samples": lambda vae: gv.NVIL(vae, samples=3),
    "VIMCO": lambda vae: gv.VIMCO(vae, samples=4),
    "ELBO": lambda vae: gv.ELBO(vae),
    "ELBO, sampled": lambda vae: gv.ELBO(vae, samples=3, kl="sampled"),
    "IWAE": lambda vae: gv.IWAE(vae, samples=3),
}
SCORED = [name for name in BOUNDS if name.startswith(("NVIL", "VIMCO"))]
PAIRS = [(name, bound) for name in POSTERIORS for bound in (SCORED if name in EXACT else BOUNDS)]


def terms_and_gradients(bound, data, noise):
    with mx.autograd.record():
        terms = bound.terms(data, noise)
        loss = terms.objective * nd(np.linspace(0.5, 2, len(data)), data.dtype)
    loss.backward()
    return [x.asnumpy() for x in (*terms, *(p.grad() for p in learned(bound)))]


@pytest.mark.parametrize(("name", "bound"), PAIRS)
def test_modes_and_chunks_agree(name, bound, rng, monkeypatch):
    bound = BOUNDS[bound](model(name, rng))
    batches = [
        (nd(rng.integers(0, 2, (batch, 12)), "float64"), noise_for(rng, bound, batch, "float64"))
        for batch in (*BATCHES, BATCHES[1])
    ]
    wanted = [terms_and_gradients(bound, *batch) for batch in batches]
    for mode, some in rounds(list(zip(batches, wanted))):
        set_mode(bound, mode)
        for batch, want in some:
            assert_close(terms_and_gradients(bound, *batch), want)
    set_mode(bound, "static_shape")
    monkeypatch.setattr(objectives, "FLOATS_AT_ONCE", 2 * 7 * 12)
    assert_close(terms_and_gradients(bound, *batches[1]), wanted[1])


@pytest.mark.parametrize("bound", ["ELBO", "IWAE"])
@pytest.mark.parametrize("name", RELAXED)
def test_relaxed_gradient_is_that_of_the_objective_whatever_the_noise(name, bound, rng):
    """Along a random direction in all parameters, by central differences."""
    vae, data = model(name, rng), nd(rng.integers(0, 2, (7, 12)), "float64")
    bound, parameters = BOUNDS[bound](vae), learned(vae)
    noise = noise_for(rng, bound, 7, "float64")
    assert_slope_along_a_direction(bound, parameters, (data, noise), rng)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 50])
@pytest.mark.parametrize("preactivation", [-200, 200])
@every_posterior
def test_finite_at_extremes(name, preactivation, temperature, rng):
    vae = model(name)
    if name not in EXACT:
        vae.inference_net.family.temperature = temperature
    vae.inference_net.logits_head[-1].bias.set_data(nd(np.resize([1, -1, 0.99], 6) * preactivation))
    vae.generator.logits_head.bias.set_data(nd(np.resize([1, -1], 12) * preactivation))
    data = nd(rng.integers(0, 2, (7, 12)))
    for bound in SCORED if name in EXACT else BOUNDS:
        bound = BOUNDS[bound](vae)
        noise = np.concatenate([rng.standard_normal((3, 6)), np.full((2, 6), 8), np.full((2, 6), -8)])
        results = terms_and_gradients(bound, data, nd(np.broadcast_to(noise, bound.draw_noise(7).shape)))
        assert all(np.isfinite(result).all() for result in results)


@pytest.mark.parametrize(
    ("name", "bound"), [("categorical", "NVIL"), ("bernoulli", "VIMCO"), ("relaxed_one_hot", "ELBO")]
)
def test_codes_of_data_with_labels(name, bound, rng):
    latent_type, options = POSTERIORS[name]
    generator = gv.ProductOfBernoullisGenerator(12, [5])
    net = gv.inference.POSTERIORS[latent_type](6, [5], **options)
    vae = gv.ConditionalVAE(generator, net, gv.CodePrior(), label_size=2)
    vae.initialize()
    bound = BOUNDS[bound](vae)
    data, label = nd(rng.integers(0, 2, (7, 12))), nd(rng.integers(0, 2, 7))
    noise = noise_for(rng, bound, 7)
    imperative = bound(data, noise, label).asnumpy()
    set_mode(bound, "static_shape")
    np.testing.assert_allclose(bound(data, noise, label).asnumpy(), imperative, rtol=1e-5)
    assert abs(bound(data, noise, 1 - label).asnumpy() - imperative).min() > 1e-4
    assert vae.phantasize(3, label=1).shape == (3, 12)


@pytest.mark.parametrize(("name", "bound"), [*((name, "NVIL" if name in EXACT else "ELBO") for name in POSTERIORS),
                                             ("bernoulli", "VIMCO"), ("categorical", "VIMCO")])  # fmt: skip
def test_training_improves_the_bound_by_codes_that_tell_images_apart(name, bound, rng):
    digits = gv.data.load("digits")
    latent_type, options = POSTERIORS[name]
    if "categories" in options:
        options = {**options, "categories": 10}
    vae = gv.construct_vae(
        latent_type=latent_type,
        latent_options=options,
        prior="codes",
        prior_options={"learned": True},
        generator_layer_sizes=[32],
        infer_layer_sizes=[32],
        latent_variable_size=30,
    )
    vae.initialize()
    bound = BOUNDS[bound](vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    train, valid = (part.pixels[:size] for part, size in ((digits.train, 1600), (digits.valid, 200)))
    train, valid = (gv.data.Dataset(part, binarization="once") for part in (train, valid))
    schedules = {"temperature": gv.schedules.exponential(1.0, 0.5, 400), "beta": gv.schedules.linear(0, 1, 400)}
    weights = {name: schedule for name, schedule in schedules.items() if name in bound.weights}
    before = gv.evaluate(bound, valid).bound
    # larger steps make a relaxed code the same for all images, and smaller ones that of NVIL's noisy gradient
    rate = {"NVIL": 2e-2, "VIMCO": 1e-2}.get(type(bound).__name__, 3e-3)
    gv.fit(bound, train, epochs=10, batch_size=40, learning_rate=rate, weights=weights, progress=False)
    assert gv.evaluate(bound, valid).bound > before + 250
    # an image is more probable given its own code than given another's
    images = nd(valid.batch(slice(None)))
    code = vae.inference_net.posterior(images).sample(nd(rng.standard_normal((200, 30))))
    gain = vae.likelihood(code).log_prob(images) - vae.likelihood(code).log_prob(images[::-1])
    assert gain.mean().asscalar() > 5


def wrong(message, make, error=ValueError):
    return pytest.param(make, message, error, id=message.split(":")[0][:50])


@pytest.mark.parametrize(
    ("make", "message", "error"),
    [
        wrong(
            r"ELBO differentiates latent states, and those of BernoulliInferenceNetwork are discrete: use NVIL, VIMCO",
            lambda: gv.ELBO(model("bernoulli")),
        ),
        wrong(
            r"IWAE differentiates latent states, and those of CategoricalInferenceNetwork are discrete: use NVIL",
            lambda: gv.IWAE(model("categorical"), samples=3),
        ),
        wrong(
            r"latent states of BernoulliInferenceNetwork are codes, and StandardNormalPrior is no prior of codes: use "
            r"CodePrior, 'codes' by name",
            lambda: model("bernoulli", prior="standard", prior_options={}),
        ),
        wrong(
            r"latent states of RelaxedOneHotInferenceNetwork are codes, and MixturePrior is no prior of codes",
            lambda: model("relaxed_one_hot", prior="mixture", prior_options={}),
        ),
        wrong(
            r"CodePrior is a prior for posteriors that are Codes, and GaussianInferenceNetwork is another",
            lambda: gv.construct_vae(prior="codes"),
        ),
        wrong(
            r"KL\(RelaxedBernoulli \|\| RelaxedBernoulli\), of .* has no closed form",
            lambda: gv.ELBO(model("relaxed_bernoulli"), kl="closed"),
        ),
        wrong(
            r"latent_variable_size must be a multiple of categories, 3 values for each variable, got 7",
            lambda: model("categorical", size=7),
        ),
        wrong(
            r"categories must be at least 2, got 1: a variable with one value is no variable",
            lambda: gv.RelaxedOneHotInferenceNetwork(6, [5], categories=1),
        ),
        wrong(
            r"temperature must be a positive number, got 0",
            lambda: gv.RelaxedBernoulliInferenceNetwork(6, [5], temperature=0),
        ),
        wrong(
            r"a single sample has no others to be compared with: use more samples, or NVIL",
            lambda: gv.VIMCO(model("bernoulli"), samples=1),
        ),
        wrong(r"start and end must be positive, got 1.0 and 0.0", lambda: gv.schedules.exponential(1, 0, 10)),
        wrong(
            r"bfloat16 has too few digits for RelaxedBernoulliInferenceNetwork",
            lambda: model("relaxed_bernoulli").cast(gv.networks.blocks.BFLOAT16),
            TypeError,
        ),
    ],
)
def test_errors(make, message, error):
    with pytest.raises(error, match=message):
        make()
