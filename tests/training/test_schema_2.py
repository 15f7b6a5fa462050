"""A run that was written before schema 3: gluonvae 0.1.0 at 2bd5aaf stopped it after two of four epochs.

``schema_2/run`` is its folder, with the checkpoint of the second epoch; ``schema_2/mine.npz`` its data, and
``schema_2/whole.json`` what the same version gave where it was not stopped.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.config import read_config
from gluonvae.training.run import load_run
from tests.helpers.commands import without_pictures

HERE = Path(__file__).parent / "schema_2"
WHOLE = json.loads((HERE / "whole.json").read_text())


@pytest.fixture
def run(tmp_path, monkeypatch):
    without_pictures(monkeypatch)
    folder = tmp_path / "run"
    shutil.copytree(HERE / "run", folder)
    shutil.copy(HERE / "mine.npz", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    config["data"]["name"] = str(tmp_path / "mine.npz")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_what_it_did_not_know(run):
    config = read_config(run / "config.json")
    assert config["schema"] == 4
    new = ("class_names", "things", "columns", "white", "classes")
    assert [config[name] for name in new] == [None, "images", None, None, True]
    assert config["data"] == {
        "name": str(run.parent / "mine.npz"), "folder": None, "binarization": "dynamic", "shape": None, "white": None,
        "split": None, "split_seed": 0, "label_column": None, "group_column": None, "drop": [], "resize": None,
        "crop": False, "skip_broken": False, "layer": None,
    }  # fmt: skip


def test_its_data_are_still_the_same(run):
    config = read_config(run / "config.json")
    parts = gv.data.load(config["data"]["name"])
    for name, part in zip(parts._fields, parts):
        assert config["parts"][name]["digest"] == part.digest()


def test_its_model_comes_back(run):
    vae, config = load_run(run, mx.cpu())
    valid = gv.data.load(config["data"]["name"]).valid
    assert gv.evaluate(gv.ELBO(vae), valid).bound == pytest.approx(WHOLE["valid_bound"][1], rel=1e-5)


def test_it_goes_on(run):
    assert main(["train", "--resume", str(run)]) == 0
    result = json.loads((run / "result.json").read_text())
    for name in ("test_bound", "test_log_likelihood", "test_kl", "test_standard_error"):
        assert result[name] == pytest.approx(WHOLE[name], rel=1e-4)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["valid_bound"] for row in rows] == pytest.approx(WHOLE["valid_bound"], rel=1e-5)


def test_the_commands(run, tmp_path, capsys):
    assert main(["evaluate", str(run), "--samples", "20"]) == 0
    assert "nats per image" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--samples", "20", "--data", str(tmp_path / "mine.npz")]) == 0
    assert (
        main(["sample", str(run), "-n", "3", "--label", "2", "--image", "mean", "--out", str(tmp_path / "x.npy")]) == 0
    )
    drawn = np.load(tmp_path / "x.npy")
    assert drawn.shape == (3, 4, 3)
    assert ((drawn > 0) & (drawn < 1)).all()
    assert main(["sample", str(run), "-n", "3"]) == 0
    assert main(["reconstruct", str(run), "--images", "3", "--out", str(tmp_path / "y.npy")]) == 0
    assert main(["sample", str(run), "--label", "3"]) == 2
    assert "labels must be whole numbers from 0 to 2" in capsys.readouterr().err


@pytest.mark.parametrize("labels", [[1, 2, 3], ["a", "b", "c"]])
def test_other_classes_are_not_taken_for_its(labels, run, tmp_path, capsys):
    arrays = dict(np.load(tmp_path / "mine.npz"))
    np.savez(tmp_path / "other.npz", images=arrays["images"], labels=np.array(labels)[arrays["labels"]])
    assert main(["evaluate", str(run), "--samples", "5", "--data", str(tmp_path / "other.npz")]) == 2
    assert "data: label" in capsys.readouterr().err


def test_its_bound_is_what_was_asked_for(run):
    loaded = gv.load(run)
    asked = loaded.config["asked"]
    assert type(loaded.bound) is gv.objectives.BOUNDS[asked["bound"]]
    assert gv.evaluate(loaded.bound, loaded.data.valid).bound == pytest.approx(WHOLE["valid_bound"][1], rel=1e-5)
    assert len(loaded.resume(epochs=3, progress=False)) == 3
