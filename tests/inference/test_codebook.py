"""Codebooks: moving averages, codes that are never used, dead codes."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import MODES, nd, pixels, set_mode
from tests.truths.codebook import CODES, COMMITMENT, DECAY, SIZE, D, V, log_softmax, nearest, numbers, small


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
    book = vae.inference_net.family.codebook
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
    book, bound = vae.inference_net.family.codebook, gv.VQELBO(vae, commitment=COMMITMENT)
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


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_averages_move_in_training_only(rng, mode):
    vae = small(rng=rng)
    bound, data = gv.VQELBO(vae), pixels(rng, 7).astype("float64")
    set_mode(bound, mode)
    before = numbers(vae.inference_net.family.codebook.rows.data())
    bound(data)
    gv.evaluate(bound, data.asnumpy())
    vae.generate_reconstructions(data, 2)
    with mx.autograd.record(train_mode=False):
        bound(data)
    np.testing.assert_array_equal(numbers(vae.inference_net.family.codebook.rows.data()), before)
    with mx.autograd.record():
        bound(data)
    assert (numbers(vae.inference_net.family.codebook.rows.data()) != before).any()


def test_what_is_not_finite_moves_no_code_vector(rng):
    vae = small(rng=rng)
    book = vae.inference_net.family.codebook
    before = numbers(book.rows.data())
    codes = nd(np.zeros((2, V)), "float64")
    for wrong in (np.nan, np.inf):
        encodings = rng.standard_normal((2, D))
        encodings[0, 0] = wrong
        book.follow(nd(encodings, "float64"), codes, 0.9, 0.1)
        np.testing.assert_array_equal(numbers(book.rows.data()), before)


def test_codes_that_are_never_used_stay_where_they_are(rng):
    vae = small(rng=rng)
    book = vae.inference_net.family.codebook
    before = numbers(book.vectors(nd([0], "float64")))
    encodings, codes = nd(np.ones((2, D)), "float64"), nd(np.zeros((2, V)), "float64")
    for _ in range(300):
        book.follow(encodings, codes, 0.1, 0)
    after = numbers(book.vectors(encodings))
    np.testing.assert_allclose(after[0], 1, rtol=1e-12)
    np.testing.assert_allclose(after[1:], before[1:], rtol=1e-9)


def test_dead_codes_are_put_on_encodings_of_the_batch(rng):
    vae = small(rng=rng)
    book = vae.inference_net.family.codebook
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
        np.testing.assert_allclose(vae.inference_net.family.codebook.usage(), counts, rtol=1e-12)
        assert bound.revived == revived > 0
