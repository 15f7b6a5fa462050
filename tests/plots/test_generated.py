"""Pictures of what a model generates, of models whose means and posteriors are known."""

import numpy as np
import pytest
import scipy.stats
from scipy.special import expit

import gluonvae as gv
from gluonvae.noise import source
from tests.helpers import MODES, nd, set_mode, small_vae
from tests.helpers.figures import cells, grey, labels_of, title_of
from tests.truths.linear_gaussian import linear_gaussian

SHAPE, LIMITS = (2, 3), (-4, 4)


@pytest.fixture
def known(rng):
    """A model with E[x | z] = W z + b, and what is known of it."""
    vae, truth = linear_gaussian(rng, 6, 2)
    return vae, truth, lambda z: (np.asarray(z) @ truth.weight.T + truth.bias).reshape(-1, *SHAPE)


def assert_drawn(figure, columns, images, within=1):
    """The images are drawn, to rounding of bytes."""
    drawn, _ = cells(figure, columns, SHAPE, len(images))
    assert np.abs(drawn.astype(int) - grey(images, *LIMITS)).max() <= within


def noise_of(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("mode", MODES)
def test_samples(mode, seed, known):
    vae, _, decode = known
    set_mode(vae, mode)
    figure = gv.plots.plot_samples(vae, n=7, seed=seed, shape=SHAPE, limits=LIMITS)
    assert_drawn(figure, 7, decode(noise_of(seed, 7, 2)))
    assert title_of(figure.axes[0]) == f"7 samples (mean), seed {seed}"


def test_samples_of_bernoullis_are_drawn_with_the_probabilities_of_their_means():
    vae = small_vae()
    many = {"n": 2000, "shape": (3, 4)}
    mean, sample, mode = (
        cells(gv.plots.plot_samples(vae, image=image, **many), 45, (3, 4), 2000)[0][..., 0] / 255
        for image in ("mean", "sample", "mode")
    )
    assert set(np.unique(sample)) == {0, 1}
    np.testing.assert_array_equal(mode[abs(mean - 0.5) > 0.01], (mean > 0.5)[abs(mean - 0.5) > 0.01])
    np.testing.assert_allclose(sample.mean(axis=0), mean.mean(axis=0), atol=0.06)  # five standard errors


@pytest.mark.parametrize(
    "draw",
    [
        lambda vae, data: gv.plots.plot_samples(vae, n=3, image="sample", shape=SHAPE),
        lambda vae, data: gv.plots.plot_reconstruction_error(vae, data, shape=SHAPE),
        lambda vae, data: gv.plots.plot_traversals(vae, data, shape=SHAPE),
        lambda vae, data: gv.plots.plot_features(vae, data),
        lambda vae, data: gv.plots.plot_predictive_check(vae, data, draws=2),
        lambda vae, data: gv.plots.plot_latent(vae, data),
    ],
)
def test_what_is_drawn_later_does_not_depend_on_a_picture(draw, known, rng):
    vae, data = known[0], rng.standard_normal((9, 6))
    gv.seed(3)
    before = source.state()
    draw(vae, data)
    assert source.state() == before


def test_a_negative_seed(known):
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        gv.plots.plot_samples(known[0], seed=-1, shape=SHAPE)


def conditional(**changes):
    return small_vae(label_size=3, latent_variable_size=2, **changes)


def by_label(vae, labels, columns, seed=0):
    """E[x | z, y], by NumPy, with the same z in a column: ``(R * columns, 3, 4)``."""
    layers = [p.data().asnumpy().astype(float) for p in vae.generator.collect_params().values()]
    z = np.tile(np.random.default_rng(seed).standard_normal((columns, 2), np.float32), (len(labels), 1))
    hidden = np.hstack([z, np.repeat(labels, columns, axis=0)])
    *inner, (weight, bias) = zip(layers[::2], layers[1::2])
    for of_layer in inner:
        hidden = np.tanh(hidden @ of_layer[0].T + of_layer[1])
    return expit(hidden @ weight.T + bias).reshape(-1, 3, 4)


def random_weights(vae, rng):
    for parameter in vae.collect_params().values():
        parameter.set_data(nd(rng.standard_normal(parameter.shape)))
    return vae


@pytest.mark.parametrize(
    ("labels", "rows", "names"),
    [
        (None, np.eye(3), ["0", "1", "2"]),
        ([2, 0], np.eye(3)[[2, 0]], ["2", "0"]),
        ([[0.2, 0.3, 0.5], [1, 0, 0.25]], [[0.2, 0.3, 0.5], [1, 0, 0.25]], ["0.2, 0.3, 0.5", "1, 0, 0.25"]),
    ],
)
def test_a_row_of_a_label_has_the_noise_of_the_others(labels, rows, names, rng):
    vae = random_weights(conditional(), rng)
    figure = gv.plots.plot_by_label(vae, labels=labels, columns=4, seed=5, shape=(3, 4))
    drawn, _ = cells(figure, 4, (3, 4), 4 * len(rows))
    assert np.abs(drawn - grey(by_label(vae, rows, 4, 5), 0, 1)).max() <= 1
    assert labels_of(figure.axes[0], "y") == names
    assert title_of(figure.axes[0]) == "samples (mean) by label, seed 5"


def test_rows_have_the_names_of_classes(rng):
    vae = conditional()
    vae.class_names = ("cat", "dog", "emu")
    for labels in (None, ["emu", "cat"]):
        figure = gv.plots.plot_by_label(vae, labels=labels, shape=(3, 4))
        assert labels_of(figure.axes[0], "y") == list(labels or vae.class_names)


def test_labels_that_cannot_be_drawn():
    with pytest.raises(TypeError, match="plot_by_label is of a model with labels, a ConditionalVAE, not GaussianVAE"):
        gv.plots.plot_by_label(small_vae())
    with pytest.raises(ValueError, match="labels is missing: the condition of each row, a number"):
        gv.plots.plot_by_label(small_vae(label_size=1), shape=(3, 4))
    with pytest.raises(ValueError, match="labels must be whole numbers from 0 to 2"):
        gv.plots.plot_by_label(conditional(), labels=[3], shape=(3, 4))


def test_reconstruction_error(rng):
    """Of original, mean and draw of the same latent state, and the difference in red and blue."""
    vae, data = small_vae(), rng.integers(0, 2, (5, 12))
    figure = gv.plots.plot_reconstruction_error(vae, data, n=3, seed=4, shape=(3, 4))
    drawn, _ = cells(figure, 3, (3, 4), 12)
    original, mean, draw, error = drawn.reshape(4, 3, 3, 4, 3).astype(int)
    assert labels_of(figure.axes[0], "y") == ["original", "mean", "draw", "mean − original"]
    np.testing.assert_array_equal(original, grey(data[:3].reshape(3, 3, 4), 0, 1))
    assert set(np.unique(draw)) <= {0, 255}
    # too dark pixels are blue, too bright ones red
    red = error[..., 0] - error[..., 2]
    difference = (mean - original)[..., 0]
    assert (np.sign(red) == np.sign(difference))[abs(difference) > 10].all()
    assert np.corrcoef(red.ravel(), difference.ravel())[0, 1] > 0.9
    again = gv.plots.plot_reconstruction_error(vae, data, n=3, seed=4, shape=(3, 4))
    np.testing.assert_array_equal(cells(again, 3, (3, 4))[0], drawn)


def test_no_error_is_white(known, rng):
    """The mean of a model without a posterior's spread is the projection of the data, which is exact on its plane."""
    vae, truth, decode = known
    data = decode(rng.standard_normal((2, 2))).reshape(2, 6)
    vae.inference_net.mean_head[0].weight.set_data(vae.inference_net.mean_head[0].weight.data() * 0)
    exact = np.linalg.pinv(truth.weight)
    vae.inference_net.mean_head[0].weight.set_data(nd(exact, dtype="float64"))
    vae.inference_net.mean_head[0].bias.set_data(nd(-exact @ truth.bias, dtype="float64"))
    # 0.00001 is the least that a standard deviation of this network may be
    vae.inference_net.std_head[0].bias.set_data(vae.inference_net.std_head[0].bias.data() * 0 - 50)
    figure = gv.plots.plot_reconstruction_error(vae, data, shape=SHAPE, limits=LIMITS)
    drawn, _ = cells(figure, 2, SHAPE, 8)
    assert np.abs(drawn[:2].astype(int) - drawn[2:4]).max() <= 1


@pytest.mark.parametrize("mode", MODES)
def test_interpolations(mode, known, rng):
    vae, truth, decode = known
    set_mode(vae, mode)
    start, end = rng.standard_normal((2, 3, 6))
    figure = gv.plots.plot_interpolations(vae, start, end, steps=4, shape=SHAPE, limits=LIMITS)
    first, last = truth.mean(start), truth.mean(end)
    rows = [
        np.concatenate([x[None].reshape(1, *SHAPE), decode([a + t * (b - a) for t in (0, 1 / 3, 2 / 3, 1)]), y.reshape(1, *SHAPE)])
        for x, y, a, b in zip(start, end, first, last)
    ]  # fmt: skip
    assert_drawn(figure, 6, np.concatenate(rows))


def test_labels_change_along_the_line(rng):
    vae = random_weights(conditional(), rng)
    images = rng.integers(0, 2, (2, 12))
    ends = [gv.data.Dataset(images[k : k + 1], shape=(3, 4), labels=[label]) for k, label in enumerate((0, 2))]
    figure = gv.plots.plot_interpolations(vae, *ends, steps=3)
    drawn, _ = cells(figure, 5, (3, 4), 5)
    one_hot = nd(np.eye(3)[[0, 2]])
    mean, _ = vae.inference_net(nd(images), one_hot)
    middle = mean.asnumpy().mean(axis=0, keepdims=True)
    label = nd([[0.5, 0, 0.5]])
    expected = expit(vae.generator(nd(middle), label).asnumpy()).reshape(1, 3, 4)
    assert np.abs(drawn[2] - grey(expected, 0, 1)[0]).max() <= 1


def test_interpolations_need_as_many_ends(known, rng):
    with pytest.raises(ValueError, match="start and end must be as many images, got 2 and 3"):
        gv.plots.plot_interpolations(known[0], rng.random((2, 6)), rng.random((3, 6)), shape=SHAPE)


@pytest.mark.parametrize("mode", MODES)
def test_traversals(mode, known, rng):
    """From the mean of the first image, along a variable from its 1st to its 99th percentile in q(z | x) p(x)."""
    vae, truth, decode = known
    set_mode(vae, mode)
    data = truth.evidence.rvs(4000, random_state=rng)
    figure = gv.plots.plot_traversals(vae, data, variables=[1, 0], steps=5, shape=SHAPE, limits=LIMITS)
    mean = truth.mean(data[0])
    # as the posterior is exact, the latent states of the data are drawn from the prior
    ends = np.linspace(*scipy.stats.norm.ppf([0.01, 0.99]), 5)
    z = [[mean[0], along] for along in ends] + [[along, mean[1]] for along in ends]
    assert_drawn(figure, 5, decode(z), within=8)  # a percentile of 8000 draws is off by 0.1
    assert labels_of(figure.axes[0], "y") == ["z1", "z0"]


def test_variables_that_are_used_come_first(known, rng):
    """With less noise in the posterior, a variable tells more; one without any weight tells nothing."""
    vae, truth, _ = known
    data = truth.evidence.rvs(500, random_state=rng)
    weight = vae.inference_net.mean_head[0].weight
    for unused in (0, 1):
        mask = np.ones((2, 1))
        mask[unused] = 0
        before = weight.data()
        weight.set_data(before * nd(mask, dtype="float64"))
        figures = [gv.plots.plot_traversals(vae, data, variables=n, shape=SHAPE) for n in (1, 2, 10)]
        found = [labels_of(figure.axes[0], "y") for figure in figures]
        used = f"z{1 - unused}"
        assert found == [[used], [used, f"z{unused}"], [used, f"z{unused}"]]
        weight.set_data(before)


def test_variables_that_are_none(known, rng):
    with pytest.raises(ValueError, match="variables must be from 0 to 1, got 2"):
        gv.plots.plot_traversals(known[0], rng.random((3, 6)), variables=[0, 2], shape=SHAPE)


@pytest.mark.parametrize("mode", MODES)
def test_manifold(mode, known):
    vae, _, decode = known
    set_mode(vae, mode)
    figure = gv.plots.plot_manifold(vae, n=3, shape=SHAPE, limits=LIMITS)
    low, middle, high = scipy.stats.norm.ppf([1 / 6, 1 / 2, 5 / 6])
    z = [(x, y) for y in (high, middle, low) for x in (low, middle, high)]
    drawn, _ = cells(figure, 3, SHAPE, 9, gap=0)
    assert np.abs(drawn - grey(decode(z), *LIMITS)).max() <= 1


def test_the_manifold_of_a_learned_prior():
    """Quantiles are those of the prior: it maps the noise."""
    vae = small_vae(latent_variable_size=2, prior="diagonal")
    for parameter, value in zip(vae.prior.collect_params().values(), ([1.0, -2.0], [0.5, 0.1])):
        parameter.set_data(nd(value))
    drawn, _ = cells(gv.plots.plot_manifold(vae, n=1, shape=(3, 4)), 1, (3, 4), 1, gap=0)
    at = vae.prior_distribution(nd(np.zeros((1, 2)))).mean.asnumpy()
    assert np.ptp(at) > 1
    expected = expit(vae.generator(nd(at.reshape(1, 2))).asnumpy())
    assert np.abs(drawn - grey(expected.reshape(1, 3, 4), 0, 1)).max() <= 1


@pytest.mark.parametrize("changes", [{}, {"latent_variable_size": 2, "prior": "mixture"}])
def test_a_model_without_a_manifold(changes):
    with pytest.raises(ValueError, match=r"of two latent variables that are drawn by normal noise; this \w+ has"):
        gv.plots.plot_manifold(small_vae(**changes), shape=(3, 4))


def test_the_shape_is_that_of_the_data(rng, tmp_path):
    vae, data = small_vae(), gv.data.Dataset(rng.integers(0, 2, (20, 3, 4)))
    for draw in (
        lambda path: gv.plots.plot_reconstruction_error(vae, data, path),
        lambda path: gv.plots.plot_traversals(vae, data, path),
        lambda path: gv.plots.plot_interpolations(vae, data.subset(slice(2)), data.subset(slice(2, 4)), path),
    ):
        draw(tmp_path / "x.png")
        assert (tmp_path / "x.png").stat().st_size > 1000
        (tmp_path / "x.png").unlink()


def test_the_limits_are_those_of_the_data(known, rng):
    """The least value of the data is black and the largest white, in the row of the originals."""
    data = rng.uniform(-3, 5, (4, 6)).astype(np.float32)
    figure = gv.plots.plot_reconstruction_error(known[0], data, shape=SHAPE)
    drawn, _ = cells(figure, 4, SHAPE, 16)
    np.testing.assert_array_equal(drawn[:4], grey(data.reshape(4, *SHAPE), data.min(), data.max()))


def test_a_stream_is_not_drawn(rng):
    batches = [rng.integers(0, 2, (5, 12)).astype(np.float32) for _ in range(2)]
    with pytest.raises(TypeError, match="give these, as an array or a Dataset, not a stream"):
        gv.plots.plot_traversals(small_vae(), gv.data.Stream(batches), shape=(3, 4))
