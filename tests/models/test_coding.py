"""Encoder and decoder, as calls and as blocks, of every kind of model."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.backend.structures import leaves
from tests.helpers import nd, pixels, set_mode, small_vae
from tests.helpers.modes import BATCHES, assert_same, rounds, value_and_gradients, weighting
from tests.helpers.tensors import draw
from tests.tables import codes, parts
from tests.tables.parts import CLASSES

X = parts.SHAPE[0] * parts.SHAPE[1]
FIRST_FITTING = {q: next(p for p in parts.PRIORS if parts.prior_fits(q, p)) for q in parts.POSTERIORS}
CONDITIONAL = ["gaussian", "planar", "categorical", "hierarchical", "vector_quantized"]
SEMI_SUPERVISED = ["gaussian", "planar", "relaxed_one_hot", "ladder"]
WITHOUT_MEAN = ["planar", "radial", "iaf", "real_nvp", "spline", "hierarchical", "ladder", "relaxed_one_hot"]

every_posterior = pytest.mark.parametrize("posterior", FIRST_FITTING)
MODELS = {
    **{q: {"posterior": q, "prior": p} for q, p in FIRST_FITTING.items()},
    **{
        f"{q}, {labels}": {"posterior": q, "prior": FIRST_FITTING[q], "labels": labels}
        for labels, names in (("conditional", CONDITIONAL), ("semi-supervised", SEMI_SUPERVISED))
        for q in names
    },
    "conv": {"body": "conv"},
    "missing values": {"values": "missing values"},
}
every_model = pytest.mark.parametrize("name", MODELS)


def random_model(name, rng):
    """A model of the table, with parameters far from those that it starts with."""
    vae = parts.model(**MODELS[name])
    vae.encode(pixels(rng, 2, X), **({"label": np.zeros(2)} if vae.label_size else {}))
    vae.phantasize(1, **({"label": 0} if vae.label_size else {}))  # sizes that are left to the first call
    for parameter in vae.collect_params().values():
        if parameter.grad_req != "null":
            parameter.set_data(nd(0.5 * rng.standard_normal(parameter.shape)))
    return vae


def labels_of(vae, rng, count):
    """Labels as rows; in a semi-supervised model every other one is missing."""
    if not vae.label_size:
        return []
    rows = np.eye(CLASSES)[rng.integers(0, CLASSES, count)]
    if isinstance(vae, gv.SemiSupervisedVAE):
        rows[::2] = 0
    return [nd(rows)]


@every_posterior
def test_which_means_have_a_closed_form(posterior):
    vae = parts.model(posterior=posterior, prior=FIRST_FITTING[posterior])
    assert vae.posterior_has_mean == (posterior not in WITHOUT_MEAN)


@every_model
def test_the_mean_is_that_of_draws(name, rng):
    vae = random_model(name, rng)
    data = pixels(rng, 6, X)
    (label,) = labels_of(vae, rng, 6) or [None]
    mean = vae.encode(data, label=label, mean_samples=4000).asnumpy()
    drawn = vae.encode(data, 4000, label=label, seed=1).asnumpy()
    assert mean.shape == (6, vae.latent_variable_size)
    assert drawn.shape == (4000, *mean.shape)
    error = drawn.std(axis=0) / np.sqrt(4000) * (1 if vae.posterior_has_mean else np.sqrt(2))
    assert (abs(drawn.mean(axis=0, dtype=np.float64) - mean) <= 5 * error + 1e-5).all()


@every_model
def test_blocks_in_both_modes(name, rng):
    """The means, the draws and the decoded means: the same numbers and gradients, in every mode and batch size."""
    vae = random_model(name, rng)
    for block in (gv.Encoder(vae), gv.Encoder(vae, draws=True)):
        batches = []
        for count in (*BATCHES, BATCHES[1]):
            noise = [draw(rng, block.noise, (3, count))] if block.takes_noise else []
            batches.append((pixels(rng, count, X), *noise, *labels_of(vae, rng, count)))
        assert_block_agrees(block, batches, vae.inference_net.reparametrized or not block.draws)
    shapes = [(count,) for count in BATCHES] + [(3, 7)]
    known = lambda count: [nd(np.eye(CLASSES)[rng.integers(0, CLASSES, count)])] if vae.label_size else []  # noqa: E731
    latent = [(nd(rng.standard_normal((*shape, vae.latent_variable_size))), *known(shape[-1])) for shape in shapes]
    assert_block_agrees(gv.Decoder(vae), latent)


def assert_block_agrees(block, batches, differentiable=True):
    def results(inputs):
        # labels come by name
        tensors = list(inputs)
        label = tensors.pop() if block.vae.label_size else None
        if not differentiable:
            return [block(*tensors, label=label).asnumpy()]
        block.collect_params().zero_grad()
        return value_and_gradients(Call(block, label), tensors, weighting)

    expected = [(inputs, results(inputs)) for inputs in batches]
    for mode, some in rounds(expected):
        set_mode(block, mode)
        for inputs, want in some:
            assert_same(results(inputs), want)


class Call:
    """A call of a block with a label, and its parameters."""

    def __init__(self, block, label):
        self.block, self.label = block, label
        self.collect_params = block.collect_params

    def __call__(self, *tensors):
        return self.block(*tensors, label=self.label)


def test_a_block_leaves_its_model_as_it_is(rng):
    vae = small_vae()
    encoder, decoder = gv.Encoder(vae), gv.Decoder(vae, "mode")
    for block in (encoder, decoder):
        block.hybridize(static_alloc=True)
    mean = encoder(pixels(rng, 3))
    assert set(np.unique(decoder(mean).asnumpy())) <= {0, 1}
    assert not any(block._active for block in (vae, vae.inference_net, vae.generator))
    assert list(encoder.collect_params()) == list(vae.collect_params())


@every_model
def test_data_sets_are_encoded_in_batches(name, rng):
    vae = random_model(name, rng)
    data = pixels(rng, 7, X)
    (label,) = labels_of(vae, rng, 7) or [None]
    labelled = {} if label is None else {"label": label.asnumpy()}
    if isinstance(vae, gv.SemiSupervisedVAE):
        labelled = {"label": np.where(label.asnumpy().any(1), label.asnumpy().argmax(1), -1)}
    wanted = vae.encode(data, label=label, mean_samples=4000).asnumpy()
    encoded = vae.encode(data.asnumpy(), batch_size=3, mean_samples=4000, **labelled)
    assert (type(encoded), encoded.dtype) == (np.ndarray, np.float32)
    spread = vae.encode(data, 2000, label=label).asnumpy().std(axis=0)
    np.testing.assert_array_less(
        abs(encoded - wanted), 1e-5 + (0 if vae.posterior_has_mean else 1) * 7 * spread / np.sqrt(4000)
    )
    draws = vae.encode(data.asnumpy(), 3, batch_size=3, **labelled)
    assert draws.shape == (3, *encoded.shape)
    np.testing.assert_array_equal(vae.encode(data.asnumpy(), 3, batch_size=3, **labelled), draws)
    one = vae.encode(data.asnumpy(), 1, **labelled)
    assert one.shape == (1, *encoded.shape)


@every_posterior
def test_given_noise(posterior, rng):
    """The draws are those of the posterior, and the mean is NumPy's of them."""
    vae = parts.model(posterior=posterior, prior=FIRST_FITTING[posterior])
    data, noise = pixels(rng, 4, X), draw(rng, vae.inference_net.noise, (5, 4))
    drawn = vae.posterior(data).rsample(noise).asnumpy()
    np.testing.assert_allclose(vae.encode(data, 5, noise=noise).asnumpy(), drawn, rtol=1e-6)
    if vae.posterior_has_mean:
        with pytest.raises(ValueError, match="noise is of draws: the mean has a closed form"):
            vae.encode(data, noise=noise)
        with pytest.raises(TypeError, match="takes no noise: it has a closed form"):
            gv.Encoder(vae)(data, noise)
    else:
        np.testing.assert_allclose(vae.encode(data, noise=noise).asnumpy(), drawn.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_a_gaussian_mean_is_what_the_network_returns(rng):
    vae = small_vae()
    data = pixels(rng, 5)
    np.testing.assert_array_equal(vae.encode(data).asnumpy(), vae.inference_net(data)[0].asnumpy())


@pytest.mark.parametrize("name", codes.EXACT)
def test_means_of_codes_are_probabilities(name, rng):
    vae = codes.model(name)
    data = pixels(rng, 5)
    (logits,) = vae.inference_net(data)
    odds = np.exp(logits.asnumpy().astype(np.float64))
    of_blocks = odds.reshape(5, -1, 3)
    one_hot = (of_blocks / of_blocks.sum(-1, keepdims=True)).reshape(5, -1)
    wanted = one_hot if name == "categorical" else odds / (1 + odds)
    np.testing.assert_allclose(vae.encode(data).asnumpy(), wanted, rtol=1e-5)


def test_the_mean_over_missing_labels_is_weighted_by_their_probabilities(rng):
    """By hand: Σ_y q(y | x) E[z | x, y]."""
    vae = random_model("gaussian, semi-supervised", rng)
    data = pixels(rng, 6, X)
    probabilities = vae.classify(data).asnumpy()
    means = [vae.inference_net(data, nd(np.tile(row, (6, 1))))[0].asnumpy() for row in np.eye(CLASSES)]
    wanted = sum(probabilities[:, [y]] * means[y] for y in range(CLASSES))
    np.testing.assert_allclose(vae.encode(data).asnumpy(), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.encode(data.asnumpy()), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(vae.encode(data, label=np.full(6, 2)).asnumpy(), means[2], rtol=1e-5, atol=1e-6)


def test_draws_over_missing_labels_have_classes_by_their_probabilities(rng):
    """With noise of the latent state at 0, a draw is the mean of its class: how often each occurs is q(y | x)."""
    vae = random_model("gaussian, semi-supervised", rng)
    data = pixels(rng, 2, X)
    noise = vae.posterior_noise._replace(
        label=nd(np.linspace(0, 1, 1000, endpoint=False)[:, None, None] * np.ones((1, 2, 1))),
        latent=mx.nd.zeros((1000, 2, vae.latent_variable_size)),
    )
    drawn = vae.encode(data, 1000, noise=noise).asnumpy()
    for y, row in enumerate(np.eye(CLASSES)):
        mean = vae.inference_net(data, nd(np.tile(row, (2, 1))))[0].asnumpy()
        share = np.isclose(drawn, mean, rtol=1e-4, atol=1e-5).all(axis=-1).mean(axis=0)
        np.testing.assert_allclose(share, vae.classify(data).asnumpy()[:, y], atol=2e-3)


def test_decoded_means_are_numpys(rng):
    """Of a linear generator of zeros and ones: sigmoid(W z + b)."""
    vae = small_vae(generator_layer_sizes=[])
    weight, bias = (p.data().asnumpy() for p in vae.generator.collect_params().values())
    latent = rng.standard_normal((3, 5, 4)).astype(np.float32)
    wanted = 1 / (1 + np.exp(-(latent @ weight.T + bias)))
    for states in (latent, latent[0]):
        want = wanted if states.ndim == 3 else wanted[0]
        np.testing.assert_allclose(vae.decode(nd(states)).asnumpy(), want, rtol=1e-5)
        decoded = vae.decode(states, batch_size=2)
        assert decoded.dtype == np.float32
        np.testing.assert_allclose(decoded, want, rtol=1e-5)
        np.testing.assert_array_equal(vae.decode(states, "mode"), want > 0.5)
    drawn = vae.decode(np.tile(latent[0, :1], (4000, 1)), "sample")
    np.testing.assert_allclose(drawn.mean(axis=0), wanted[0, 0], atol=0.04)


@every_model
def test_what_is_encoded_can_be_decoded(name, rng):
    vae = random_model(name, rng)
    data = pixels(rng, 5, X)
    label = {} if not vae.label_size else {"label": np.arange(5) % CLASSES}
    for latent in (vae.encode(data, **label), vae.encode(data, 2, **label)):
        decoded = vae.decode(latent, **label)
        assert decoded.shape == (*latent.shape[:-1], X)
        np.testing.assert_allclose(vae.decode(latent.asnumpy(), **label), decoded.asnumpy(), rtol=1e-5, atol=1e-6)
        assert ((decoded >= 0) * (decoded <= 1)).asnumpy().all()


@pytest.mark.parametrize("likelihood", parts.LIKELIHOODS)
def test_every_likelihood_decodes(likelihood, rng):
    vae = parts.model(likelihood=likelihood)
    latent = rng.standard_normal((3, vae.latent_variable_size))
    for image in ("mean", "mode", "sample"):
        assert np.isfinite(vae.decode(latent, image)).all()


def test_gradients_are_recorded_where_the_caller_does(rng):
    """The gradient of the decoded mean of an encoded mean reaches the inference network."""
    vae = small_vae()
    with mx.autograd.record():
        loss = vae.decode(vae.encode(pixels(rng, 4))).sum()
    loss.backward()
    assert all(
        leaf.grad().asnumpy().any() for leaf in leaves(tuple(vae.inference_net.mean_head.collect_params().values()))
    )


def test_a_cast_model(rng):
    vae = small_vae()
    vae.cast("float64")
    assert vae.encode(pixels(rng, 2).astype("float64")).dtype == np.float64
    assert vae.decode(vae.encode(pixels(rng, 2).asnumpy())).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda vae: vae.encode(np.zeros((2, 11))), ValueError, "data must be .* of 12 values each"),
        (lambda vae: vae.encode(nd(np.zeros((2, 11)))), ValueError, r"data must have shape \(B, 12\)"),
        (lambda vae: vae.encode(np.zeros((2, 12)), 0), ValueError, "samples must be"),
        (lambda vae: vae.encode(np.zeros((2, 12)), mean_samples=0), ValueError, "mean_samples must be"),
        (lambda vae: vae.encode(np.zeros((2, 12)), noise=nd([0])), ValueError, "noise is for data as an NDArray"),
        (lambda vae: vae.encode(nd(np.zeros((2, 12))), label=[0, 1]), TypeError, "takes no label"),
        (lambda vae: vae.encode(gv.data.Dataset(np.zeros((2, 12))), label=[0, 1]), ValueError, "label is for arrays"),
        (lambda vae: vae.decode(np.zeros((2, 5))), ValueError, r"must have shape \(B, 4\), got \(2, 5\)"),
        (lambda vae: vae.decode(np.zeros(4)), ValueError, r"must have shape \(B, 4\), got \(4,\)"),
        (lambda vae: vae.decode(nd(np.zeros((2, 5)))), ValueError, "latent_state must have shape"),
        (lambda vae: vae.decode(np.full((2, 4), np.nan)), ValueError, "latent_state .* nan"),
        (lambda vae: vae.decode(np.zeros((2, 4)), "median"), ValueError, "image"),
        (lambda vae: gv.Decoder(vae, "sample"), ValueError, "image"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(small_vae())


@pytest.mark.filterwarnings("ignore::numpy.VisibleDeprecationWarning")
def test_latent_states_of_unlike_sizes():
    """Which only newer versions of NumPy refuse."""
    with pytest.raises(TypeError, match=r"latent_state must be numbers, got dtype object: .* rows of unlike lengths"):
        small_vae().decode([[0.0, 1.0], [2.0]])


def test_labels_are_asked_for():
    latent = np.zeros((2, 4))
    for options in ({"label_size": 3}, {"label_size": 3, "classifier_layer_sizes": [4]}):
        with pytest.raises(TypeError, match="label is missing: which of the 3 classes"):
            small_vae(**options).decode(latent)
    with pytest.raises(ValueError, match="labels of latent states must be known, and some are missing"):
        small_vae(label_size=3, classifier_layer_sizes=[4]).decode(latent, label=[0, -1])
    with pytest.raises(ValueError, match="has no labels, and ConditionalVAE takes them"):
        small_vae(label_size=3).encode(np.zeros((2, 12)))
    with pytest.raises(TypeError, match="label is missing"):
        small_vae(label_size=3).encode(nd(np.zeros((2, 12))))


def test_a_latent_state_that_is_not_finite_is_told_of():
    vae = small_vae()
    vae.inference_net.mean_head[-1].bias.data()[:] = np.inf
    with pytest.raises(FloatingPointError, match=r"the latent state of row 0 .*mean_head"):
        vae.encode(np.zeros((2, 12)))
