"""What is drawn comes in the form and the units of the data, and data may come in other forms than the run's."""

import csv
import json
import re

import anndata
import numpy as np
import pandas
import pytest
import scipy.sparse
from PIL import Image

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run
from tests.helpers.commands import SMALL, is_picture, without_pictures

N = 60
RNG = np.random.default_rng(0)
NUMBER = np.arange(N) % 3
NAMES = np.array(["cat", "dog", "owl"])[NUMBER]
TABLE = pandas.DataFrame(
    {"height": RNG.normal(170, 10, N), "weight": RNG.normal(70, 9, N), "kind": NAMES, "id": np.arange(N)}
)
VALUES = TABLE[["height", "weight"]].to_numpy()
COUNTS = RNG.poisson(2, (N, 5))
PIXELS = RNG.integers(0, 17, (N, 4, 6)).astype(np.uint8)
GENES = [f"gene {number}" for number in range(5)]
OF_TABLE = ["--label-column", "kind", "--drop", "id", "--conditional"]


def write_pictures(folder, pixels):
    folder.mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02}.png")


def write(kind, folder):
    """The data of a kind, and the words to train on them."""
    if kind == "rows":
        TABLE.to_csv(folder / "rows.csv", index=False)
        return [folder / "rows.csv", *OF_TABLE]
    if kind == "cells":
        adata = anndata.AnnData(scipy.sparse.csr_matrix(COUNTS.astype(np.float32)), var=pandas.DataFrame(index=GENES))
        adata.write_h5ad(folder / "cells.h5ad")
        return [folder / "cells.h5ad"]
    if kind == "images":
        np.save(folder / "images.npy", PIXELS)
        return [folder / "images.npy", "--white", "16"]
    write_pictures(folder / "bytes", (PIXELS * 15).astype(np.uint8))
    return [folder / "bytes", "--likelihood", "discretized_logistic"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A function that returns the folder of a run on data of a kind, and where they lie."""
    made = {}

    def of_kind(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            words = [*SMALL[:-2], "--batch-size", "10", "--epochs", "2", "--out", folder / "run", "--quiet"]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("os.fsync", lambda descriptor: None)
                without_pictures(patch)
                assert main(["train", "--data", *map(str, [*write(kind, folder), *words])]) == 0
            made[kind] = folder / "run"
        return made[kind]

    return of_kind


def run_command(*words):
    return main(list(map(str, words)))


def drawn(run, n, **options):
    """What the model of a run draws, as the command draws it."""
    vae, _ = load_run(run, mx.cpu())
    gv.seed(7)
    return vae.phantasize(n, "mean", **options).asnumpy()


UNITS = {"cells": 1, "images": 16, "bytes": 255}


@pytest.mark.parametrize("kind", UNITS)
def test_an_array(kind, runs, tmp_path):
    run, out = runs(kind), tmp_path / "x.npy"
    assert run_command("sample", run, "-n", 8, "--image", "mean", "--out", out) == 0
    shape = {"cells": (5,), "images": (4, 6), "bytes": (4, 6)}[kind]
    found = np.load(out)
    assert found.shape == (8, *shape)
    np.testing.assert_allclose(found.reshape(8, -1), UNITS[kind] * drawn(run, 8), rtol=1e-6)
    top = {"cells": np.inf, "images": 16, "bytes": 255}[kind]
    assert (found >= 0).all()
    assert (found <= top).all()
    # after two epochs about as the data are: in their units
    data = {"cells": COUNTS, "images": PIXELS, "bytes": PIXELS * 15.0}[kind]
    assert found.mean() == pytest.approx(data.mean(), rel=0.5)


def test_rows_are_in_the_units_of_the_table(runs, tmp_path):
    run, out = runs("rows"), tmp_path / "x.csv"
    assert run_command("sample", run, "-n", 300, "--image", "sample", "--out", out) == 0
    found = pandas.read_csv(out)
    assert list(found.columns) == ["label", "height", "weight"]
    assert list(found["label"]) == ["cat", "dog", "owl"] * 100
    # standardised and back: means and spreads of the data
    for column in ("height", "weight"):
        assert found[column].mean() == pytest.approx(TABLE[column].mean(), abs=TABLE[column].std() / 2)
        assert found[column].std() == pytest.approx(TABLE[column].std(), rel=0.5)


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_table(suffix, runs, tmp_path):
    run, out = runs("rows"), tmp_path / f"x.{suffix}"
    assert run_command("sample", run, "-n", 4, "--image", "mean", "--label", "owl", "--out", out) == 0
    with open(out, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, delimiter="," if suffix == "csv" else "\t")
    assert header == ["label", "height", "weight"]
    assert [row[0] for row in rows] == ["owl"] * 4
    expected = drawn(run, 4, label="owl")
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float), expected, rtol=1e-6)
    # it can be read as data
    assert gv.data.load(str(out), label_column="label", split=(0.5, 0.25, 0.25)).train.columns == ("height", "weight")


def test_columns_without_names(runs, tmp_path):
    run, out = runs("images"), tmp_path / "x.csv"
    assert run_command("sample", run, "-n", 4, "--image", "mean", "--out", out) == 0
    found = pandas.read_csv(out)
    assert list(found.columns) == [f"x{number}" for number in range(24)]
    np.testing.assert_allclose(found.to_numpy(), 16 * drawn(run, 4), rtol=1e-6)


def test_cells(runs, tmp_path):
    run, out = runs("cells"), tmp_path / "x.h5ad"
    assert run_command("sample", run, "-n", 6, "--image", "mean", "--out", out) == 0
    found = anndata.read_h5ad(out)
    assert list(found.var_names) == GENES
    np.testing.assert_allclose(found.X, drawn(run, 6), rtol=1e-6)
    counts = tmp_path / "counts.h5ad"
    assert run_command("sample", run, "-n", 40, "--image", "sample", "--out", counts) == 0
    found = anndata.read_h5ad(counts).X
    assert (found == np.rint(found)).all()
    again = gv.data.load(str(counts)).train
    assert (again.things, again.columns) == ("cells", tuple(GENES))


def test_cells_of_classes(runs, tmp_path):
    assert run_command("sample", runs("rows"), "-n", 6, "--out", tmp_path / "x.h5ad") == 0
    found = anndata.read_h5ad(tmp_path / "x.h5ad")
    assert list(found.obs["label"]) == ["cat", "dog", "owl"] * 2
    assert list(found.var_names) == ["height", "weight"]


@pytest.mark.parametrize(
    ("kind", "suffix"), [("images", ".png"), ("bytes", ".png"), ("rows", ".csv"), ("cells", ".h5ad")]
)
def test_the_form_where_none_is_asked_for(kind, suffix, runs):
    run = runs(kind)
    assert run_command("sample", run, "-n", 4) == 0
    assert run_command("reconstruct", run, "--images", 3, "-n", 2) == 0
    for name in ("samples", "reconstructions"):
        path = run / f"{name}-seed7{suffix}"
        assert path.stat().st_size > 0
        assert suffix != ".png" or is_picture(path)


def test_reconstructions_in_a_table(runs, tmp_path):
    run, out = runs("rows"), tmp_path / "x.csv"
    assert run_command("reconstruct", run, "--images", 5, "-n", 3, "--image", "mean", "--out", out) == 0
    found = pandas.read_csv(out)
    assert list(found.columns) == ["draw", "row", "height", "weight"]
    assert list(found["draw"]) == [0] * 5 + [1] * 5 + [2] * 5
    assert list(found["row"]) == [0, 1, 2, 3, 4] * 3
    array = tmp_path / "x.npy"
    assert run_command("reconstruct", run, "--images", 5, "-n", 3, "--image", "mean", "--out", array) == 0
    np.testing.assert_allclose(np.load(array).reshape(15, 2), found[["height", "weight"]], rtol=1e-6)


@pytest.mark.parametrize("suffix", [".txt", ".jpg", ".npz", ""])
@pytest.mark.parametrize("command", ["sample", "reconstruct"])
def test_a_form_that_is_not_known(suffix, command, runs, tmp_path, capsys):
    out = tmp_path / f"x{suffix}"
    assert run_command(command, runs("rows"), "--out", out) == 2
    assert f"{out} must end in one of .png, .pdf, .svg, .npy, .csv, .tsv, .h5ad" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["rows", "cells"])
@pytest.mark.parametrize("command", ["sample", "reconstruct"])
def test_pictures_of_what_is_none(kind, command, runs, tmp_path, capsys):
    assert run_command(command, runs(kind), "--out", tmp_path / "x.png") == 2
    assert f"x.png: {kind} are no pictures; write them to a .csv, .npy or .h5ad file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def write_labelled_array(folder):
    np.savez(folder / "x.npz", images=VALUES, labels=NAMES)
    return folder / "x.npz"


def write_parquet(folder):
    TABLE.to_parquet(folder / "x.parquet")
    return folder / "x.parquet"


def write_array(array):
    def write_to(folder):
        np.save(folder / "x.npy", array)
        return folder / "x.npy"

    return write_to


def write_sparse(folder):
    scipy.sparse.save_npz(folder / "x.npz", scipy.sparse.csr_matrix(COUNTS))
    return folder / "x.npz"


def write_dense_cells(folder):
    anndata.AnnData(COUNTS.astype(np.float32), var=pandas.DataFrame(index=GENES)).write_h5ad(folder / "x.h5ad")
    return folder / "x.h5ad"


def write_as_pictures(folder):
    write_pictures(folder / "x", PIXELS)
    return folder / "x"


OTHER_FORMS = {
    "a table as Parquet": ("rows", write_parquet),
    "a table as an array": ("rows", write_labelled_array),
    "cells as an array": ("cells", write_array(COUNTS)),
    "cells as a sparse matrix": ("cells", write_sparse),
    "cells, dense": ("cells", write_dense_cells),
    "pictures as an array": ("bytes", write_array((PIXELS * 15).astype(np.uint8))),
    "pictures as fractions": ("images", write_array(PIXELS / 1.0)),
    "an array as pictures": ("images", write_as_pictures),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_data_in_another_form(form, runs, tmp_path, capsys):
    """The same rows in another file: the same likelihood, where no pixels are drawn."""
    kind, write_to = OTHER_FORMS[form]
    run, path = runs(kind), write_to(tmp_path)
    said = []
    for words in ([], ["--data", path]):
        capsys.readouterr()
        assert run_command("evaluate", run, "--samples", 5, *words) == 0
        said.append(re.search(r"log-likelihood (\S+) nats per (\w+)", capsys.readouterr().out).groups())
    assert said[0][0] == said[1][0]
    assert run_command("reconstruct", run, "--data", path, "--images", 2, "--out", tmp_path / "y.npy") == 0
    assert np.load(tmp_path / "y.npy").shape[:2] == (9, 2)


def test_a_named_data_set_in_the_place_of_ones_own(runs, capsys):
    """What was asked of one's own data is not asked of it."""
    assert run_command("evaluate", runs("bytes"), "--data", "digits", "--samples", 5) == 2
    said = capsys.readouterr().err
    assert "must be images of 24 values each, got 500 of 784" in said


def test_pictures_on_another_scale_are_told_of(runs, tmp_path, caplog):
    """Fractions are not taken for bytes that are all but black without a word."""
    np.save(tmp_path / "x.npy", PIXELS / 16)
    assert run_command("evaluate", runs("bytes"), "--data", tmp_path / "x.npy", "--samples", 5) == 0
    assert "x.npy: the largest value is 1, where 255 is white" in caplog.text


def test_what_a_run_knows_of_its_data(runs):
    for kind, things, columns, white, names in (
        ("rows", "rows", ["height", "weight"], None, ["cat", "dog", "owl"]),
        ("cells", "cells", GENES, None, None),
        ("images", "images", None, 16, None),
        ("bytes", "images", None, 255, None),
    ):
        config = json.loads((runs(kind) / "config.json").read_text())
        found = [config[name] for name in ("things", "columns", "white", "class_names")]
        assert found == [things, columns, white, names]
