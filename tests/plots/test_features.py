"""How well a model fits each feature: histograms, and posterior predictive checks."""

import numpy as np
import pytest
import scipy.stats

import gluonvae as gv
from gluonvae.plots.features import _distance
from tests.helpers import MODES, nd, set_mode, small_vae
from tests.helpers.figures import labels_of, title_of
from tests.truths.linear_gaussian import linear_gaussian

NAMES = ["height", "weight", "age", "income", "rate", "dose"]


@pytest.fixture
def table(rng):
    """A model whose posterior is exact, and rows drawn from it: data that are drawn anew have the same distribution."""
    vae, truth = linear_gaussian(rng, 6, 2)
    rows = truth.evidence.rvs(2000, random_state=rng).astype(np.float32)
    return vae, truth, gv.data.Dataset(rows, binarization="none", things="rows", columns=NAMES)


def heights(patch):
    """Of the outline of a histogram's steps, the height of each bar."""
    return patch.get_xy()[1:-1:2, 1]


def distances(figure):
    """The name of each feature and its distance, by what the title says."""
    titles = [axis.get_title("left") for axis in figure.axes if axis.get_title("left")]
    return {title.split("  (KS ")[0]: float(title.split("KS ")[1][:-1]) for title in titles}


@pytest.mark.parametrize("mode", MODES)
def test_the_exact_model_fits_every_feature(mode, table):
    vae, _, data = table
    set_mode(vae, mode)
    figure = gv.plots.plot_features(vae, data)
    found = distances(figure)
    assert list(found) == NAMES
    # the 99.99th percentile of the distance of two samples of 2000
    assert max(found.values()) < 0.07
    assert figure._suptitle.get_text() == "2,000 rows and as many drawn from the model"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["data", "model"]


def test_bars_have_the_shares_of_the_data(table):
    vae, _, data = table
    figure = gv.plots.plot_features(vae, data, features=["weight"])
    axis = figure.axes[0]
    bars = [patch for patch in axis.patches if hasattr(patch, "get_height")]
    rows = data.batch(slice(None))[:, 1]
    for bar in bars:
        inside = (rows >= bar.get_x()) & (rows < bar.get_x() + bar.get_width())
        assert bar.get_height() == pytest.approx(inside.mean(), abs=2 / 2000)
    assert sum(bar.get_height() for bar in bars) == pytest.approx(1, abs=0.015)
    (steps,) = (patch for patch in axis.patches if not hasattr(patch, "get_height"))
    assert heights(steps).sum() == pytest.approx(1, abs=0.03)


def test_a_feature_that_does_not_fit_is_told_by_its_distance(table):
    """The feature is drawn with the standard deviation of the model, which the data do not have."""
    vae, _, data = table
    rows = data.batch(slice(None)).copy()
    rows[:, 4] = 50
    found = distances(gv.plots.plot_features(vae, gv.data.Dataset(rows, binarization="none", columns=NAMES)))
    assert found["rate"] > 0.45


@pytest.mark.parametrize("sizes", [(1, 1), (7, 50), (200, 200)])
def test_the_distance_is_scipys(sizes, rng):
    one, other = rng.standard_normal(sizes[0]), np.rint(2 * rng.standard_normal(sizes[1]) + 1) / 2
    assert _distance(one, other) == pytest.approx(scipy.stats.ks_2samp(one, other).statistic, abs=1e-12)
    assert _distance(np.append(one, np.nan), np.append(other, [np.nan] * 3)) == _distance(one, other)


def test_the_distance_of_pixels(rng):
    """Of Bernoulli pixels the distance is that of the shares of ones."""
    vae, data = small_vae(), (rng.random((400, 12)) < 0.9).astype(np.float32)
    figure = gv.plots.plot_features(vae, data, features=[7])
    axis = figure.axes[0]
    bars = [patch.get_height() for patch in axis.patches if hasattr(patch, "get_height")]
    assert len(bars) == 2
    (steps,) = (patch for patch in axis.patches if not hasattr(patch, "get_height"))
    shares = heights(steps)[[0, 1]]
    assert bars[1] == pytest.approx(data[:, 7].mean())
    assert distances(figure)["x7"] == pytest.approx(abs(bars[1] - shares[1]), abs=0.006)


