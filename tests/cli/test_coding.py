"""gluonvae encode, score and interpolate: files that their own programs read, of the numbers that the library has."""

import csv
import sys

import anndata
import numpy as np
import pandas
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from tests.helpers.commands import TINY, is_picture, without_pictures

N = 60
RNG = np.random.default_rng(0)
NAMES = np.array(["cat", "dog", "owl"])[np.arange(N) % 3]
TABLE = pandas.DataFrame(
    {"height": RNG.normal(170, 10, N), "weight": RNG.normal(70, 9, N), "kind": NAMES, "id": np.arange(N)}
)
IMAGES = RNG.integers(0, 2, (N, 4, 6)).astype(np.uint8)
COUNTS = RNG.poisson(2, (N, 5)).astype(np.float32)
KINDS = {
    "rows": ["rows.csv", "--label-column", "kind", "--drop", "id"],
    "conditional": ["rows.csv", "--label-column", "kind", "--drop", "id", "--conditional"],
    "semi-supervised": ["labelled.npz", "--bound", "semi_supervised", "--labels", "9", "--classifier-layers", "5"],
    "images": ["images.npy"],
    "flow": ["images.npy", "--posterior", "planar"],
    "cells": ["cells.h5ad"],
    "codebook": [
        "images.npy",
        "--posterior",
        "vector_quantized",
        "--posterior-options",
        "code_size=2",
        "codes=5",
        "--prior",
        "codebook",
        "--bound",
        "vq",
    ],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    TABLE.to_csv(folder / "rows.csv", index=False)
    np.save(folder / "images.npy", IMAGES)
    np.savez(folder / "labelled.npz", images=IMAGES, labels=np.arange(N) % 3)
    np.savez(folder / "parts.npz", train=IMAGES[:40], test=IMAGES[40:])
    anndata.AnnData(COUNTS).write_h5ad(folder / "cells.h5ad")
    return folder


@pytest.fixture(scope="module")
def run_of(place):
    """A function that returns the folder of a run of a kind."""

    def of_kind(kind):
        if not (place / kind).exists():
            name, *words = KINDS[kind]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("os.fsync", lambda descriptor: None)
                without_pictures(patch)
                words = ["--data", str(place / name), *words, *TINY, "--out", str(place / kind), "--quiet"]
                assert main(["train", *words]) == 0
        return place / kind

    return of_kind


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_latent_states_of_a_table(run_of, place, tmp_path, capsys):
    """All rows of a file, in their order, with their labels; as a table of text, a parquet file and arrays."""
    run = run_of("rows")
    loaded = gv.load(run)
    latent = loaded.vae.encode(loaded.prepare(place / "rows.csv"))
    for suffix in ("csv", "tsv", "parquet", "npz"):
        out = tmp_path / f"latents.{suffix}"
        assert main(["encode", str(run), "--data", str(place / "rows.csv"), "--out", str(out)]) == 0
    assert "latent states of 60 rows are in" in capsys.readouterr().out
    for table in (
        pandas.read_csv(tmp_path / "latents.csv"),
        pandas.read_csv(tmp_path / "latents.tsv", sep="\t"),
        pandas.read_parquet(tmp_path / "latents.parquet"),
    ):
        assert list(table.columns) == ["row", "label", "z1", "z2"]
        np.testing.assert_array_equal(table["row"], np.arange(N))
        np.testing.assert_array_equal(table["label"], NAMES)
        np.testing.assert_allclose(table[["z1", "z2"]], latent, rtol=1e-6)
    arrays = np.load(tmp_path / "latents.npz", allow_pickle=True)
    assert arrays.keys() == {"latent", "row", "label"}
    np.testing.assert_array_equal(arrays["latent"], latent)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model(kind, run_of, place, capsys):
    """With the run's own test data, into its folder."""
    run = run_of(kind)
    loaded = gv.load(run)
    for command in ("encode", "score"):
        assert main([command, str(run)]) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    assert ("has no closed form" in out) == (kind == "flow")
    header, *rows = rows_of(run / "latents.csv")
    size = loaded.vae.latent_variable_size
    assert header[-size:] == [f"z{number}" for number in range(1, size + 1)]
    latent = loaded.vae.encode(loaded.data.test)
    np.testing.assert_allclose(np.array([row[-size:] for row in rows], float), latent, rtol=1e-5, atol=1e-6)
    header, *rows = rows_of(run / "scores.csv")
    assert header[-1] == "log_prob"
    log_prob = loaded.vae.log_prob(loaded.data.test)
    np.testing.assert_allclose([float(row[-1]) for row in rows], log_prob, rtol=1e-6)
    assert f"the lowest are of rows {np.argmin(log_prob)}, " in out


def test_draws(run_of, tmp_path):
    run = run_of("images")
    out = tmp_path / "draws.csv"
    assert main(["encode", str(run), "--samples", "3", "--seed", "5", "--out", str(out)]) == 0
    loaded = gv.load(run)
    table = pandas.read_csv(out)
    assert list(table.columns) == ["draw", "row", "z1", "z2"]
    np.testing.assert_array_equal(table["draw"], np.repeat([0, 1, 2], 6))
    np.testing.assert_array_equal(table["row"], np.tile(np.arange(6), 3))
    wanted = loaded.vae.encode(loaded.data.test, 3, seed=5).reshape(18, 2)
    np.testing.assert_allclose(table[["z1", "z2"]], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([], 6),
        (["--part", "train"], 48),
        (["--data", "images.npy"], 60),
        (["--data", "images.npy", "--part", "valid"], 6),
        (["--data", "parts.npz"], 20),
        (["--data", "parts.npz", "--part", "train"], 36),
    ],
)
def test_which_data(words, count, run_of, place, tmp_path, monkeypatch):
    monkeypatch.chdir(place)
    out = tmp_path / "scores.csv"
    assert main(["score", str(run_of("images")), *words, "--samples", "4", "--out", str(out)]) == 0
    assert len(rows_of(out)) == 1 + count


