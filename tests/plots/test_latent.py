"""The latent code in two dimensions, and the KL divergence of each variable."""

import sys

import numpy as np
import pytest
from matplotlib import colors
from sklearn.decomposition import PCA

import gluonvae as gv
from gluonvae.plots.encoded import latent_draws, latent_means
from gluonvae.plots.figure import COLOURS
from tests.helpers import MODES, nd, set_mode, small_vae
from tests.helpers.figures import labels_of, title_of
from tests.tables import codes, hierarchies, posteriors
from tests.truths.linear_gaussian import kl_by_variable, linear_gaussian


def points(axis):
    """All points, in the order of the classes."""
    return np.concatenate([np.asarray(dots.get_offsets()) for dots in axis.collections])


@pytest.mark.parametrize("mode", MODES)
def test_two_variables_are_drawn_as_they_are(mode, rng):
    vae, truth = linear_gaussian(rng, 6, 2)
    set_mode(vae, mode)
    data = truth.evidence.rvs(40, random_state=rng).astype(np.float32)
    (axis,) = gv.plots.plot_latent(vae, data).axes
    np.testing.assert_allclose(points(axis), truth.mean(data), rtol=1e-6, atol=1e-7)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("z0", "z1")
    assert title_of(axis) == "latent means of 40 images"


@pytest.mark.parametrize("method", [None, "pca"])
def test_principal_components(method, rng):
    vae, truth = linear_gaussian(rng, 6, 4)
    data = truth.evidence.rvs(50, random_state=rng).astype(np.float32)
    (axis,) = gv.plots.plot_latent(vae, data, method=method).axes
    pca = PCA(2)
    expected, drawn = pca.fit_transform(truth.mean(data)), points(axis)
    # but for their signs
    np.testing.assert_allclose(abs(drawn), abs(expected), atol=1e-6)
    np.testing.assert_allclose(np.corrcoef(drawn[:, 0], expected[:, 0])[0, 1] ** 2, 1)
    for k, label in enumerate((axis.get_xlabel(), axis.get_ylabel())):
        assert label == f"principal component {k + 1} ({100 * pca.explained_variance_ratio_[k]:.0f} % of the variance)"


def far_apart(rng, count=60):
    """A model, and data in three groups whose latent means are far apart; and the groups."""
    vae, truth = linear_gaussian(rng, 6, 4)
    group = np.arange(count) % 3
    data = (20 * rng.standard_normal((3, 4)))[group] @ truth.weight.T + truth.evidence.rvs(
        count, random_state=rng
    ).astype(np.float32)
    return vae, data, group


@pytest.mark.parametrize(("method", "library"), [("tsne", "sklearn"), ("umap", "umap")])
def test_groups_stay_groups(method, library, rng):
    pytest.importorskip(library)
    vae, data, group = far_apart(rng)
    (axis,) = gv.plots.plot_latent(vae, data, labels=group, method=method, seed=1).axes
    groups = [np.asarray(dots.get_offsets()) for dots in axis.collections]
    middles = np.array([of_group.mean(axis=0) for of_group in groups])
    for number, of_group in enumerate(groups):
        distances = np.linalg.norm(of_group[:, None] - middles, axis=-1)
        assert (distances.argmin(axis=1) == number).mean() > 0.95
    assert axis.get_xlabel() == {"tsne": "t-SNE 1", "umap": "UMAP 1"}[method]
    again = gv.plots.plot_latent(vae, data, labels=group, method=method, seed=1).axes[0]
    np.testing.assert_allclose(points(again), points(axis))


@pytest.mark.parametrize(
    ("method", "module", "distribution", "extra"),
    [("tsne", "sklearn.manifold", "scikit-learn", "sklearn"), ("umap", "umap", "umap-learn", "umap")],
)
def test_a_library_that_is_missing_is_named(method, module, distribution, extra, monkeypatch, rng):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        ImportError, match=rf"method '{method}' needs {distribution}: pip install 'gluonvae\[{extra}\]'"
    ):
        gv.plots.plot_latent(small_vae(), rng.integers(0, 2, (9, 12)), method=method)


