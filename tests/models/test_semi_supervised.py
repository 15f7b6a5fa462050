"""A model that sums labels out where they are missing, and its bound."""

import numpy as np
import pytest
import scipy.special
from mxnet import autograd

import gluonvae as gv
from gluonvae.data import Dataset
from tests.helpers import MODES, assert_modes_agree_in_float64, nd, pixels, set_mode, small_vae
from tests.truths.linear_gaussian import LinearGaussian

X, D, Y = 12, 4, 3
LABELS = np.array([0, -1, 2, -1, 1, -1, 2])


def small(**changes):
    vae = gv.SemiSupervisedVAE(
        gv.ProductOfBernoullisGenerator(X, [5, 6]),
        gv.GaussianInferenceNetwork(D, [6, 5]),
        label_size=Y,
        classifier_layer_sizes=[5],
        **changes,
    )
    vae.initialize()
    return vae


def one_hot(labels):
    return (labels[:, None] == np.arange(Y)).astype(float)


def batch(rng, labels=LABELS, dtype="float32"):
    count = len(labels)
    return pixels(rng, count).astype(dtype), nd(rng.standard_normal((count, D)), dtype), nd(one_hot(labels), dtype)


@pytest.mark.parametrize("mode", MODES)
def test_terms_class_by_class(mode, rng):
    """The sum over classes against a conditional model of the same parts, called for one class at a time."""
    vae = small()
    data, noise, label = batch(rng)
    conditional = gv.ConditionalVAE(vae.generator, vae.inference_net, label_size=Y)
    of_classes = [conditional(data, noise, nd(one_hot(np.full(7, number)))) for number in range(Y)]
    # (B, Y) each
    log_likelihood, kl = (np.stack([t.asnumpy() for t in terms], axis=1) for terms in zip(*of_classes))
    log_q = scipy.special.log_softmax(vae.classifier(data).asnumpy(), axis=1)
    q, missing = np.exp(log_q), LABELS < 0
    entropy, rows = -(q * log_q).sum(1), np.arange(7)
    wanted_bound = np.where(
        missing,
        (q * (log_likelihood - kl - np.log(Y))).sum(1) + entropy,
        (log_likelihood - kl)[rows, LABELS] - np.log(Y),
    )
    wanted_likelihood = np.where(missing, (q * log_likelihood).sum(1), log_likelihood[rows, LABELS])
    bound = gv.SemiSupervisedELBO(vae, alpha=2.5)
    set_mode(bound, mode)
    terms = bound.terms(data, noise, label)
    np.testing.assert_allclose(terms.bound.asnumpy(), wanted_bound, rtol=1e-5)
    np.testing.assert_allclose(terms.log_likelihood.asnumpy(), wanted_likelihood, rtol=1e-5)
    known = np.where(missing, 0, log_q[rows, LABELS])
    np.testing.assert_allclose(terms.objective.asnumpy(), wanted_bound + 2.5 * known, rtol=1e-5)
    np.testing.assert_allclose(gv.ELBO(vae)(data, noise, label).asnumpy(), wanted_bound, rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_several_samples_are_averaged(mode, rng, monkeypatch):
    """The mean of the bounds of the samples one by one; its gradient in chunks as well."""
    vae = small()
    vae.cast("float64")
    data, _, label = batch(rng, dtype="float64")
    noise = rng.standard_normal((3, 7, D))
    one_by_one = [gv.ELBO(vae)(data, nd(row, "float64"), label).asnumpy() for row in noise]
    bound = gv.ELBO(vae, samples=3)
    assert bound.floats_per_sample(7) == Y * X
    set_mode(bound, mode)
    gradients = []
    for pixels_at_once in (2**25, 1):
        monkeypatch.setattr(gv.objectives.base, "FLOATS_AT_ONCE", pixels_at_once)
        with autograd.record():
            value = bound(data, nd(noise, "float64"), label)
        value.backward()
        np.testing.assert_allclose(value.asnumpy(), np.mean(one_by_one, axis=0), rtol=1e-10)
        gradients.append([p.grad().asnumpy() for p in vae.collect_params().values()])
    for whole, in_chunks in zip(*gradients):
        np.testing.assert_allclose(in_chunks, whole, rtol=1e-8, atol=1e-10)


def test_layers_of_latent_variables_have_no_kl_of_their_own():
    sizes, data = [4, 2], Dataset(np.eye(X), labels=np.full(X, -1))
    options = {"latent_type": "hierarchical", "prior": "hierarchical", "latent_variable_size": sizes}
    vae = gv.construct_vae(data_dims=X, label_size=Y, classifier_layer_sizes=[], **options)
    vae.initialize()
    for refuses in (gv.FreeBitsELBO, lambda vae: gv.kl_by_layer(vae, data)):
        with pytest.raises(ValueError, match="has another kl_divergence: use ELBO"):
            refuses(vae)
    history = gv.fit(gv.SemiSupervisedELBO(vae), data, data, epochs=1, batch_size=X, progress=False)
    assert "valid_kl" in history.rows[0]
    assert "valid_kl_1" not in history.rows[0]


def test_bound_lies_below_the_evidence_and_reaches_it_where_q_is_exact(rng):
    """x = u_y + noise, and z says nothing: log p(x) is a mixture of Gaussians, q(y | x) known by Bayes' rule."""
    vae = gv.SemiSupervisedVAE(
        LinearGaussian(2, 0), gv.GaussianInferenceNetwork(1, []), label_size=Y, classifier_layer_sizes=[]
    )
    vae.initialize()
    vae.cast("float64")
    data = nd(rng.standard_normal((50, 2)), "float64")
    bound = gv.ELBO(vae)
    bound(data)  # finds the sizes
    centres = rng.standard_normal((Y, 2))
    exact_posterior = np.log(np.expm1(1 - gv.inference.MIN_STD))
    mean, std = vae.inference_net.mean_head[0], vae.inference_net.std_head[0]
    classifier, precision = vae.classifier[0], 1 / 0.5**2
    for parameter, values in (
        (vae.generator.mean.weight, np.hstack([np.zeros((2, 1)), centres.T])),
        (vae.generator.mean.bias, np.zeros(2)),
        (mean.weight, np.zeros(mean.weight.shape)),
        (std.weight, np.zeros(std.weight.shape)),
        (std.bias, [exact_posterior]),
        (classifier.weight, precision * centres),
        (classifier.bias, -0.5 * precision * (centres**2).sum(1)),
    ):
        parameter.set_data(nd(values, "float64"))
    squares = ((data.asnumpy()[:, None] - centres) ** 2).sum(-1)
    log_joint = -0.5 * precision * squares - np.log(2 * np.pi * 0.5**2) - np.log(Y)
    evidence = scipy.special.logsumexp(log_joint, axis=1)
    np.testing.assert_allclose(bound(data).asnumpy(), evidence, rtol=1e-9)
    np.testing.assert_allclose(bound(data, None, nd(np.full(50, 1))).asnumpy(), log_joint[:, 1], rtol=1e-9)
    np.testing.assert_allclose(vae.classify(data).asnumpy(), np.exp(log_joint - evidence[:, None]), rtol=1e-6)
    classifier.bias.set_data(nd([0.5, -1, 0], "float64"))
    below = evidence - bound(data).asnumpy()
    assert (below > -1e-9).all()
    assert below.mean() > 0.05


@pytest.mark.parametrize("make", [gv.ELBO, lambda vae: gv.SemiSupervisedELBO(vae, alpha=2, beta=0.5), gv.CapacityELBO])
def test_both_modes(make, rng):
    vae = small(prior=gv.ConditionalPrior())
    vae.cast("float64")
    batches = [batch(rng, rng.integers(-1, Y, count), "float64") for count in (1, 7, 64, 7)]
    bound = make(vae)
    # terms without the classifier's share of labels leave it a gradient of 0 where all labels are known
    assert_modes_agree_in_float64(bound, batches)


def test_alpha_is_an_input_of_the_graph(rng):
    bound = gv.SemiSupervisedELBO(small())
    bound.hybridize(static_alloc=True, static_shape=True)
    tensors = batch(rng)
    at_one = bound(*tensors).asnumpy()
    bound.alpha = 3
    difference = bound(*tensors).asnumpy() - at_one
    log_q = np.log(bound.vae.classify(tensors[0]).asnumpy())
    np.testing.assert_allclose(difference, 2 * np.where(LABELS < 0, 0, log_q[np.arange(7), LABELS]), rtol=1e-3)


def test_saved_and_loaded(tmp_path, rng):
    vae, other = small(), small()
    tensors = batch(rng)
    before = vae(*tensors)
    vae.save_parameters(str(tmp_path / "model.params"))
    other.load_parameters(str(tmp_path / "model.params"))
    for got, want in zip(other(*tensors), before):
        np.testing.assert_array_equal(got.asnumpy(), want.asnumpy())


def test_drawing(rng):
    vae = small()
    data, _, _ = batch(rng)
    noise = nd(rng.standard_normal((2, 7, D)))
    probable = vae.classify(data).asnumpy().argmax(1)
    without = vae.generate_reconstructions(data, 2, "mean", noise)
    np.testing.assert_array_equal(
        without.asnumpy(), vae.generate_reconstructions(data, 2, "mean", noise, probable).asnumpy()
    )
    some = vae.generate_reconstructions(data, 2, "mean", noise, LABELS).asnumpy()
    known = np.where(LABELS < 0, probable, LABELS)
    np.testing.assert_array_equal(some, vae.generate_reconstructions(data, 2, "mean", noise, known).asnumpy())
    assert vae.phantasize(5).shape == vae.phantasize(5, label=2).shape == (5, X)


def test_learns_from_few_labels():
    """On real digits: of 4,000 images 50 have a label, and the bound and the accuracy rise."""
    train, valid, _ = gv.data.load("digits")
    few = gv.data.keep_few_labels(train, 50)
    vae = gv.SemiSupervisedVAE(
        gv.ProductOfBernoullisGenerator(784, [200]),
        gv.GaussianInferenceNetwork(10, [200], "relu"),
        label_size=10,
        classifier_layer_sizes=[100],
    )
    vae.initialize()
    before = gv.accuracy(vae, valid)
    bound = gv.SemiSupervisedELBO(vae, alpha=20)
    bound.hybridize(static_alloc=True, static_shape=True)
    history = gv.fit(bound, few, valid, epochs=2, batch_size=100, progress=False)
    assert before < 0.35
    assert gv.accuracy(vae, valid) > 0.55
    assert history["valid_bound"][1] > history["valid_bound"][0]


@pytest.mark.parametrize(
    "make",
    [
        gv.IWAE,
        gv.Renyi,
        gv.VIMCO,
        lambda vae: gv.ELBO(vae, kl="sampled"),
        lambda vae: gv.log_marginal_likelihood(vae, Dataset(np.eye(X), labels=np.zeros(X, int))),
    ],
)
def test_importance_weights_are_refused(make):
    with pytest.raises(ValueError, match="SemiSupervisedVAE sums labels out, and has no importance weights: use ELBO"):
        make(small())


def test_other_errors(rng):
    for make in (gv.FreeBitsELBO, gv.InfoVAE, lambda vae: gv.BetaTC(vae, 100)):
        with pytest.raises(ValueError, match="has another kl_divergence: use ELBO"):
            make(small())
    for options in (
        {"latent_type": "bernoulli", "prior": "codes"},
        {"latent_type": "vector_quantized", "prior": "codebook", "latent_options": {"code_size": 2}},
    ):
        with pytest.raises(ValueError, match="InferenceNetwork are discrete: use a relaxed posterior"):
            gv.construct_vae(data_dims=X, latent_variable_size=4, label_size=Y, classifier_layer_sizes=[], **options)
    with pytest.raises(ValueError, match="classifier_layer_sizes are of a model of data with labels: pass label_size"):
        gv.construct_vae(data_dims=X, classifier_layer_sizes=[5])
    with pytest.raises(TypeError, match="accuracy is of a SemiSupervisedVAE's classes, got GaussianVAE"):
        gv.accuracy(small_vae(), Dataset(np.eye(X), labels=np.zeros(X, int)))
    with pytest.raises(ValueError, match="no image in data has a label"):
        gv.accuracy(small(), Dataset(np.eye(X), labels=np.full(X, -1)))
    with pytest.raises(TypeError, match="vae must be a SemiSupervisedVAE, got GaussianVAE"):
        gv.SemiSupervisedELBO(small_vae())
    with pytest.raises(ValueError, match="whole numbers from -1 to 2, got int64 from -2 to 1"):
        small()(pixels(rng, 2), label=np.array([-2, 1]))


def test_validation_is_of_the_data_without_their_labels(rng):
    """A labelled bound differs from an unlabelled one by log Y where nothing depends on the label."""
    vae = small()
    for parameter in vae.collect_params(".*classifier.*").values():
        parameter.set_data(nd(np.zeros(parameter.shape)))
    for layer in (vae.inference_net.body[0], vae.generator.body[0]):
        weight = layer.weight.data().asnumpy()
        weight[:, -Y:] = 0
        layer.weight.set_data(nd(weight))
    bound = gv.SemiSupervisedELBO(vae, alpha=0)
    labels = rng.integers(0, Y, 40)
    images = Dataset(rng.integers(0, 2, (40, X)), labels=labels)
    labelled, unlabelled = gv.evaluate(bound, images), gv.evaluate(bound, gv.data.hide_labels(images))
    assert unlabelled.bound - labelled.bound == pytest.approx(np.log(Y), abs=1e-4)
    np.testing.assert_array_equal(images.labels, labels)
    rows = gv.fit(bound, images, images, epochs=1, batch_size=40, learning_rate=1e-12, progress=False).rows
    assert rows[0]["valid_bound"] == pytest.approx(unlabelled.bound, abs=1e-4)
    # all classes are as probable, and the first is taken
    assert rows[0]["valid_accuracy"] == np.mean(labels == 0)
    without = gv.data.hide_labels(images)
    assert "valid_accuracy" not in gv.fit(bound, images, without, epochs=1, batch_size=40, progress=False).rows[0]