def test_what_is_unlike_the_others_has_the_lowest_score(place, tmp_path, capsys):
    """A row that is swapped, of a table whose columns are the same."""
    x = RNG.normal(size=200)
    pandas.DataFrame({"a": x, "b": x + 0.01 * RNG.normal(size=200)}).to_csv(tmp_path / "train.csv", index=False)
    words = ["--data", str(tmp_path / "train.csv"), "--latent-size", "1", "--inference-layers", "20"]
    words += ["--generator-layers", "20", "--epochs", "40", "--learning-rate", "0.01", "--quiet"]
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 0
    pandas.DataFrame({"a": [0.1, 1, -1], "b": [0.1, -1, -1]}).to_csv(tmp_path / "new.csv", index=False)
    assert main(["score", str(tmp_path / "run"), "--data", str(tmp_path / "new.csv")]) == 0
    assert "the lowest are of rows 1, " in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_interpolations(kind, run_of, tmp_path, capsys):
    """The ends are the decoded means of the two data points."""
    run = run_of(kind)
    out = tmp_path / "between.npy"
    assert main(["interpolate", str(run), "-n", "2", "--steps", "5", "--image", "mean", "--out", str(out)]) == 0
    assert "5 " in capsys.readouterr().out
    drawn, loaded = np.load(out), gv.load(run)
    points = loaded.data.test
    latent, label = loaded.vae.encode(points.subset(slice(4))), {}
    if kind == "conditional":
        label = {"label": np.asarray(points.class_names)[points.labels[:2]]}
    if kind == "semi-supervised":
        label = {"label": points.labels[:2]}
    ends = [loaded.vae.decode(latent[at : at + 2], **label) for at in (0, 2)]
    middle = loaded.vae.decode((latent[:2] + latent[2:4]) / 2, **label)
    assert drawn.shape == (2, 5, *points.shape)
    for place, want in ((0, ends[0]), (2, middle), (4, ends[1])):
        np.testing.assert_allclose(drawn[:, place].reshape(2, -1), want, rtol=1e-4, atol=1e-5)


def test_an_interpolation_is_a_picture_of_images_and_a_table_of_rows(run_of, tmp_path):
    run = run_of("images")
    assert main(["interpolate", str(run), "-n", "3", "--steps", "4", "--out", str(tmp_path / "a.png")]) == 0
    assert is_picture(tmp_path / "a.png")
    rows = run_of("rows")
    assert main(["interpolate", str(rows), "--steps", "4", "--seed", "2", "--quiet"]) == 0  # all three pairs
    table = pandas.read_csv(rows / "interpolations-seed2.csv")
    assert list(table.columns) == ["pair", "step", "height", "weight"]
    np.testing.assert_array_equal(table["pair"], np.repeat([0, 1, 2], 4))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("encode RUN --out a.png", "must end in one of .csv, .tsv, .parquet, .npz"),
        ("score RUN --out a.npy", "must end in one of"),
        ("encode RUN --samples 0", "--samples must be"),
        ("score RUN --samples 0", "samples must be"),
        ("encode RUN --data cells.h5ad", "24 values each"),
        ("encode RUN --data rows.csv", "the column 'kind' is text"),
        ("encode RUN --data nothing.npy", "there is nothing of that name"),
        ("encode RUN --data images.npy --data-dir .", "--data-dir is for mnist"),
        ("encode RUN --device gpu:7", "device gpu:7 is not there"),
        ("interpolate RUN -n 4", "4 pairs are 8 data points, and there are 6 images"),
        ("interpolate RUN -n 0", "-n must be"),
        ("interpolate RUN -n 2 --steps 1", "--steps must be at least 2"),
        ("interpolate RUN -n 2 --out a.xyz", "must end in one of"),
        ("encode nothing", "is not the folder of a run"),
    ],
)
def test_errors(command, message, run_of, place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    run = str(run_of("images"))
    assert main([run if word == "RUN" else word for word in command.split()]) == 2
    assert message in capsys.readouterr().err
    assert set(place.iterdir()) - set(before) <= {place / "images"}


def test_data_that_have_changed_are_refused(tmp_path, monkeypatch, capsys):
    without_pictures(monkeypatch)
    np.save(tmp_path / "mine.npy", IMAGES)
    assert main(["train", "--data", str(tmp_path / "mine.npy"), *TINY, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    np.save(tmp_path / "mine.npy", IMAGES[::-1])
    assert main(["encode", str(tmp_path / "run")]) == 2
    assert "has changed since the training" in capsys.readouterr().err


def test_columns_that_are_missing(run_of, tmp_path, capsys):
    TABLE.drop(columns="weight").to_csv(tmp_path / "other.csv", index=False)
    assert main(["score", str(run_of("rows")), "--data", str(tmp_path / "other.csv")]) == 2
    assert "the table lacks weight" in capsys.readouterr().err


def test_parquet_without_pyarrow(run_of, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["encode", str(run_of("images")), "--out", str(tmp_path / "a.parquet")]) == 2
    assert "written by pyarrow: pip install 'gluonvae[tables]'" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
