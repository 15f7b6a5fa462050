"""Models of data with missing values: what their networks see, their terms by hand, and every way in."""

import json

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.networks import OnImages
from tests.helpers import MODES, assert_modes_agree, finite_terms_and_gradients, nd, nd64, set_mode, small_vae
from tests.helpers.missing import with_holes
from tests.tables import bodies, parts
from tests.truths.missing import SIGMA, Truth

X, D, ROWS = 6, 2, 7
nn = mx.gluon.nn


def gaussian(data_dims=X):
    return gv.GaussianGenerator(data_dims, [], latent_variable_size=D, std=SIGMA, missing=True)


def vae_of(body, data_dims):
    vae = gv.VAE(gaussian(data_dims), gv.GaussianInferenceNetwork(D, body))
    vae.initialize()
    return vae


def seen(data):
    """What a network sees of data: zeros where they are missing, and where they are observed."""
    return np.concatenate([np.nan_to_num(data), ~np.isnan(data)], axis=-1)


def parameters(layer):
    return layer.weight.data().asnumpy(), layer.bias.data().asnumpy()


def test_terms_and_gradients_by_hand(rng):
    """In float64 and every mode, of a posterior that depends on the values and on which there are."""
    truth = Truth(rng, X, D)
    data = with_holes(rng, truth.draw(rng, ROWS), 0.4)
    data[2] = np.nan
    noise = rng.standard_normal((ROWS, D))
    vae = truth.model(dtype="float64")
    vae.generator.collect_params().setattr("grad_req", "write")
    for head in (vae.inference_net.mean_head[0], vae.inference_net.std_head[0]):
        head.weight.set_data(nd64(0.3 * rng.standard_normal((D, 2 * X))))
    mean_weight, mean_bias = parameters(vae.inference_net.mean_head[0])
    std_weight, std_bias = parameters(vae.inference_net.std_head[0])
    mean = seen(data) @ mean_weight.T + mean_bias
    std = np.logaddexp(0, seen(data) @ std_weight.T + std_bias) + gv.inference.MIN_STD
    z = mean + std * noise
    log_likelihood = np.nansum(scipy.stats.norm.logpdf(data, truth.predicted(z), SIGMA), axis=-1)
    kl = 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std)).sum(axis=-1)
    # of the sum of log-likelihoods in W and b
    distance = np.nan_to_num(data - truth.predicted(z)) / SIGMA**2
    for mode in MODES:
        set_mode(vae, mode)
        with mx.autograd.record():
            got_likelihood, got_kl = vae(nd64(data), nd64(noise))
        got_likelihood.backward()
        np.testing.assert_allclose(got_likelihood.asnumpy(), log_likelihood, rtol=1e-9, atol=1e-12)
        assert got_likelihood[2].asscalar() == 0
        np.testing.assert_allclose(got_kl.asnumpy(), kl, rtol=1e-9, atol=1e-12)
        head = vae.generator.mean_head
        np.testing.assert_allclose(head.weight.grad().asnumpy(), distance.T @ z, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(head.bias.grad().asnumpy(), distance.sum(axis=0), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("transform", [None, "log1p"])
@pytest.mark.parametrize("label_size", [0, 3])
def test_a_dense_network_sees_zeros_the_mask_and_then_the_label(transform, label_size, rng):
    data = with_holes(rng, rng.random((ROWS, X)), 0.4)
    net = gv.GaussianInferenceNetwork(D, [], data_transform=transform)
    vae = gv.ConditionalVAE(gaussian(), net, label_size=label_size) if label_size else gv.VAE(gaussian(), net)
    vae.initialize()
    label = rng.standard_normal((ROWS, label_size))
    weight, bias = parameters(net.mean_head[0])
    inputs = np.concatenate([seen(np.log1p(data) if transform else data), label], axis=1)
    for mode in MODES:
        set_mode(vae, mode)
        mean, _ = net(nd(data), *([nd(label)] if label_size else []))
        np.testing.assert_allclose(mean.asnumpy(), inputs @ weight.T + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 3), (0, 3, 1, 2)), ((3, 2, 3), (0, 1, 2, 3)), ((3, 4), None)])
