"""What of other data ``gluonvae evaluate`` and ``gluonvae reconstruct`` take, and what of a run's own."""

import re
import shutil

import numpy as np
import pandas
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run
from tests.helpers.commands import TINY, without_pictures

N = 60
RNG = np.random.default_rng(0)
REALS, OTHERS = RNG.normal(size=(N, 4)), RNG.normal(size=(N, 4))
GREY, OTHER_GREY = RNG.integers(0, 256, (2, N, 4, 5), dtype=np.uint8)

pytestmark = pytest.mark.usefixtures("fast_disk")


def save(path, values):
    """Write an array, parts by name, or a table."""
    if isinstance(values, dict):
        np.savez(path.with_suffix(".npz"), **values)
        return path.with_suffix(".npz")
    if isinstance(values, pandas.DataFrame):
        values.to_csv(path.with_suffix(".csv"), index=False)
        return path.with_suffix(".csv")
    np.save(path.with_suffix(".npy"), values)
    return path.with_suffix(".npy")


def table(values):
    return pandas.DataFrame(values, columns=list("abcd")).assign(who=np.arange(len(values)) // 3)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function that returns a run on some data, trained once, and the file that these are in."""
    made = {}

    def of(name):
        if name not in made:
            values, words = {
                "reals": (REALS, []),
                "split": (REALS, ["--split", "0.5", "0.25", "0.25", "--split-seed", "3"]),
                "parts": ({"train": REALS, "test": REALS[:9]}, []),
                "grey": (GREY, []),
                "groups": (table(REALS), ["--groups", "who"]),
            }[name]
            folder = tmp_path_factory.mktemp(name)
            path = save(folder / "own", values)
            assert main(["train", "--data", str(path), *TINY, "--out", str(folder / "run"), "--quiet", *words]) == 0
            made[name] = folder / "run", path
        return made[name]

    return of


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    without_pictures(monkeypatch)


def evaluated(capsys, run, *words):
    capsys.readouterr()
    assert main(["evaluate", str(run), "--samples", "5", *map(str, words)]) == 0
    mean, count = re.search(r"log-likelihood (\S+) nats.* (\d+) test ", capsys.readouterr().out).groups()
    return float(mean), int(count)


USED = {
    # the run, other data, which rows are used
    "all": ("reals", OTHERS, OTHERS, "all of it is used"),
    "a few": ("reals", OTHERS[:7], OTHERS[:7], "all of it is used"),
    "a single one": ("reals", OTHERS[:1], OTHERS[:1], "all of it is used"),
    "all, after a split": ("split", OTHERS, OTHERS, "all of it is used"),
    "all, after parts": ("parts", OTHERS, OTHERS, "all of it is used"),
    "the test part": ("reals", {"train": REALS, "test": OTHERS[:8]}, OTHERS[:8], "its test set is used"),
    "the test part, after a split": ("split", {"train": REALS, "valid": REALS, "test": OTHERS[:8]}, OTHERS[:8], "its test set is used"),
    "the own rows, some changed": ("reals", np.where(np.arange(N) < 50, REALS.T, 9).T, np.where(np.arange(N) < 50, REALS.T, 9).T, "all of it is used"),
    "groups": ("groups", table(OTHERS[:11]), OTHERS[:11], "all of it is used"),
}  # fmt: skip


@pytest.mark.parametrize("name", USED)
def test_what_is_used_of_other_data(name, runs, tmp_path, capsys, caplog):
    kind, values, used, said = USED[name]
    run, path = runs(kind)[0], save(tmp_path / "other", values)
    mean, count = evaluated(capsys, run, "--data", path)
    vae, _ = load_run(run, mx.cpu())
    assert count == len(used)
    assert mean == pytest.approx(gv.log_marginal_likelihood(vae, used, 5, seed=0, progress=False).mean, abs=0.006)
    assert f"is not the data of the run: {said}" in caplog.text


@pytest.mark.parametrize(("kind", "count"), [("reals", 6), ("split", 15), ("parts", 9), ("grey", 6), ("groups", 6)])
def test_the_runs_own_data_that_have_moved_keep_their_test_set(kind, count, runs, tmp_path, capsys, caplog):
    run, path = runs(kind)
    wanted = evaluated(capsys, run)
    assert wanted[1] == count
    moved = shutil.copy(path, tmp_path / f"moved{path.suffix}")
    assert evaluated(capsys, run, "--data", moved) == wanted
    assert not caplog.records


def test_all_of_other_pictures(runs, tmp_path, capsys):
    run, _ = runs("grey")
    # their pixels are drawn once, by a fixed seed
    first, again = (evaluated(capsys, run, "--data", save(tmp_path / "x", OTHER_GREY)) for _ in range(2))
    assert first == again
    assert first[1] == N


def test_all_of_data_for_a_run_from_python(tmp_path, capsys):
    vae = gv.construct_vae(
        likelihood="gaussian", data_dims=4, latent_variable_size=2, generator_layer_sizes=[3], infer_layer_sizes=[3]
    )
    vae.initialize()
    gv.fit(gv.ELBO(vae), REALS, epochs=1, batch_size=20, progress=False, folder=tmp_path / "run")
    assert evaluated(capsys, tmp_path / "run", "--data", save(tmp_path / "x", OTHERS[:13]))[1] == 13


def test_reconstructions_of_other_rows_are_in_their_order(runs, tmp_path):
    run, _ = runs("reals")
    far = np.linspace(-30, 30, 25)[:, None] * np.ones(4)
    path, out = save(tmp_path / "other", far), tmp_path / "y.csv"
    assert main(["reconstruct", str(run), "--data", str(path), "--images", "25", "--out", str(out)]) == 0
    assert pandas.read_csv(out)["row"].nunique() == 25
    assert main(["reconstruct", str(run), "--data", str(path), "--images", "26"]) == 2
    first = save(tmp_path / "first", far[:10])
    drawn = []
    for data in (path, first):
        assert main(["reconstruct", str(run), "--data", str(data), "--out", str(out)]) == 0
        drawn.append(pandas.read_csv(out))
    pandas.testing.assert_frame_equal(*drawn)


def test_parts_without_a_test_set_are_split(runs, tmp_path, capsys, caplog):
    path = save(tmp_path / "other", {"train": OTHERS, "valid": OTHERS[:5]})
    assert evaluated(capsys, runs("split")[0], "--data", path)[1] == 6
    assert "a part of it that is drawn at random is used" in caplog.text


def test_a_folder_of_known_sets_is_of_these(runs, tmp_path, capsys):
    path = save(tmp_path / "other", OTHERS)
    assert main(["evaluate", str(runs("reals")[0]), "--data", str(path), "--data-dir", str(tmp_path)]) == 2
    assert "--data-dir is for mnist and other named data sets" in capsys.readouterr().err
