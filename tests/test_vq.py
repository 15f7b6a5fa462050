"""Vector quantisation: codes, gradients, moving averages, dead codes, perplexity."""

import json

import numpy as np
import pytest
from conftest import MODES, nd, pixels, set_mode
from modes import assert_modes_agree_in_float64

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.distributions import CodeVectors, Quantized

X, V, SIZE, CODES = 12, 3, 2, 4
D = V * SIZE
DECAY, COMMITMENT = 0.8, 0.7


def small(codebook="averages", learned=True, rng=None, dtype="float64", codes=CODES):
    """A model with code vectors, and all other parameters, that are far from where they start."""
    net = gv.VectorQuantizedInferenceNetwork(D, [5], data_dims=X, code_size=SIZE, codes=codes, codebook=codebook)
    vae = gv.VAE(gv.ProductOfBernoullisGenerator(X, [5]), net, gv.CodebookPrior(learned=learned))
    vae.initialize()
    vae(nd(np.zeros((1, X))))
    vae.cast(dtype)
    if rng is not None:
        for name, parameter in vae.collect_params().items():
            if not name.endswith("rows"):
                parameter.set_data(nd(0.8 * rng.standard_normal(parameter.shape), dtype))
    return vae


def numbers(tensor):
    return tensor.asnumpy().astype(np.float64)


def nearest(encodings, vectors):
    """Codes and code vectors, by going through all of them."""
    rows = encodings.reshape(len(encodings), -1, vectors.shape[1])
    codes = np.array(
        [[min(range(len(vectors)), key=lambda k: ((z - vectors[k]) ** 2).sum()) for z in row] for row in rows]
    )
    return codes, vectors[codes].reshape(encodings.shape)


def quantized_of(rng, batch, dtype="float64"):
    encodings, vectors = rng.standard_normal((batch, D)), rng.standard_normal((CODES, SIZE))
    return encodings, vectors, Quantized(nd(encodings, dtype), nd(vectors, dtype), CODES, SIZE)


# the distributions


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_the_nearest_codes_are_taken(rng, batch):
    encodings, vectors, q = quantized_of(rng, batch)
    codes, values = nearest(encodings, vectors)
    np.testing.assert_array_equal(q.codes.asnumpy(), codes)
    for value in (q.mode, q.mean, q.sample(), q.rsample()):
        np.testing.assert_array_equal(value.asnumpy(), values)
    assert len(np.unique(codes)) > 1


def test_each_row_of_noise_has_the_same_latent_state(rng):
    encodings, vectors, q = quantized_of(rng, 5)
    copies = q.rsample(nd(rng.standard_normal((4, 5, 1)), "float64")).asnumpy()
    np.testing.assert_array_equal(copies, np.broadcast_to(nearest(encodings, vectors)[1], (4, 5, D)))


def test_the_gradient_goes_straight_through(rng):
    encodings, vectors, _ = quantized_of(rng, 5)
    weights = rng.standard_normal((5, D))
    z, e = nd(encodings, "float64"), nd(vectors, "float64")
    z.attach_grad()
    e.attach_grad()
    with mx.autograd.record():
        (Quantized(z, e, CODES, SIZE).rsample() * nd(weights, "float64")).sum().backward()
    np.testing.assert_array_equal(z.grad.asnumpy(), weights)
    np.testing.assert_array_equal(e.grad.asnumpy(), 0)


def test_each_distance_moves_its_side(rng):
    encodings, vectors, _ = quantized_of(rng, 5)
    codes, values = nearest(encodings, vectors)
    apart, weights = encodings - values, np.linspace(0.5, 2, 5)
    of_vectors = np.zeros_like(vectors)
    np.add.at(of_vectors, codes, (-2 * weights[:, None] * apart).reshape(5, V, SIZE))
    for name, wanted in {
        "commitment": (2 * weights[:, None] * apart, 0 * vectors),
        "dictionary_loss": (0 * apart, of_vectors),
    }.items():
        z, e = nd(encodings, "float64"), nd(vectors, "float64")
        z.attach_grad()
        e.attach_grad()
        with mx.autograd.record():
            distance = getattr(Quantized(z, e, CODES, SIZE), name)
            (distance * nd(weights, "float64")).sum().backward()
        np.testing.assert_allclose(distance.asnumpy(), (apart**2).sum(-1), rtol=1e-12)
        for got, want in zip((z.grad, e.grad), wanted):
            np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-12, atol=1e-12)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize("batch", [1, 7])
