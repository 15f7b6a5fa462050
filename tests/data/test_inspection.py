"""What is told of the values of data."""

import numpy as np
import pytest

from gluonvae.data import inspection
from gluonvae.data.inspection import count_shared, find_problems, summarize_columns, unscaled


def split(x, rows=300):
    return [x[start : start + rows] for start in range(0, len(x), rows)]


def good(rng, rows=1000, columns=5):
    return rng.standard_normal((rows, columns))


def constant(x):
    x[:, [0, 2, 3, 4]] = 0.3
    return x


def one_off(value):
    def make(x):
        x[417, 3] = value
        return x

    return make


def sparse(x):
    """Counts, most of which are 0, have no outliers."""
    return np.where(x > 1.5, np.floor(10 * x), 0)


PROBLEMS = {
    "none": (lambda x: x, []),
    "a few spreads": (lambda x: x * [1, 2, 5, 10, 50] + [0, -5, 10, 90, 0], []),
    "sparse": (sparse, []),
    "constant": (
        constant,
        [
            "some columns are constant, 4 of 5 (column 'a', column 'c', column 'd', ...): they tell nothing",
        ],
    ),
    "outlier": (one_off(1e10), ["row 417, column 'd' is 1e+10, where the others lie around"]),
    "negative outlier": (one_off(-1e10), ["row 417, column 'd' is -1e+10, where the others lie around"]),
    "outlier of a constant": (
        lambda x: one_off(1e10)(constant(x)),
        ["column 'd' is 1e+10", "constant, 3 of 5 (column"],
    ),
    "far": (
        lambda x: x + np.array([0, 0, 0, 1000, 0]),
        ["columns lie far from 0, 1 of 5 (column 'd' has 1e+03 with a spread of "],
    ),
    "too far for a float32": (
        lambda x: x + np.array([0, 0, 0, 0, 1e5]),
        ["fewer than 3 digits of how their values differ, 1 of 5 (column 'e' has 1e+05", "columns lie far from 0"],
    ),
    "wide": (
        lambda x: x * 1000,
        ["columns have spreads far from 1, 5 of 5 (column 'a' has", ", column 'b', column 'c', ...)"],
    ),
    "narrow": (lambda x: x * 1e-4, ["columns have spreads far from 1, 5 of 5 (column 'a' has"]),
    "unlike": (lambda x: x * [1e-2, 1, 1, 1, 90], ["from 0.0", "(column 'a') to ", "(column 'e'): a network is slow"]),
}


@pytest.mark.parametrize("blocks", [1000, 300, 7])
@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_told_with_the_names_of_columns(name, blocks, rng):
    make, wanted = PROBLEMS[name]
    found = find_problems(split(make(good(rng)), blocks), columns=list("abcde"))
    told = " ".join(found)
    for part in wanted:
        assert part in told
    assert bool(found) == bool(wanted)


def test_the_scales_do_not_matter_to_a_model_that_standardises(rng):
    x = good(rng) * [1e-1, 1, 1, 1, 1e3] + 500
    assert find_problems(split(x), scales=False) == []


def test_to_a_model_that_standardises_columns_matter_that_are_all_but_constant(rng):
    x = good(rng)
    x[:, 1:3], x[5:10, 2] = 0, 0.1
    (_, told) = find_problems(split(x), scales=False)
    assert told.startswith("some columns are all but constant, 1 of 5 (column 2): ")
    assert "set standardize=False" in told


def test_missing_values_are_passed_over(rng):
    x = good(rng)
    x[rng.random(x.shape) < 0.5] = np.nan
    x[:, 1] = np.nan
    x[700, 4] = 1e9
    told = find_problems(split(x), kind="cells")
    assert any("cell 700, column 4 is 1e+09" in problem for problem in told)
    assert not any("spread" in problem for problem in told if "1e+09" not in problem)


@pytest.mark.parametrize("kind", ["rows", "cells", "images"])
def test_a_value_that_a_float32_cannot_hold_is_named(kind, rng):
    x = good(rng)
    x[903, 4], x[950, 0] = -1e39, 1e39
    with pytest.raises(ValueError, match=rf"^{kind[:-1]} 903, column 4 is -1e\+39: a float32 holds at most 3\.4e\+38"):
        find_problems(split(x), kind=kind)
    with pytest.raises(ValueError, match="column 'e' is -1e"):
        find_problems(split(x), columns=list("abcde"), kind=kind)


def test_constant_pixels_of_pictures_are_not_told_of(rng):
    assert find_problems(split(constant(good(rng))), kind="images") == []


def test_the_middle_and_the_spread_are_those_of_all_rows(monkeypatch, rng):
    """Of sorted data too, of which only some are looked at; and no more of them than was said."""
    monkeypatch.setattr(inspection, "SAMPLED", 4000)
    x = np.sort(rng.normal(3, 2, (50_000, 2)), axis=0)
    summary = summarize_columns(split(x, 1234))
    np.testing.assert_allclose(summary.middle, 3, atol=0.15)
    np.testing.assert_allclose(summary.spread, 2, rtol=0.1)
    np.testing.assert_array_equal([summary.lowest, summary.highest], [x[0], x[-1]])
    np.testing.assert_array_equal([summary.lowest_row, summary.highest_row], [[0, 0], [49_999, 49_999]])
    sample = inspection._Sample()
    for block in split(x, 1234):
        sample.add(block)
        assert sample.values.size <= 4000


@pytest.mark.parametrize(("highest", "white", "told"), [(16, 255, True), (127, 255, True), (128, 255, False),
                                                        (255, 255, False), (0, 255, False), (1 / 255, 1, True),
                                                        (4095, 65535, True), (0.9, 1, False)])  # fmt: skip
def test_pictures_that_are_nearly_black(highest, white, told):
    message = unscaled(highest, white)
    assert (message is not None) == told
    if told:
        assert f"the largest value is {highest:g}, where {white:g} is white" in message


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_rows_of_the_test_set_that_are_in_the_training_set(rows, rng):
    train, test = rng.integers(0, 4, (60, 3)).astype(np.float64), rng.integers(0, 4, (40, 3)).astype(np.float64)
    test[3], train[5] = -0.0, 0.0
    known = {tuple(row) for row in train}
    wanted = sum(tuple(row) in known for row in test)
    assert 0 < wanted < 40
    others = (split(test, rows), split(test + 0.5, rows), split(train, rows), split(test[3:4], rows))
    assert count_shared(split(train, rows), *others) == [wanted, 0, 60, int(tuple(test[3]) in known)]
    assert count_shared(split(test, rows), split(test, rows)) == [40]


def test_no_more_rows_are_compared_than_is_said(monkeypatch, rng):
    monkeypatch.setattr(inspection, "ROWS_COMPARED", 10)
    x = good(rng)
    assert count_shared(split(x), split(x), split(x)) == [10, 10]


def test_the_training_set_is_gone_through_once(rng):
    x = good(rng)
    assert count_shared(iter(split(x)), split(x), split(x)) == [len(x), len(x)]