@pytest.mark.parametrize("labels", [[2, 0, 1] * 5, np.eye(3)[[2, 0, 1] * 5], ["emu", "cat", "dog"] * 5])
def test_classes_have_colours_and_names(labels, rng):
    vae, truth = linear_gaussian(rng, 6, 2)
    data = truth.evidence.rvs(15, random_state=rng).astype(np.float32)
    (axis,) = gv.plots.plot_latent(vae, data, labels=labels).axes
    names = ["cat", "dog", "emu"] if isinstance(labels[0], str) else ["0", "1", "2"]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == names
    means = truth.mean(data)
    for first, dots, colour, name, text in zip((1, 2, 0), axis.collections, COLOURS, names, axis.texts):
        np.testing.assert_allclose(dots.get_offsets(), means[first::3])
        assert colors.to_hex(dots.get_facecolor()[0]) == colour
        assert text.get_text() == name
        np.testing.assert_allclose(text.xy, np.median(means[first::3], axis=0))


def test_labels_are_those_of_the_data_and_stay_with_their_rows(rng):
    """Of 200 data points 50 are picked; the sign of the first variable is their label."""
    vae, truth = linear_gaussian(rng, 6, 2)
    images = truth.evidence.rvs(200, random_state=rng)
    labels = (truth.mean(images)[:, 0] > 0).astype(int)
    data = gv.data.Dataset(images, binarization="none", labels=labels)
    (axis,) = gv.plots.plot_latent(vae, data, n=50).axes
    negative, positive = (np.asarray(dots.get_offsets())[:, 0] for dots in axis.collections)
    assert len(negative) + len(positive) == 50
    assert negative.max() <= 0 < positive.min()


def test_a_class_that_is_missing_is_grey(rng):
    (axis,) = gv.plots.plot_latent(small_vae(), rng.integers(0, 2, (9, 12)), labels=[0, 1, -1] * 3).axes
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["no label", "0", "1"]
    np.testing.assert_allclose(axis.collections[0].get_facecolor()[0][:3], 0.6)