def test_the_kl_of_a_point_mass_is_the_codes_log_mass(rng, batch):
    encodings, vectors, q = quantized_of(rng, batch)
    logits, weights = rng.standard_normal((V, CODES)), np.linspace(0.5, 2, batch)
    codes, _ = nearest(encodings, vectors)
    tensor = nd(logits, "float64")
    tensor.attach_grad()
    with mx.autograd.record():
        kl = gv.kl_divergence(q, CodeVectors(tensor, q.vectors))
        (kl * nd(weights, "float64")).sum().backward()
    np.testing.assert_allclose(kl.asnumpy(), -log_softmax(logits)[np.arange(V), codes].sum(-1), rtol=1e-12)
    gradient = weights.sum() * np.exp(log_softmax(logits))
    np.add.at(gradient, (np.arange(V), codes), -weights[:, None])
    np.testing.assert_allclose(tensor.grad.asnumpy(), gradient, rtol=1e-10, atol=1e-12)
    uniform = gv.kl_divergence(q, CodeVectors(nd(np.zeros((V, CODES)), "float64"), q.vectors))
    np.testing.assert_allclose(uniform.asnumpy(), np.full(batch, V * np.log(CODES)), rtol=1e-12)


def test_code_vectors_are_drawn_as_often_as_they_are_probable(rng):
    logits, vectors, n = rng.standard_normal((V, CODES)), rng.standard_normal((CODES, SIZE)), 20000
    draws = CodeVectors(nd(logits), nd(vectors)).sample(nd(rng.standard_normal((n, V)))).asnumpy()
    codes, values = nearest(draws, vectors.astype(np.float32))
    np.testing.assert_array_equal(draws, values)
    probabilities = np.exp(log_softmax(logits))
    frequencies = np.stack([np.bincount(column, minlength=CODES) / n for column in codes.T])
    assert (abs(frequencies - probabilities) < 4.5 * np.sqrt(probabilities * (1 - probabilities) / n)).all()
    # one by one, and none is out of reach of noise in the tails
    pairs = np.corrcoef(codes.T)
    assert abs(pairs - np.eye(V)).max() < 0.04
    edges = CodeVectors(nd(logits), nd(vectors)).sample(nd(np.full((1, V), -9.0))).asnumpy()
    np.testing.assert_array_equal(edges.reshape(V, SIZE), np.tile(vectors[0].astype(np.float32), (V, 1)))


# the objective


def by_hand(vae, data, commitment, dictionary):
    """objective, bound, log-likelihood, KL of each data point, by NumPy from the networks' outputs."""
    encodings, vectors = (numbers(x) for x in vae.inference_net(data))
    codes, values = nearest(encodings, vectors)
    logits = numbers(vae.generator(nd(values, vae.dtype)))
    log_likelihood = (numbers(data) * logits - np.log1p(np.exp(logits))).sum(-1)
    kl = -log_softmax(numbers(vae.prior.logits.data()))[np.arange(V), codes].sum(-1)
    apart = ((encodings - values) ** 2).sum(-1)
    bound = log_likelihood - kl
    return bound - (commitment + dictionary) * apart, bound, log_likelihood, kl


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_the_terms_are_those_of_the_paper(rng, codebook):
    vae = small(codebook, rng=rng)
    data = pixels(rng, 7).astype("float64")
    terms = gv.VQELBO(vae, commitment=COMMITMENT).terms(data)
    for got, want in zip(terms, by_hand(vae, data, COMMITMENT, codebook == "gradient")):
        np.testing.assert_allclose(got.asnumpy(), want, rtol=1e-9)
    log_likelihood, kl = vae(data)
    np.testing.assert_allclose(log_likelihood.asnumpy(), terms.log_likelihood.asnumpy(), rtol=1e-12)
    np.testing.assert_allclose(kl.asnumpy(), terms.kl.asnumpy(), rtol=1e-12)
    assert np.isfinite(by_hand(vae, data, 0, 0)[0]).all()


