"""A run whose data have changed or moved since it was trained."""

import json
import os

import numpy as np
import pytest

from gluonvae.cli.main import main
from gluonvae.cli.sources import short_name
from tests.helpers.commands import SMALL, without_pictures

EVALUATE = ["evaluate", "run", "--samples", "3"]


@pytest.fixture
def images(rng):
    return rng.random((110, 16)).astype(np.float32)


@pytest.fixture
def run(tmp_path, images, monkeypatch):
    monkeypatch.chdir(tmp_path)
    without_pictures(monkeypatch)
    np.save("a.npy", images[:100])
    words = ["--data", "a.npy", "--binarization", "none", "--likelihood", "gaussian", "--batch-size", "20"]
    assert main(["train", *SMALL, *words, "--epochs", "1", "--out", "run", "--quiet"]) == 0
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x, "it has 11 test rows, the run had 10"),
        (lambda x: x[:100][::-1], "its 10 test rows or their labels are others or in another order"),
        (lambda x: 5 + 3 * x[:100], "its 10 test rows or their labels are others or in another order"),
    ],
    ids=["ten more", "another order", "others"],
)
@pytest.mark.parametrize("command", [EVALUATE, ["reconstruct", "run"]], ids=["evaluate", "reconstruct"])
def test_data_that_have_changed(command, change, message, run, images, capsys):
    assert main(command) == 0
    np.save("a.npy", change(images))
    capsys.readouterr()
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "a.npy has changed since the training: " + message in err
    assert "restore it, or give --data" in err


def test_the_same_data_written_again(run, images):
    np.save("a.npy", images[:100].copy())
    assert main(EVALUATE) == 0


def test_data_that_have_moved(run, capsys):
    os.makedirs("straße mit leer")
    os.rename("a.npy", "straße mit leer/dåta.v1.npy")
    assert main(EVALUATE) == 2
    assert "--data or --data-dir names where the run's data lie now" in capsys.readouterr().err
    assert main([*EVALUATE, "--data", "straße mit leer/dåta.v1.npy", "--quiet"]) == 0
    assert main(["reconstruct", "run", "--data", "straße mit leer/dåta.v1.npy"]) == 0
    assert main(["sample", "run"]) == 0


def test_other_data_that_are_asked_for(run, images, caplog, capsys):
    np.save("b.npy", images[10:])
    assert main([*EVALUATE, "--data", "b.npy"]) == 0
    assert "b.npy is not the data of the run: all of it is used, of which some may have been" in caplog.text
    assert "100 test rows" in capsys.readouterr().out


def test_a_run_that_does_not_know_its_data(run, caplog):
    config = json.loads((run / "config.json").read_text())
    for name in ("schema", "parts", "conditions"):
        del config[name]
    (run / "config.json").write_text(json.dumps(config))
    assert main(EVALUATE) == 0
    assert "the run does not tell what its data were" in caplog.text


def test_a_run_from_windows(run, capsys):
    config = json.loads((run / "config.json").read_text())
    config["data"]["name"] = "C:\\Users\\me\\a.npy"
    (run / "config.json").write_text(json.dumps(config))
    assert main(EVALUATE) == 2
    assert "--data or --data-dir names where" in capsys.readouterr().err
    assert main([*EVALUATE, "--data", "a.npy"]) == 0


def test_one_image_more_in_a_folder(tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    without_pictures(monkeypatch)
    os.makedirs("pics")
    for n in range(60):
        Image.fromarray(np.full((8, 8), n, np.uint8)).save(f"pics/{n:03}.png")
    assert main(["train", *SMALL, "--data", "pics", "--batch-size", "20", "--epochs", "1", "--out", "run"]) == 0
    Image.fromarray(np.full((8, 8), 255, np.uint8)).save("pics/0000.png")
    assert main(EVALUATE) == 2
    assert "pics has changed since the training" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("digits", "digits"),
        (".", "here"),
        ("..", None),
        ("x.npy", "x"),
        ("a.b.npy", "a.b"),
        ("v1.2", "v1.2"),
        ("/", "data"),
    ],
)
def test_what_a_run_is_called(typed, name, tmp_path, monkeypatch):
    (tmp_path / "here" / "v1.2").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert short_name(typed) == (name or tmp_path.name)
