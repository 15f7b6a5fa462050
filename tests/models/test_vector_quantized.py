"""Models with a codebook: as a graph, with labels, saved, trained on digits, and what is refused."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributions import CodeVectors
from tests.helpers import nd, pixels
from tests.truths.codebook import CODES, DECAY, SIZE, D, V, X, numbers, small


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_the_model_is_a_graph_as_a_whole(rng, codebook):
    vae = small(codebook, rng=rng)
    data, noise = pixels(rng, 7).astype("float64"), nd(rng.standard_normal((7, 1)), "float64")
    imperative = [numbers(term) for term in vae(data, noise)]
    vae.hybridize(static_alloc=True, static_shape=True)
    for got, want in zip(vae(data, noise), imperative):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-12)
    assert "Activation" in gv.summary(gv.VQELBO(vae))


def test_labels_go_with_it(rng):
    net = gv.VectorQuantizedInferenceNetwork(D, [5], code_size=SIZE, codes=CODES)
    vae = gv.ConditionalVAE(gv.ProductOfBernoullisGenerator(X, [5]), net, gv.CodebookPrior(), label_size=3)
    vae.initialize()
    data, label = pixels(rng, 6), np.arange(6) % 3
    log_likelihood, kl = vae(data, label=label)
    np.testing.assert_allclose(kl.asnumpy(), V * np.log(CODES), rtol=1e-5)
    with mx.autograd.record():
        gv.VQELBO(vae)(data, label=label).backward()
    assert log_likelihood.shape == (6,)
    assert vae.phantasize(4, label=2).shape == (4, X)


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_saving_keeps_all_that_training_goes_on_from(rng, tmp_path, codebook):
    def trained(vae, steps, seed):
        bound = gv.VQELBO(vae, decay=DECAY)
        bound.hybridize(static_alloc=True, static_shape=True)
        gv.seed(seed)
        gv.fit(bound, data, epochs=steps, batch_size=10, optimizer="sgd", learning_rate=0.01, progress=False)
        return [numbers(parameter.data()) for parameter in vae.collect_params().values()]

    data = pixels(rng, 20).asnumpy()
    first, second = small(codebook, rng=rng, dtype="float32"), small(codebook, dtype="float32")
    trained(first, 2, 1)
    first.save_parameters(str(tmp_path / "vq.params"))
    second.load_parameters(str(tmp_path / "vq.params"))
    for one, other in zip(trained(first, 2, 2), trained(second, 2, 2)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_digits_are_learnt_with_many_codes(codebook):
    train, _, test = gv.data.load("digits")
    vae = gv.construct_vae(
        "vector_quantized",
        latent_variable_size=64,
        latent_options={"codes": 32, "code_size": 4, "codebook": codebook},
        prior="codebook",
        generator_layer_sizes=[100],
        infer_layer_sizes=[100],
        generator_act_type="relu",
        infer_act_type="relu",
    )
    vae.initialize()
    bound = gv.VQELBO(vae)
    bound.hybridize(static_alloc=True, static_shape=True)
    before = gv.evaluate(bound, test)
    gv.fit(bound, train, epochs=10, batch_size=100, learning_rate=3e-3, progress=False)
    after = gv.evaluate(bound, test)
    assert after.bound > before.bound + 400
    assert after.kl <= 16 * np.log(32)
    use = gv.perplexity(vae, test)
    assert use.overall > 24
    images = nd(test.batch(slice(6)))
    assert vae.phantasize(5).shape == (5, 784)
    reconstructions = vae.generate_reconstructions(images, 3, "mean").asnumpy()
    np.testing.assert_array_equal(reconstructions, np.broadcast_to(reconstructions[0], (3, 6, 784)))
    # nearer to its original than the others' are
    distance = ((reconstructions[0][:, None] - images.asnumpy()) ** 2).sum(-1)
    assert np.diag(distance).mean() < 0.5 * distance[~np.eye(6, dtype=bool)].mean()


def test_a_diverging_step_leaves_the_code_vectors(rng):
    vae = small(rng=rng, dtype="float32")
    bias = next(p for name, p in vae.collect_params().items() if "encodings_" in name and name.endswith("bias"))
    bias.set_data(nd(np.full(D, np.nan)))
    before = numbers(vae.inference_net.family.codebook.rows.data())
    with pytest.raises(FloatingPointError):
        gv.fit(gv.VQELBO(vae), pixels(rng, 20).asnumpy(), epochs=1, batch_size=10, progress=False)
    np.testing.assert_array_equal(numbers(vae.inference_net.family.codebook.rows.data()), before)


def gaussian():
    return gv.GaussianInferenceNetwork(D, [5], data_dims=X)


def made(net, prior=None):
    return gv.VAE(gv.ProductOfBernoullisGenerator(X, [5]), net, prior)


def quantized(**options):
    return gv.VectorQuantizedInferenceNetwork(D, [5], data_dims=X, **{"code_size": SIZE, **options})


ERRORS = {
    "the standard prior": (
        lambda: made(quantized()),
        ValueError,
        "prior over its codes, got StandardNormalPrior: use Co",
    ),
    "a codebook's prior of another posterior": (
        lambda: made(gaussian(), gv.CodebookPrior()),
        ValueError,
        "CodebookPrior is a prior for posteriors that are Quantized, and GaussianInferenceNetwork",
    ),
    "another bound": (lambda: gv.ELBO(small()), ValueError, "ELBO does not train the codebook .*: use VQELBO"),
    "importance weights": (lambda: gv.IWAE(small()), ValueError, "IWAE does not train the codebook .*: use VQELBO"),
    "another posterior": (lambda: gv.VQELBO(made(gaussian())), ValueError, "VQELBO trains a codebook, and Gaussian"),
    "no multiple": (lambda: quantized(code_size=4), ValueError, "must be a multiple of code_size 4, got 6"),
    "no codes": (lambda: quantized(codes=0), ValueError, "codes must be positive, got 0"),
    "how it is trained": (lambda: quantized(codebook="average"), ValueError, "did you mean 'averages'"),
    "decay": (lambda: gv.VQELBO(small(), decay=1.0), ValueError, "decay must be at least 0 and below 1, got 1.0"),
    "revive_below": (lambda: gv.VQELBO(small(), revive_below=-1), ValueError, "revive_below must be at least 0"),
    "commitment": (
        lambda: gv.VQELBO(small(), commitment=-1),
        ValueError,
        "commitment must be a finite number, not neg",
    ),
    "marginal likelihood": (
        lambda: gv.log_marginal_likelihood(small(), np.zeros((2, X))),
        ValueError,
        r"every sample of VectorQuantizedInferenceNetwork is the same.*evaluate\(VQELBO\(vae\), data\)",
    ),
    "perplexity": (lambda: gv.perplexity(made(gaussian()), np.zeros((2, X))), TypeError, "perplexity is of a codebook"),
    "bfloat16": (lambda: small().cast(gv.BFLOAT16), TypeError, "bfloat16 has too few digits"),
    "no noise": (
        lambda: CodeVectors(nd(np.zeros((V, CODES))), nd(np.zeros((CODES, SIZE)))).sample(),
        TypeError,
        "needs its noise",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_is_refused(case):
    call, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        call()