def test_both_modes_agree(rng):
    vae = small("gradient", rng=rng)
    noise = lambda batch: nd(rng.standard_normal((batch, 1)), "float64")  # noqa: E731
    batches = [(pixels(rng, batch).astype("float64"), noise(batch)) for batch in (1, 7, 64, 7)]
    assert_modes_agree_in_float64(gv.VQELBO(vae, commitment=COMMITMENT), batches)


def test_the_weight_of_commitment_needs_no_new_trace(rng):
    vae = small(rng=rng)
    bound = gv.VQELBO(vae, commitment=0)
    bound.hybridize(static_alloc=True, static_shape=True)
    data = pixels(rng, 7).astype("float64")
    free = bound.terms(data).objective.asnumpy()
    graph = bound._cached_op
    bound.commitment = 2.0
    np.testing.assert_allclose(free - bound(data).asnumpy(), 2 * (free - by_hand(vae, data, 1, 0)[0]), rtol=1e-9)
    assert bound._cached_op is graph


# moving averages


def encoder_gradient(vae, data, commitment):
    """Of the objective in the encodings, by NumPy but for that of the generator in its input."""
    encodings, vectors = (numbers(x) for x in vae.inference_net(data))
    values = nearest(encodings, vectors)[1]
    z = nd(values, "float64")
    z.attach_grad()
    with mx.autograd.record():
        vae.generator.log_likelihood(z, data).sum().backward()
    return z.grad.asnumpy() - 2 * commitment * (encodings - values)


@pytest.mark.parametrize("mode", MODES)
def test_averages_follow_the_encodings_of_each_batch(rng, mode):
    vae = small(rng=rng)
    book = vae.inference_net.codebook
    bound = gv.VQELBO(vae, commitment=COMMITMENT, decay=DECAY, revive_below=0)
    set_mode(bound, mode)
    rows = numbers(book.rows.data())
    for batch in (7, 7, 64, 1, 7):
        sums, counts = rows[:, :SIZE].copy(), rows[:, SIZE].copy()
        vectors = sums / counts[:, None]
        data = pixels(rng, batch).astype("float64")
        encodings = numbers(vae.inference_net(data)[0])
        of_encodings = encoder_gradient(vae, data, COMMITMENT)
        codes, _ = nearest(encodings, vectors)
        with mx.autograd.record():
            objective = bound(data)
        np.testing.assert_allclose(objective.asnumpy(), expected_objective(vae, data, vectors), rtol=1e-9)
        for k in range(CODES):
            mine = encodings.reshape(-1, SIZE)[codes.ravel() == k]
            counts[k] = DECAY * counts[k] + (1 - DECAY) * len(mine)
            sums[k] = DECAY * sums[k] + (1 - DECAY) * mine.sum(axis=0)
        rows = np.concatenate([sums, counts[:, None]], axis=1)
        np.testing.assert_allclose(numbers(book.rows.data()), rows, rtol=1e-9)
        np.testing.assert_allclose(numbers(book.vectors(data)), sums / counts[:, None], rtol=1e-9)
        # the code vectors have moved by now, and the gradient is of what they were
        objective.backward()
        bias = next(p for name, p in vae.collect_params().items() if "encodings_" in name and name.endswith("bias"))
        np.testing.assert_allclose(bias.grad().asnumpy(), of_encodings.sum(axis=0), rtol=1e-8, atol=1e-10)
    assert np.unique(codes).size > 1
    assert bound.revived == 0


