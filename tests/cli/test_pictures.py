"""What is in the pictures of the command."""

import json

import numpy as np
import pytest

from gluonvae.cli.main import main
from tests.helpers.commands import TINY, is_picture
from tests.helpers.figures import cells, labels_of, title_of

pytestmark = pytest.mark.usefixtures("fast_disk")


@pytest.fixture
def figures(monkeypatch):
    """What is saved, by the name of the file."""
    found = {}
    monkeypatch.setattr("gluonvae.plots.figure.save", lambda figure, path: found.update({path.name: figure}))
    return found


def train(folder, *words):
    assert main(["train", *TINY, "--out", str(folder / "run"), *map(str, words)]) == 0
    return folder / "run"


@pytest.fixture
def images(tmp_path, rng):
    """Images of three animals, by name."""
    pixels = rng.integers(0, 2, (90, 3, 4))
    np.savez(tmp_path / "animals.npz", images=pixels, labels=np.array(["cat", "dog", "emu"] * 30))
    return tmp_path / "animals.npz"


def table(folder, rng):
    rows = [f"{height:.3f},{weight:.3f},0" for height, weight in rng.normal(size=(200, 2))]
    (folder / "people.csv").write_text("\n".join(["height,weight,children", *rows, "1,1,3"]))
    return folder / "people.csv"


def test_a_training_on_images(images, tmp_path, figures):
    train(tmp_path, "--data", images, "--seed", 5)
    assert set(figures) == {"curves.png", "reconstructions.png", "samples.png"}
    axis = figures["samples.png"].axes[0]
    assert title_of(axis) == "100 samples (mean), seed 5"
    assert len(cells(figures["samples.png"], 10, (3, 4), 100)[0]) == 100
    assert len(cells(figures["reconstructions.png"], 10, (3, 4))[0]) % 10 == 0


def test_a_training_on_images_with_classes_has_a_row_of_samples_each(images, tmp_path, figures):
    train(tmp_path, "--data", images, "--conditional")
    figure = figures["samples.png"]
    assert labels_of(figure.axes[0], "y") == ["cat", "dog", "emu"]
    assert len(cells(figure, 10, (3, 4), 30)[0]) == 30


def test_many_classes_are_sampled_in_turn(tmp_path, rng, figures):
    np.savez(tmp_path / "many.npz", images=rng.integers(0, 2, (210, 3, 4)), labels=np.arange(210) % 21)
    train(tmp_path, "--data", tmp_path / "many.npz", "--conditional")
    assert len(cells(figures["samples.png"], 10, (3, 4), 100)[0]) == 100
    assert not labels_of(figures["samples.png"].axes[0], "y")


def test_a_training_on_a_table_shows_how_it_fits_each_column(tmp_path, rng, figures):
    run = train(tmp_path, "--data", table(tmp_path, rng))
    assert set(figures) == {"curves.png", "features.png", "predictive_check.png"}
    titles = [axis.get_title("left") for axis in figures["features.png"].axes]
    assert [title.split("  (KS ")[0] for title in titles if title] == ["height", "weight", "children"]
    test_rows = json.loads((run / "config.json").read_text())["parts"]["test"]["images"]
    assert (
        figures["predictive_check.png"]
        ._suptitle.get_text()
        .startswith(f"posterior predictive check: {test_rows} rows, drawn anew 25 times")
    )
    assert labels_of(figures["predictive_check.png"].axes[0], "y") == ["height", "weight", "children"]


def test_pictures_of_a_table_are_written(tmp_path, rng):
    run = train(tmp_path, "--data", table(tmp_path, rng))
    assert {path.name for path in run.glob("*.png")} == {"curves.png", "features.png", "predictive_check.png"}
    assert all(is_picture(path) for path in run.glob("*.png"))


@pytest.mark.parametrize(
    ("words", "title", "columns"),
    [
        ([], "12 samples, seed 7", ["cat", "dog", "emu"]),
        (["--seed", "3"], "12 samples, seed 3", ["cat", "dog", "emu"]),
        (["--label", "emu"], "12 samples, seed 7, label emu", []),
    ],
)
def test_samples_say_what_they_are(words, title, columns, images, tmp_path, figures):
    run = train(tmp_path, "--data", images, "--conditional")
    assert main(["sample", str(run), "-n", "12", "--out", str(tmp_path / "x.png"), *words]) == 0
    figure = figures["x.png"]
    assert title_of(figure.axes[0]) == title
    assert labels_of(figure.axes[0], "x") == columns
    assert len(cells(figure, 3 if columns else 10, (3, 4), 12)[0]) == 12


def test_fewer_samples_than_classes(images, tmp_path, figures):
    run = train(tmp_path, "--data", images, "--conditional")
    assert main(["sample", str(run), "-n", "2", "--out", str(tmp_path / "x.png")]) == 0
    drawn, opaque = cells(figures["x.png"], 3, (3, 4))
    assert (len(drawn), [bool(of.all()) for of in opaque]) == (3, [True, True, False])


def test_reconstructions(images, tmp_path, figures):
    run = train(tmp_path, "--data", images)
    assert main(["reconstruct", str(run), "--images", "4", "-n", "3", "--out", str(tmp_path / "x.png")]) == 0
    drawn, _ = cells(figures["x.png"], 4, (3, 4), 16)
    originals = drawn.reshape(4, 4, 3, 4, 3)[:, 0]
    assert set(np.unique(originals)) == {0, 255}
