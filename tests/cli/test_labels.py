"""The command with labels."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.labels import labels_to_draw
from gluonvae.cli.main import main
from gluonvae.data import all_labels
from gluonvae.labels import label_size
from gluonvae.training.run import load_run

SMALL = ["--generator-layers", "50", "--inference-layers", "50", "--latent-size", "5", "--epochs", "1"]


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "conditional"
    assert main(["train", "--conditional", "--prior", "conditional", *SMALL, "--out", str(folder)]) == 0
    return folder


def test_a_conditional_model_comes_back(conditional, tmp_path):
    config = json.loads((conditional / "config.json").read_text())
    assert config["model"]["label_size"] == 10
    for command in (["reconstruct", "--images", "3"], ["evaluate", "--images", "20", "--samples", "5"]):
        assert main([command[0], str(conditional), *command[1:]]) == 0


def test_sampling_by_label(conditional, tmp_path, capsys):
    drawn = {}
    for name, asked in {"three": ["--label", "3"], "five": ["--label", "5"], "all": []}.items():
        path = tmp_path / f"{name}.npy"
        assert main(["sample", str(conditional), "-n", "20", *asked, "--out", str(path)]) == 0
        drawn[name] = np.load(path)
    # the same noise: an image differs where its label does, and there alone
    same = [[np.array_equal(a, b) for a, b in zip(drawn["all"], drawn[name])] for name in ("three", "five")]
    np.testing.assert_array_equal(same, [np.arange(20) % 10 == label for label in (3, 5)])
    assert main(["sample", str(conditional), "--label", "10"]) == 2
    assert "labels must be whole numbers from 0 to 9" in capsys.readouterr().err


def test_few_labels(tmp_path, capsys):
    folder = tmp_path / "few"
    arguments = ["train", "--labels", "50", "--classifier-layers", "20", *SMALL, "--out", str(folder)]
    assert main(arguments) == 2
    assert "--labels is for --bound semi_supervised, got elbo" in capsys.readouterr().err
    assert main([*arguments, "--bound", "semi_supervised", "--bound-options", "alpha=20"]) == 0
    result = json.loads((folder / "result.json").read_text())
    assert f"accuracy {result['test_accuracy']:.4g}" in capsys.readouterr().out
    assert 0.2 < result["test_accuracy"] <= 1
    metrics = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert metrics["valid_accuracy"] > 0.2
    # bounds on log p(x), of images without their labels
    bound, splits = gv.SemiSupervisedELBO(load_run(folder, mx.cpu())[0]), gv.data.load("digits")
    for got, part in ((metrics["valid_bound"], splits.valid), (result["test_bound"], splits.test)):
        assert got == pytest.approx(gv.evaluate(bound, gv.data.hide_labels(part)).bound, abs=1e-2)
        assert got > gv.evaluate(bound, part).bound + 0.5
    for command in ("sample", "reconstruct"):
        assert main([command, str(folder), "-n", "2"]) == 0


def test_classes_of_any_split_count():
    splits = gv.data.Splits(*(gv.data.Dataset(np.eye(2), labels=labels) for labels in ([0, 3], [0, 1], [2, 1])))
    assert label_size(all_labels(splits), None) == 4


def test_errors(tmp_path, capsys):
    np.save(tmp_path / "images.npy", np.random.default_rng(0).random((30, 6)))
    assert main(["train", "--conditional", "--data", str(tmp_path / "images.npy"), *SMALL]) == 2
    assert "a model with labels was asked for, and the data, or one of its parts, has none" in capsys.readouterr().err
    folder = tmp_path / "plain"
    assert main(["train", *SMALL, "--out", str(folder)]) == 0
    assert main(["sample", str(folder), "--label", "1"]) == 2
    assert "--label is for a model that was trained with --conditional" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "name"), [(str(2**53), 2**53), (str(2**53 + 1), 2**53 + 1), ("7.0", 7), ("true", 1)])
def test_classes_by_number_are_told_apart_however_large(typed, name):
    config = {"classes": True, "class_names": [1, 7, 2**53, 2**53 + 1, 9]}
    assert list(labels_to_draw(SimpleNamespace(label_size=5), 2, config, label=[typed])) == [name, name]