def expected_objective(vae, data, vectors):
    """By NumPy, under code vectors that were those of the model before."""
    encodings = numbers(vae.inference_net(data)[0])
    codes, values = nearest(encodings, vectors)
    logits = numbers(vae.generator(nd(values, vae.dtype)))
    kl = -log_softmax(numbers(vae.prior.logits.data()))[np.arange(V), codes].sum(-1)
    log_likelihood = (numbers(data) * logits - np.log1p(np.exp(logits))).sum(-1)
    return log_likelihood - kl - COMMITMENT * ((encodings - values) ** 2).sum(-1)


@pytest.mark.parametrize("learned", [False, True])
def test_gradients_agree_in_all_modes_while_averages_move(rng, learned):
    vae = small(learned=learned, rng=rng)
    book, bound = vae.inference_net.codebook, gv.VQELBO(vae, commitment=COMMITMENT)
    batches = [pixels(rng, batch).astype("float64") for batch in (1, 7, 64, 7)]
    start = book.rows.data().copy()

    def trained_on(data):
        book.rows.set_data(start)
        gv.seed(3)
        with mx.autograd.record():
            bound(data).sum().backward()
        parameters = vae.collect_params().values()
        return [p.grad().asnumpy() for p in parameters if p.grad_req != "null"] + [numbers(book.rows.data())]

    expected = [trained_on(data) for data in batches]
    for mode in [*MODES, "imperative"]:
        set_mode(bound, mode)
        for data, wanted in zip(batches, expected):
            for got, want in zip(trained_on(data), wanted):
                np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * abs(want).max())


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


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_averages_move_in_training_only(rng, mode):
    vae = small(rng=rng)
    bound, data = gv.VQELBO(vae), pixels(rng, 7).astype("float64")
    set_mode(bound, mode)
    before = numbers(vae.inference_net.codebook.rows.data())
    bound(data)
    gv.evaluate(bound, data.asnumpy())
    vae.generate_reconstructions(data, 2)
    with mx.autograd.record(train_mode=False):
        bound(data)
    np.testing.assert_array_equal(numbers(vae.inference_net.codebook.rows.data()), before)
    with mx.autograd.record():
        bound(data)
    assert (numbers(vae.inference_net.codebook.rows.data()) != before).any()


def test_what_is_not_finite_moves_no_code_vector(rng):
    vae = small(rng=rng)
    book = vae.inference_net.codebook
    before = numbers(book.rows.data())
    codes = nd(np.zeros((2, V)), "float64")
    for wrong in (np.nan, np.inf):
        encodings = rng.standard_normal((2, D))
        encodings[0, 0] = wrong
        book.follow(nd(encodings, "float64"), codes, 0.9, 0.1)
        np.testing.assert_array_equal(numbers(book.rows.data()), before)


def test_codes_that_are_never_used_stay_where_they_are(rng):
    vae = small(rng=rng)
    book = vae.inference_net.codebook
    before = numbers(book.vectors(nd([0], "float64")))
    encodings, codes = nd(np.ones((2, D)), "float64"), nd(np.zeros((2, V)), "float64")
    for _ in range(300):
        book.follow(encodings, codes, 0.1, 0)
    after = numbers(book.vectors(encodings))
    np.testing.assert_allclose(after[0], 1, rtol=1e-12)
    np.testing.assert_allclose(after[1:], before[1:], rtol=1e-9)