def test_a_body_of_images_sees_the_mask_as_further_channels(shape, axes, rng):
    images = with_holes(rng, rng.standard_normal((4, *shape)), 0.4)
    vae = vae_of(OnImages(nn.HybridLambda(lambda F, maps: F.identity(maps)), shape), int(np.prod(shape)))
    maps = images.transpose(axes) if axes else images[:, None]
    expected = np.concatenate([np.nan_to_num(maps), ~np.isnan(maps)], axis=1).reshape(4, -1)
    features = vae.inference_net.features(nd(images.reshape(4, -1)))
    np.testing.assert_array_equal(features.asnumpy(), expected.astype(np.float32))


@pytest.mark.parametrize("name", bodies.BODIES)
def test_every_body_in_both_modes(name, rng):
    shape, encoder, _ = bodies.BODIES[name]

    def data(rng, batch):
        return nd(with_holes(rng, rng.standard_normal((batch, int(np.prod(shape)))), 0.4))

    bound = gv.ELBO(vae_of(encoder(), int(np.prod(shape))))
    assert_modes_agree(bound, rng, data)
    finite_terms_and_gradients(bound, data(rng, 5), nd(rng.standard_normal((5, D))))


def test_a_classifier_sees_the_same(rng):
    vae = parts.model(labels="semi-supervised", values="missing values")
    data = with_holes(rng, rng.integers(0, 2, (ROWS, 18)).astype(float), 0.4)
    first, _, last = vae.classifier
    hidden = np.maximum(seen(data) @ parameters(first)[0].T + parameters(first)[1], 0)
    logits = hidden @ parameters(last)[0].T + parameters(last)[1]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(vae.classify(nd(data)).asnumpy(), expected, rtol=1e-4)


def test_pseudo_inputs_are_observed_throughout():
    vae = small_vae(prior="vamp", prior_options={"components": 3}, likelihood_options={"missing": True})
    (pseudo,) = vae.prior.pseudo_inputs(mx.nd.ones(1))
    rows = vae.inference_net.preprocess(pseudo).asnumpy()
    np.testing.assert_array_equal(rows[:, :12], pseudo.asnumpy())
    assert (rows[:, 12:] == 1).all()


def test_a_body_that_does_not_fit_the_mask_is_refused():
    for_grey = nn.HybridSequential()
    for_grey.add(nn.Conv2D(2, 3, in_channels=1))
    with pytest.raises(
        ValueError, match=r"rows \(N, 24\).* \(as many values, and as many that tell which are missing\)"
    ):
        vae_of(OnImages(for_grey, (3, 4)), 12)


@pytest.mark.parametrize("missing", [True, False])
def test_a_network_of_another_kind_of_model_is_refused(missing):
    net = gv.GaussianInferenceNetwork(D, [5])
    gv.VAE(gv.GaussianGenerator(X, [], missing=missing), net)
    with pytest.raises(ValueError, match=f"missing is {missing} in the model that .* a part of, and {not missing} in"):
        gv.VAE(gv.GaussianGenerator(X, [], missing=not missing), net)


CALLS = {
    "the model": lambda vae, data: vae(nd(data)),
    "a bound": lambda vae, data: gv.ELBO(vae)(nd(data)),
    "the generator": lambda vae, data: vae.generator.log_likelihood(mx.nd.ones((ROWS, 4)), nd(data)),
    "generate_reconstructions": lambda vae, data: vae.generate_reconstructions(nd(data), 2),
    "evaluate": lambda vae, data: gv.evaluate(gv.ELBO(vae), data),
    "log_marginal_likelihood": lambda vae, data: gv.log_marginal_likelihood(vae, data, samples=3),
    "fit": lambda vae, data: gv.fit(gv.ELBO(vae), data, epochs=1, batch_size=3, progress=False)["train_bound"],
    "fit, valid": lambda vae, data: gv.fit(
        gv.ELBO(vae), np.nan_to_num(data), data, epochs=1, batch_size=3, progress=False
    )["valid_bound"],
}


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli_prod", "discretized_logistic"])
@pytest.mark.parametrize("name", CALLS)
def test_every_way_in(name, likelihood, rng):
    """A model that takes missing values gives numbers, and one that does not says how to make one."""
    data = with_holes(rng, rng.integers(0, 2, (ROWS, 12)).astype(np.float32), 0.4).astype(np.float32)
    got = CALLS[name](small_vae(likelihood=likelihood, likelihood_options={"missing": True}), data)
    for numbers in got if isinstance(got, tuple) else [got]:
        assert np.isfinite(numbers.asnumpy() if isinstance(numbers, mx.nd.NDArray) else numbers).all()
    message = (
        r"(data|train|valid) has nan at \(\d, \d+\): if that is a missing value, make the generator with missing=True"
    )
    with pytest.raises(ValueError, match=message):
        CALLS[name](small_vae(likelihood=likelihood), data)