def test_the_features_that_fit_worst_are_shown_of_many(rng):
    vae = small_vae(data_dims=30)
    data = np.tile(rng.integers(0, 2, (300, 1)), (1, 30))
    data[:, [3, 11]] = 1
    figure = gv.plots.plot_features(vae, data, features=2)
    assert set(distances(figure)) == {"x3", "x11"}
    assert figure._suptitle.get_text().replace("\n", " ").endswith("2 of 30 features, those that fit worst")
    everything = distances(gv.plots.plot_features(vae, data, features=30))
    assert len(everything) == 30
    assert sorted(everything.values())[-2:] == sorted(distances(figure).values())


@pytest.mark.parametrize("features", [["age", "height"], [2, 0], ["age", 0]])
def test_features_by_name_or_number(features, table):
    vae, _, data = table
    assert list(distances(gv.plots.plot_features(vae, data, features=features))) == ["age", "height"]


@pytest.mark.parametrize("features", [["size"], [6], [-1]])
def test_features_that_there_are_not(features, table):
    vae, _, data = table
    with pytest.raises(ValueError, match=r"features must be names or numbers from 0 to 5, of height, .*; got"):
        gv.plots.plot_features(vae, data, features=features)


def test_counts_have_a_bar_each(rng):
    counts = rng.poisson(3, (200, 5))
    vae = small_vae(data_dims=5, likelihood="poisson")
    axis = gv.plots.plot_features(vae, counts, features=[1]).axes[0]
    bars = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in axis.patches if hasattr(bar, "get_height")}
    for count in range(1, 6):
        assert bars[count] == pytest.approx((counts[:, 1] == count).mean())


def test_missing_values_are_left_out(table):
    vae, _, data = table
    rows = data.batch(slice(None)).copy()
    vae = small_vae(data_dims=6, likelihood="gaussian", likelihood_options={"missing": True, "std": 1.0})
    rows[::2, 1] = np.nan
    rows[1:, 2] = np.nan
    figure = gv.plots.plot_features(vae, rows, n=2000)
    for axis, count in zip(figure.axes, (2000, 1000, 1)):
        bars = [bar.get_height() * count for bar in axis.patches if hasattr(bar, "get_height")]
        np.testing.assert_allclose(bars, np.rint(bars), atol=1e-6)
        assert 0 < sum(bars) <= count
    assert gv.plots.plot_predictive_check(vae, rows, draws=3).axes


def interval(axis):
    """The bars of a panel with a row a feature, from left to right."""
    segments = np.array(axis.collections[0].get_segments())
    return segments[:, 0, 0], segments[:, 1, 0]


@pytest.mark.parametrize("mode", MODES)
def test_the_exact_model_passes_the_check(mode, table):
    vae, _, data = table
    set_mode(vae, mode)
    figure = gv.plots.plot_predictive_check(vae, data, draws=40, n=500)
    assert figure._suptitle.get_text() == "posterior predictive check: 500 rows, drawn anew 40 times"
    mean, std = figure.axes
    assert labels_of(mean, "y") == NAMES
    assert (title_of(mean)[:5], title_of(std)[:19]) == ("mean:", "standard deviation:")
    for axis in (mean, std):
        low, high = interval(axis)
        # of features that agree, the difference is small beside a standard deviation of the data
        assert (abs((low + high) / 2) < 0.15).all()
        assert (high - low < 0.5).all()