def test_dead_codes_are_put_on_encodings_of_the_batch(rng):
    vae = small(rng=rng)
    book = vae.inference_net.codebook
    # the last two codes count for less than a tenth of what all do on average
    counts = np.array([6.0, 4.0, 0.2, 0.01])
    book.rows.set_data(nd(np.concatenate([counts[:, None] * [[0.5, -0.5]], counts[:, None]], axis=1), "float64"))
    encodings = rng.standard_normal((4, D))
    codes = nd(np.tile([0, 1, 1], (4, 1)), "float64")
    rows_of = []
    for seed in (5, 5, 6):
        start = book.rows.data().copy()
        gv.seed(seed)
        assert book.follow(nd(encodings, "float64"), codes, 0.9, 0.1).asscalar() == 2
        rows_of.append(numbers(book.rows.data()))
        book.rows.set_data(start)
    np.testing.assert_array_equal(rows_of[0], rows_of[1])
    assert (rows_of[0][2:] != rows_of[2][2:]).any()
    new_counts = 0.9 * counts + 0.1 * np.array([4, 8, 0, 0])
    np.testing.assert_allclose(rows_of[0][:2, SIZE], new_counts[:2], rtol=1e-12)
    np.testing.assert_allclose(rows_of[0][2:, SIZE], new_counts.mean(), rtol=1e-12)
    vectors = rows_of[0][:, :SIZE] / rows_of[0][:, SIZE:]
    distances = abs(vectors[2:, None] - encodings.reshape(-1, SIZE)).sum(-1)
    assert (distances.min(axis=1) < 1e-12).all()


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_revived_codes_are_counted(rng, mode):
    vae = small(rng=rng, codes=40)
    bound = gv.VQELBO(vae, decay=0.5, revive_below=0.9)
    set_mode(bound, mode)
    counts, revived = np.ones(40), 0
    for _ in range(3):
        data = pixels(rng, 4).astype("float64")
        codes = nearest(*(numbers(x) for x in vae.inference_net(data)))[0]
        counts = 0.5 * counts + 0.5 * np.bincount(codes.ravel(), minlength=40)
        dead = counts < 0.9 * counts.mean()
        revived, counts = revived + dead.sum(), np.where(dead, counts.mean(), counts)
        with mx.autograd.record():
            bound(data)
        np.testing.assert_allclose(vae.inference_net.codebook.usage(), counts, rtol=1e-12)
        assert bound.revived == revived > 0


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


# what it is all for


@pytest.mark.parametrize("codebook", ["averages", "gradient"])
def test_digits_are_learnt_with_many_codes(codebook):
    train, _, test = gv.data.load("digits")
    vae = gv.construct_vae(
        "vectorQuantized",
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


def test_perplexity_is_that_of_the_codes_that_data_has(rng):
    vae = small(rng=rng, dtype="float32")
    data = pixels(rng, 30).asnumpy()
    encodings, vectors = (numbers(x) for x in vae.inference_net(nd(data)))
    codes, _ = nearest(encodings, vectors)

    def exp_entropy(some):
        p = np.unique(some, return_counts=True)[1] / some.size
        return np.exp(-(p * np.log(p)).sum())

    use = gv.perplexity(vae, data, batch_size=7)
    assert use.overall == pytest.approx(exp_entropy(codes))
    np.testing.assert_allclose(use.by_position, [exp_entropy(column) for column in codes.T])
    assert use.used == len(np.unique(codes))
    assert 1 < use.overall < CODES


def test_a_diverging_step_leaves_the_code_vectors(rng):
    vae = small(rng=rng, dtype="float32")
    bias = next(p for name, p in vae.collect_params().items() if "encodings_" in name and name.endswith("bias"))
    bias.set_data(nd(np.full(D, np.nan)))
    before = numbers(vae.inference_net.codebook.rows.data())
    with pytest.raises(FloatingPointError):
        gv.fit(gv.VQELBO(vae), pixels(rng, 20).asnumpy(), epochs=1, batch_size=10, progress=False)
    np.testing.assert_array_equal(numbers(vae.inference_net.codebook.rows.data()), before)


# errors


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
    "bfloat16": (lambda: small().cast(gv.backend.operators.BFLOAT16), TypeError, "bfloat16 has too few digits"),
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


def test_the_command_trains_a_codebook(tmp_path, capsys):
    from gluonvae.cli.main import main

    folder = tmp_path / "run"
    options = "--posterior vectorQuantized --posterior-options codes=16 --prior codebook --bound vq --bound-options "
    options += "commitment=0.5 --latent-size 32 --epochs 1 --generator-layers 20 --inference-layers 20 --out"
    assert main(["train", *options.split(), str(folder)]) == 0
    assert json.loads((folder / "result.json").read_text())["test_kl"] <= 4 * np.log(16) * 1.2
    assert main(["sample", str(folder), "-n", "3", "--out", str(tmp_path / "s.npy")]) == 0
    assert np.load(tmp_path / "s.npy").shape == (3, 784)