def test_values_outside_the_support_are_named_among_missing_ones():
    generator = gv.ProductOfBernoullisGenerator(3, [], missing=True)
    with pytest.raises(ValueError, match=r"got grey values such as 0\.5 \(1 of 2, range 0\.5 to 1\)"):
        generator.check_support("data", np.array([[np.nan, 0.5, 1]]))
    with pytest.raises(ValueError, match=r"data has inf at \(1, 2\)$"):
        generator.check_support("data", np.array([[np.nan, 0, 1], [0, 1, np.inf]]))
    blocks = gv.CategoricalGenerator(6, [], missing=True, categories=3)
    blocks.check_support("data", np.array([[np.nan, 0, 0, 0, 1, 0]]))
    with pytest.raises(ValueError, match=r"got blocks with 2 ones \(1 of 1 blocks\)"):
        blocks.check_support("data", np.array([[np.nan, 0, 0, 1, 1, 0]]))


def test_a_likelihood_that_is_no_product_takes_none():
    class Whole(gv.Distribution):
        log_prob = gv.Normal.log_prob

    class WholeGenerator(gv.GaussianGenerator):
        family_type = type("WholeFamily", (gv.GaussianGenerator.family_type,), {"distribution_type": Whole})

    with pytest.raises(
        ValueError, match="WholeGenerator, with these options, takes no missing values: its density is no"
    ):
        WholeGenerator(X, [], missing=True)
    with pytest.raises(TypeError, match="missing must be True or False, got 1"):
        gv.GaussianGenerator(X, [], missing=1)


def test_training_learns_from_what_there_is(rng, tmp_path):
    """The evidence of what is held out rises to near that of the truth; a run has the limits of what is observed."""
    truth = Truth(rng, X, D)
    train, test = (with_holes(rng, truth.draw(rng, count), 0.3).astype(np.float32) for count in (4000, 300))
    vae = gv.construct_vae(
        likelihood="gaussian",
        likelihood_options={"missing": True},
        latent_variable_size=D,
        data_dims=X,
        generator_layer_sizes=[],
        infer_layer_sizes=[30],
    )
    vae.initialize()
    bound = gv.ObservedIWAE(vae, samples=5)
    bound.hybridize(static_alloc=True, static_shape=True)
    gv.fit(bound, train, epochs=25, batch_size=100, learning_rate=1e-2, progress=False, folder=tmp_path / "run")
    evidence = truth.log_evidence(test.astype("float64"))
    assert gv.log_marginal_likelihood(vae, test, samples=500).mean > evidence.mean() - 0.15
    limits = json.loads((tmp_path / "run" / "config.json").read_text())["limits"]
    np.testing.assert_allclose(limits, [np.nanmin(train), np.nanmax(train)])
    assert np.isfinite(vae.generate_reconstructions(nd(test), 3).asnumpy()).all()
    assert np.isfinite(vae.phantasize(5).asnumpy()).all()


def test_a_value_that_is_missing_is_not_blamed_where_training_diverges(rng):
    data = with_holes(rng, rng.standard_normal((200, 12)), 0.3).astype(np.float32)
    vae = small_vae(likelihood="gaussian", likelihood_options={"missing": True})
    with pytest.raises(FloatingPointError, match="learning rate") as error:
        gv.fit(gv.ELBO(vae), data, optimizer="sgd", learning_rate=1e12, epochs=5, batch_size=20, progress=False)
    assert "column" not in str(error.value)
    data[117, 7] = 1e20
    vae = small_vae(likelihood="gaussian", likelihood_options={"missing": True})
    with pytest.raises(FloatingPointError, match=r"column 7 of row 117 of the data is 1e\+20"):
        gv.fit(gv.ELBO(vae), data, batch_size=20, epochs=5, progress=False)
    with pytest.raises(FloatingPointError, match=r"column 7 of row 117 of the data is 1e\+20"):
        gv.evaluate(gv.ELBO(vae), data)