def test_a_feature_that_is_off_is_off_in_the_check(table):
    """A model that says that the mean of a feature lies 3 standard deviations below the data's."""
    vae, _, data = table
    std = data.batch(slice(None)).std(axis=0)
    bias = vae.generator.mean.bias
    shift = np.zeros(6)
    shift[3] = -3 * std[3]
    bias.set_data(bias.data() + nd(shift, dtype="float64"))
    mean, spread = gv.plots.plot_predictive_check(vae, data, draws=10).axes
    low, high = interval(mean)
    np.testing.assert_allclose([low[3], high[3]], -3, atol=0.15)
    assert (abs(np.delete((low + high) / 2, 3)) < 0.1).all()
    assert (abs(np.mean(interval(spread), axis=0)) < 0.1).all()
    assert int(title_of(mean).split()[1]) <= 5


def test_many_features_are_plotted_against_the_data(rng):
    vae = small_vae(data_dims=20)
    data = (rng.random((300, 20)) < np.linspace(0.1, 0.9, 20)).astype(np.float32)
    figure = gv.plots.plot_predictive_check(vae, data, draws=30)
    statistics = (data.mean(axis=0), data.std(axis=0), (data == 0).mean(axis=0))
    names = ("mean", "standard deviation", "share of zeros")
    for axis, name, of_data in zip(figure.axes, names, statistics):
        bars, dots = axis.collections
        np.testing.assert_allclose(np.asarray(dots.get_offsets())[:, 0], of_data, rtol=1e-5)
        ends = np.array(bars.get_segments())
        np.testing.assert_allclose(ends[:, 0, 0], of_data, rtol=1e-5)
        assert (axis.get_xlabel(), axis.get_ylabel()) == (f"{name}, data", f"{name}, model")
        agree = int(((ends[:, 0, 1] <= of_data) & (of_data <= ends[:, 1, 1])).sum())
        assert title_of(axis) == f"{name}: {agree} of 20 agree"
        (diagonal,) = axis.lines
        np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())


def test_the_interval_is_that_of_the_draws():
    """Constant pixels of probability p in N rows: the share of ones of a draw is binomial."""
    vae = small_vae(data_dims=20)
    for parameter in vae.generator.collect_params().values():
        parameter.set_data(parameter.data() * 0)
    figure = gv.plots.plot_predictive_check(vae, np.ones((400, 20)), draws=200)
    ends = np.array(figure.axes[0].collections[0].get_segments())[:, :, 1]
    expected = scipy.stats.binom(400, 0.5).ppf([0.025, 0.975]) / 400
    np.testing.assert_allclose(ends.mean(axis=0), expected, atol=0.005)
    assert title_of(figure.axes[0]) == "mean: 0 of 20 agree"


def test_there_are_no_shares_of_zeros_without_zeros(table):
    vae, _, data = table
    assert len(gv.plots.plot_predictive_check(vae, data, draws=2, n=20).axes) == 2


def test_means_of_many_sizes_are_in_logarithms(rng):
    vae = small_vae(data_dims=14, likelihood="poisson")
    counts = rng.poisson(np.geomspace(1, 1000, 14), (50, 14))
    assert gv.plots.plot_predictive_check(vae, counts, draws=2).axes[0].get_xscale() == "log"


def test_labels_and_files(rng, tmp_path):
    vae = small_vae(label_size=3)
    data = gv.data.Dataset(rng.integers(0, 2, (30, 12)), labels=np.arange(30) % 3)
    gv.plots.plot_features(vae, data, tmp_path / "features.svg", n=10)
    gv.plots.plot_predictive_check(vae, data, tmp_path / "check.pdf", draws=2)
    assert "10 images and as many drawn" in (tmp_path / "features.svg").read_text()
    assert (tmp_path / "check.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda vae, data: gv.plots.plot_features(vae, data, features=0), "features must be positive, got 0"),
        (lambda vae, data: gv.plots.plot_features(vae, data, n=0), "n must be positive, got 0"),
        (lambda vae, data: gv.plots.plot_predictive_check(vae, data, draws=0), "draws must be positive, got 0"),
    ],
)
def test_numbers_that_must_be_positive(call, message, rng):
    with pytest.raises(ValueError, match=message):
        call(small_vae(), rng.integers(0, 2, (9, 12)))
