"""Training, validation and test sets: by share, at random, by group."""

import numpy as np
import pandas
import pytest

import gluonvae as gv
from gluonvae.data import DataError, Dataset, split

N = 200
ROWS = np.arange(N)
X = ROWS[:, None] + np.arange(3) / 4  # a row tells its number


def data(count=N):
    return Dataset(X[:count], binarization="none", labels=np.arange(count))


def of(part):
    np.testing.assert_array_equal(part.batch(slice(None))[:, 0], part.labels)
    return list(part.labels)


def save(folder, **columns):
    pandas.DataFrame({"x": ROWS, "y": ROWS % 7, **columns}).to_csv(folder / "t.csv", index=False)
    return str(folder / "t.csv")


class TestShares:
    @pytest.mark.parametrize(
        ("valid", "test", "sizes"),
        [
            (20, 10, (170, 20, 10)),
            (0.1, 0.2, (160, 20, 40)),
            (0.1, 20, (160, 20, 20)),
            (1, 1, (198, 1, 1)),
            (0.001, 0.001, (198, 1, 1)),
            (np.int64(20), np.float32(0.25), (130, 20, 50)),
            (99, 100, (1, 99, 100)),
        ],
    )
    def test_sizes(self, valid, test, sizes):
        parts = split(data(), valid, test)
        assert tuple(map(len, parts)) == (sizes[0] if sum(sizes) == N else N - sizes[1] - sizes[2], *sizes[1:])
        assert sorted(row for part in parts for row in of(part)) == list(ROWS)

    def test_the_seed(self):
        first, again, other = (split(data(), 0.1, 0.1, seed) for seed in (0, 0, 1))
        assert list(map(of, first)) == list(map(of, again))
        assert of(first.test) != of(other.test)
        assert [part.split_seed for part in other] == [1, 1, 1]
        # at random: a split in order would have the last rows as the test set
        assert np.corrcoef(of(first.train), ROWS[: len(first.train)])[0, 1] < 0.3

    @pytest.mark.parametrize(
        ("valid", "test", "message"),
        [
            (100, 100, "200 images cannot be split: a training, a validation and a test set each need at least one"),
            (0, 10, "200 images cannot be split"),
            (150, 100, "200 images cannot be split"),
            (-1, 10, "valid must be a number of data points, or a fraction from 0 to 1, got -1"),
            (0.1, 1.5, "test must be a number of data points, or a fraction from 0 to 1, got 1.5"),
            (0.1, -0.5, "test must be a number"),
            (0.1, float("nan"), "test must be"),
            (0.1, "0.1", "test must be"),
            (0.5, 0.5, "200 images cannot be split"),
        ],
    )
    def test_what_cannot_be(self, valid, test, message):
        with pytest.raises((ValueError, TypeError), match=message):
            split(data(), valid, test)

    def test_of_a_table(self, tmp_path):
        path = save(tmp_path)
        parts = gv.data.load(path, split=(0.5, 0.3, 0.2), label_column="x")
        assert list(map(len, parts)) == [100, 60, 40]
        assert sorted(int(row) for part in parts for row in part.labels) == list(ROWS)
        other = gv.data.load(path, split=(0.5, 0.3, 0.2), split_seed=4, label_column="x")
        assert set(other.test.labels) != set(parts.test.labels)
        assert [part.split_seed for part in other] == [4, 4, 4]

    @pytest.mark.parametrize(
        ("shares", "message"),
        [
            ((0.8, 0.1), "split must be the shares of training, validation and test set, which add up to 1"),
            ((0.8, 0.1, 0.2), r"add up to 1, such as 0.8 0.1 0.1, got 0.8 0.1 0.2"),
            ((0.9, 0.1, 0), "add up to 1, .* got 0.9 0.1 0"),
            ((1.2, -0.1, -0.1), "add up to 1"),
            ((80, 10, 10), "add up to 1"),
            ((float("nan"), 0.5, 0.5), "split must be finite|split must be"),
        ],
    )
    def test_shares_that_are_none(self, shares, message, tmp_path):
        with pytest.raises(ValueError, match=message):
            gv.data.load(save(tmp_path), split=shares)

    def test_data_in_parts_are_not_split(self, tmp_path):
        np.savez(tmp_path / "x.npz", train=X, test=X[:9])
        with pytest.raises(DataError, match="--split is for data in one piece, and this has train, test: leave it out"):
            gv.data.load(str(tmp_path / "x.npz"), split=(0.8, 0.1, 0.1))
        with pytest.raises(ValueError, match="split is for your own data: digits has its own"):
            gv.data.load("digits", split=(0.8, 0.1, 0.1))


