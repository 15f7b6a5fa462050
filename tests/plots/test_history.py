"""Learning curves."""

import numpy as np
import pytest

import gluonvae as gv

TERMS = {"bound": "bound", "log_likelihood": "log-likelihood", "kl": "KL divergence"}


def history_of(bound, **columns):
    history = gv.History()
    for epoch, value in enumerate(bound, 1):
        of_epoch = {name: values[epoch - 1] for name, values in columns.items()}
        history.rows.append(
            {"epoch": epoch, "train_bound": value, "train_log_likelihood": value, "train_kl": 0.1 * epoch, **of_epoch}
        )
    return history


def test_an_empty_history(tmp_path):
    with pytest.raises(ValueError, match="history is empty"):
        gv.plots.plot_history(gv.History(), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_curves_have_the_values_of_all_epochs(tmp_path):
    history = gv.History()
    history.rows = [
        {"epoch": e, **{f"{part}_{term}": e * k + (part == "valid") for k, term in enumerate(TERMS, 1) for part in ("train", "valid")}}
        for e in (1, 2, 3)
    ]  # fmt: skip
    figure = gv.plots.plot_history(history, tmp_path / "x.svg")
    for k, (axis, title) in enumerate(zip(figure.axes, TERMS.values()), 1):
        assert axis.get_title() == title
        assert (axis.get_xlabel(), axis.get_ylabel()) == ("epoch", "nats per data point")
        assert [text.get_text() for text in axis.get_legend().get_texts()] == ["training", "validation"]
        for line, more in zip(axis.lines, (0, 1)):
            np.testing.assert_array_equal(line.get_xydata(), [[e, e * k + more] for e in (1, 2, 3)])
    text = (tmp_path / "x.svg").read_text()
    assert all(f"<!-- {word} -->" in text for word in ("bound", "KL divergence", "training", "validation"))


def test_without_validation_there_is_one_curve_each():
    assert [len(axis.lines) for axis in gv.plots.plot_history(history_of([1, 2])).axes] == [1, 1, 1]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_first_epochs_do_not_squash_the_others(sign):
    """Of 20 epochs the first is at 1000, and the others go from 10 to 1: they have most of the height."""
    bound = sign * np.array([1000, 200, 50, *np.linspace(10, 1, 17)])
    axis = gv.plots.plot_history(history_of(bound)).axes[0]
    low, high = axis.get_ylim()
    later = bound[4:]
    assert low <= later.min() < later.max() <= high
    assert np.ptp(later) > 0.7 * (high - low)
    (note,) = axis.texts
    assert note.get_text() == f"{'↑' if sign > 0 else '↓'} epoch 1: {1000 * sign:.4g}"


@pytest.mark.parametrize("bound", [np.linspace(-200, -100, 20), [-300, -100], [-5], np.full(10, 3.0)])
def test_curves_that_fill_the_picture_are_seen_whole(bound):
    axis = gv.plots.plot_history(history_of(bound)).axes[0]
    low, high = axis.get_ylim()
    assert low <= min(bound) <= max(bound) <= high
    assert not axis.texts


def test_numbers_that_are_not_finite_are_left_out():
    bound = [-1000, -10, -9, np.nan, -8, -7, -6, -5, -4, np.nan]
    low, high = gv.plots.plot_history(history_of(bound)).axes[0].get_ylim()
    assert -20 < low < -9 < -4 < high < 0


def test_few_epochs_are_points_too():
    few, many = (gv.plots.plot_history(history_of(np.arange(n))).axes[0].lines[0] for n in (5, 50))
    assert (few.get_marker(), many.get_marker()) == (".", "None")