def test_many_classes_have_markers(rng):
    (axis,) = gv.plots.plot_latent(small_vae(), rng.integers(0, 2, (60, 12)), labels=np.arange(60) % 30).axes
    looks = {
        (colors.to_hex(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes()) for dots in axis.collections
    }
    assert len(looks) == len(axis.collections) == 30


@pytest.mark.parametrize("labels", [np.linspace(0, 1, 90), np.arange(90)])
def test_numbers_and_very_many_classes_are_a_scale(labels, rng):
    axis, bar = gv.plots.plot_latent(small_vae(), rng.integers(0, 2, (90, 12)), labels=labels).axes
    (dots,) = axis.collections
    np.testing.assert_array_equal(dots.get_array(), labels)
    assert dots.get_cmap().name == "viridis"
    assert bar.get_ylim() == (labels.min(), labels.max())


def test_without_labels_there_is_no_legend(rng):
    (axis,) = gv.plots.plot_latent(small_vae(), rng.integers(0, 2, (9, 12))).axes
    assert axis.get_legend() is None
    assert len(points(axis)) == 9


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vae, data: gv.plots.plot_latent(vae, data, method="mds"), "method must be one of .*umap.*, got 'mds'"),
        (lambda vae, data: gv.plots.plot_latent(vae, data, labels=[1, 2]), r"labels must have shape .* for N = 9"),
        (lambda vae, data: gv.plots.plot_latent(vae, data[:2]), "is drawn of 3 images or more, got 2"),
        (lambda vae, data: gv.plots.plot_latent(vae, data, n=0), "n must be positive, got 0"),
        (
            lambda vae, data: gv.plots.plot_latent(small_vae(latent_variable_size=1), data),
            "in two dimensions, and this model has one latent variable",
        ),
    ],
)
def test_errors(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(small_vae(), rng.integers(0, 2, (9, 12)))


MODELS = {
    "gaussian": lambda: posteriors.vae_of("gaussian"),
    "full_covariance": lambda: posteriors.vae_of("full_covariance"),
    "real_nvp": lambda: posteriors.vae_of("real_nvp"),
    "iaf": lambda: posteriors.vae_of("iaf"),
    "hierarchical": lambda: small_vae(**hierarchies.MODELS["bottom-up"]),
    "bernoulli": lambda: codes.model("bernoulli"),
    "categorical": lambda: codes.model("categorical"),
}


@pytest.mark.parametrize("name", MODELS)
def test_latent_means_are_those_of_many_draws(name, rng):
    vae = MODELS[name]()
    data = gv.data.Dataset(rng.integers(0, 2, (5, 12)))
    drawn = latent_draws(vae, data, 4000, seed=2)
    assert drawn.shape == (4000, 5, vae.latent_variable_size)
    error = 6 * drawn.std(axis=0) * np.sqrt(1 / 4000 + 1 / 16) + 1e-6
    assert (abs(latent_means(vae, data, seed=1) - drawn.mean(axis=0)) < error).all()
    assert len(points(gv.plots.plot_latent(vae, data).axes[0])) == 5


def test_a_label_that_is_missing_is_the_most_probable_one(rng):
    vae = small_vae(label_size=3, classifier_layer_sizes=[5])
    images = rng.integers(0, 2, (20, 12)).astype(np.float32)
    probable = vae.classify(nd(images)).asnumpy().argmax(axis=1)
    assert len(set(probable)) > 1
    hidden, known = (
        latent_means(vae, gv.data.Dataset(images, labels=labels), 0) for labels in (np.full(20, -1), probable)
    )
    np.testing.assert_allclose(hidden, known, rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_kl_of_each_variable(mode, rng):
    vae, truth = linear_gaussian(rng, 6, 4, wider=1.3)
    set_mode(vae, mode)
    data = truth.evidence.rvs(30, random_state=rng).astype(np.float32)
    expected = kl_by_variable(truth.mean(data), 1.3 * truth.std).mean(axis=0)
    np.testing.assert_allclose(gv.kl_by_dimension(vae, data, batch_size=7), expected, rtol=1e-8)
    (axis,) = gv.plots.plot_kl(vae, data).axes
    order = np.argsort(-expected)
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], expected[order], rtol=1e-8)
    assert labels_of(axis, "x") == [f"z{variable}" for variable in order]
    assert title_of(axis) == f"{expected.sum():.4g} nats in all; 4 of 4 latent variables above 0.01 nats"


def test_the_bars_of_many_variables_have_no_names(rng):
    vae, data = small_vae(latent_variable_size=60), rng.integers(0, 2, (9, 12))
    (axis,) = gv.plots.plot_kl(vae, data).axes
    heights = [bar.get_height() for bar in axis.patches]
    assert len(heights) == 60
    assert heights == sorted(heights, reverse=True)
    assert sum(heights) == pytest.approx(gv.evaluate(gv.ELBO(vae), data).kl, rel=1e-5)
    assert "z59" not in labels_of(axis, "x")


def test_kl_of_each_layer(rng):
    vae, data = small_vae(**hierarchies.MODELS["ladder"]), rng.integers(0, 2, (9, 12))
    (axis,) = gv.plots.plot_kl(vae, data, seed=3).axes
    np.testing.assert_allclose([bar.get_height() for bar in axis.patches], gv.kl_by_layer(vae, data, seed=3))
    assert labels_of(axis, "x") == ["z_1", "z_2"]


@pytest.mark.parametrize("changes", [{"latent_type": "full_covariance"}, {"prior": "mixture"}])
def test_a_kl_that_is_not_known_for_each_variable(changes, rng):
    with pytest.raises(ValueError, match="has no closed form for each latent variable"):
        gv.plots.plot_kl(small_vae(**changes), rng.integers(0, 2, (9, 12)))