class TestGroups:
    @pytest.mark.parametrize(
        "groups",
        [
            ROWS // 5,
            np.array([f"patient {row // 4}" for row in ROWS]),
            np.sqrt(ROWS).astype(int),
            np.random.default_rng(0).integers(0, 30, N) / 2,
            np.array([None, "a", "b", "c"], object)[np.random.default_rng(0).integers(0, 4, N)],
        ],
    )
    @pytest.mark.parametrize("seed", range(5))
    def test_a_group_is_in_one_part(self, groups, seed):
        parts = split(data(), 40, 60, seed, groups)
        rows = list(map(of, parts))
        assert sorted(row for part in rows for row in part) == list(ROWS)
        members = [{str(groups[row]) for row in part} for part in rows]
        assert sum(map(len, members)) == len(set().union(*members))
        # as near as groups can be laid together: no farther off than half of the largest
        largest = max(np.unique(groups.astype(str), return_counts=True)[1])
        assert abs(len(parts.valid) - 40) <= max(largest / 2, 40 if largest > 80 else 0)

    @pytest.mark.parametrize("size", [1, 2, 5, 10, 20])
    def test_sizes_that_groups_meet_exactly_are_met(self, size):
        parts = split(data(), 0.1, 0.2, 3, ROWS // size)
        assert list(map(len, parts)) == [140, 20, 40]

    def test_the_order_within_a_part_is_at_random_and_follows_the_seed(self):
        groups = ROWS // 5
        first, again, other = (split(data(), 40, 40, seed, groups) for seed in (0, 0, 1))
        assert list(map(of, first)) == list(map(of, again))
        assert set(of(first.test)) != set(of(other.test))
        assert of(first.train) != sorted(of(first.train))

    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            (np.zeros(N), "200 images in 1 groups cannot be split: a training, a validation and a test set each need"),
            (ROWS // 100, "200 images in 2 groups cannot be split"),
            (ROWS[:-1], r"groups must have shape \(200,\), one for each data point, got \(199,\)"),
            (X, r"groups must have shape \(200,\), .* got \(200, 3\)"),
        ],
    )
    def test_groups_that_cannot_be_split(self, groups, message):
        with pytest.raises(ValueError, match=message):
            split(data(), 20, 20, 0, groups)

    def test_a_group_that_is_larger_than_a_part_is_trained_on(self):
        groups = np.where(ROWS < 150, 0, ROWS)
        for seed in range(5):
            parts = split(data(), 20, 20, seed, groups)
            assert set(range(150)) <= set(of(parts.train))
            assert [len(parts.valid), len(parts.test)] == [20, 20]

    def test_of_a_table(self, tmp_path):
        path = save(tmp_path, who=[f"p{row // 4}" for row in ROWS])
        for shares in (None, (0.6, 0.2, 0.2)):
            parts = gv.data.load(path, group_column="who", label_column="x", split=shares)
            patients = [{int(row) // 4 for row in part.labels} for part in parts]
            assert sum(map(len, patients)) == 50 == len(set().union(*patients))
            assert list(map(len, parts)) == ([160, 20, 20] if shares is None else [120, 40, 40])
            assert parts.train.columns == ("y",)

    def test_of_a_users_own_parts(self, tmp_path):
        for part, rows in (("train", ROWS[:100]), ("test", ROWS[100:])):
            pandas.DataFrame({"x": rows, "y": rows % 3, "who": rows // 10}).to_csv(
                tmp_path / f"{part}.csv", index=False
            )
        parts = gv.data.load(str(tmp_path), group_column="who", label_column="x")
        assert sorted(map(int, parts.test.labels)) == list(ROWS[100:])
        # the validation set is held out of the training set, by group
        assert {int(row) // 10 for row in parts.valid.labels}.isdisjoint({int(row) // 10 for row in parts.train.labels})
        assert [len(parts.train), len(parts.valid)] == [90, 10]
        pandas.DataFrame({"x": [1], "y": [0], "who": [4]}).to_csv(tmp_path / "test.csv", index=False)
        with pytest.raises(DataError, match="group '4' is in train and in test: its data points belong together"):
            gv.data.load(str(tmp_path), group_column="who", label_column="x")

    def test_what_has_no_groups(self, tmp_path):
        np.save(tmp_path / "x.npy", X)
        with pytest.raises(DataError, match=r"--groups has no effect on .*: .* have none; leave it out"):
            gv.data.load(str(tmp_path / "x.npy"), group_column="who")


def test_a_tenth_each_is_held_out_where_nothing_is_said(tmp_path):
    np.save(tmp_path / "x.npy", X)
    assert list(map(len, gv.data.load(str(tmp_path / "x.npy")))) == [160, 20, 20]
    np.save(tmp_path / "y.npy", X[:5])
    assert list(map(len, gv.data.load(str(tmp_path / "y.npy")))) == [3, 1, 1]
    np.save(tmp_path / "z.npy", X[:2])
    with pytest.raises(DataError, match=r"z\.npy: 2 rows cannot be split: a training, a validation and a test set"):
        gv.data.load(str(tmp_path / "z.npy"))
