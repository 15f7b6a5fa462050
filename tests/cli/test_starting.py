"""Trainings that start from the model of a run, --from RUN."""

import json
import shutil

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import main
from gluonvae.training.run import load_run
from gluonvae.training.status import write_status
from tests.helpers.commands import TINY, without_pictures

STILL = ["--anneal", "learning_rate=constant:0"]
"""Nothing is learnt: the parameters stay what they were taken as."""


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch, fast_disk):
    without_pictures(monkeypatch)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Images with classes by name, other images, and runs on the former and on a table."""
    folder, rng = tmp_path_factory.mktemp("starting"), np.random.default_rng(0)
    for name, classes, shape in (
        ("ab", "ab", (6, 4)),
        ("b", "b", (6, 4)),
        ("xy", "xy", (6, 4)),
        ("wide", "ab", (4, 6)),
    ):
        labels = np.array(list(classes))[np.arange(60) % len(classes)]
        np.savez(folder / f"{name}.npz", images=rng.integers(0, 2, (60, *shape)), labels=labels)
    np.savez(folder / "bare.npz", images=rng.integers(0, 2, (60, 6, 4)))
    for name, header in (("here", "age,weight,id"), ("there", "age,weight,id"), ("other", "age,height,id")):
        rows = [f"{x:.3f},{y:.3f},{row}" for row, (x, y) in enumerate(rng.normal(size=(60, 2)))]
        (folder / f"{name}.csv").write_text("\n".join([header, *rows]))
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        words = {
            "classes": ["--data", "ab.npz", "--conditional", "--bound", "iwae", "--samples", "3"],
            "table": ["--data", "here.csv", "--drop", "id", "--standardize", "--likelihood", "gaussian"],
            "plain": ["--data", "bare.npz", "--beta", "0.5", "--prior", "mixture"],
        }
        patch.chdir(folder)
        for name, of in words.items():
            assert main(["train", *TINY, *of, "--quiet", "--out", name]) == 0
    return folder


@pytest.fixture
def start(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(runs)

    def run(*words, status=0):
        assert main(["train", "--epochs", "1", "--batch-size", "20", *words, "--out", str(tmp_path / "new")]) == status
        return tmp_path / "new"

    return run


def parameters(folder):
    vae, _ = load_run(folder, mx.cpu())
    return [parameter.data().asnumpy() for parameter in vae.collect_params().values()]


def asked_of(folder):
    return json.loads((folder / "config.json").read_text())["asked"]


def test_the_weights_are_those_of_the_run(start, runs, capsys):
    new = start("--from", "plain", *STILL)
    for taken, of in zip(parameters(new), parameters(runs / "plain")):
        np.testing.assert_array_equal(taken, of)
    told = (
        "from plain: the model (likelihood bernoulli_prod, posterior gaussian, prior mixture) with what it learnt in 1"
    )
    assert f"{told} epoch; bound elbo" in capsys.readouterr().out


def test_other_data_are_trained_on(start, runs):
    new = start("--from", "classes", "--data", "b.npz")
    config, before = (json.loads((folder / "config.json").read_text()) for folder in (new, runs / "classes"))
    assert config["data"]["name"] == str(runs / "b.npz")
    assert config["model"] == before["model"]
    assert config["class_names"] == ["a", "b"]  # those of the model, also where the data have fewer
    assert any((one != other).any() for one, other in zip(parameters(new), parameters(runs / "classes")))
    assert main(["sample", str(new), "--label", "a", "-n", "2", "--out", str(new / "a.npy")]) == 0


def test_the_bound_is_that_of_the_run_unless_another_is_asked_for(start):
    asked = asked_of(start("--from", "classes"))
    assert (asked["bound"], asked["samples"], asked["beta"], asked["conditional"]) == ("iwae", 3, None, True)


def test_another_bound(start):
    asked = asked_of(start("--from", "plain", "--bound", "iwae"))
    assert (asked["bound"], asked["samples"], asked["beta"]) == ("iwae", None, None)


def test_a_weight_that_is_annealed_is_not_taken(start):
    asked = asked_of(start("--from", "plain", "--anneal", "beta=linear:0:1"))
    assert (asked["bound"], asked["beta"], asked["anneal"]) == ("elbo", None, {"beta": "linear:0:1"})


def test_other_options_are_those_of_any_training(start):
    asked = asked_of(start("--from", "plain", "--learning-rate", "0.01"))
    assert (asked["learning_rate"], asked["optimizer"], asked["seed"]) == (0.01, "fusedadam", 7)


def test_a_table_is_read_as_that_of_the_run(start, runs, capsys):
    """Its columns are measured by the means and standard deviations that the run knows."""
    new = start("--from", "table", "--data", "there.csv", *STILL)
    assert "bound elbo, --drop id" in capsys.readouterr().out
    for taken, of in zip(parameters(new), parameters(runs / "table")):
        np.testing.assert_array_equal(taken, of)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--from", "plain", "--latent-size", "3"],
            "--from takes the model of the run as it is: leave out --latent-size",
        ),
        (["--from", "plain", "--inference-layers", "3"], "leave out --inference-layers"),
        (["--from", "plain", "--data", "wide.npz"], "is for images of shape (6, 4), got images of shape (4, 6)"),
        (["--from", "plain", "--data", "digits"], "is for images of shape (6, 4), got images of shape (28, 28)"),
        (["--from", "table", "--data", "other.csv"], "lacks weight and has height, which were not"),
        (["--from", "classes", "--data", "bare.npz"], "the model of classes takes labels, and the data"),
        (["--from", "classes", "--data", "xy.npz"], "label 'x' is none of the 2 classes of the model: a, b"),
        (["--from", "classes", "--beta", "2"], "--beta is of some bounds; iwae has no beta"),
        (["--from", "nowhere"], "nowhere is not the folder of a run"),
        (["--from", "ab.npz"], "is not the folder of a run"),
    ],
)
def test_what_does_not_fit(words, message, start, capsys):
    assert not start(*words, status=2).exists()
    assert message in capsys.readouterr().err


def test_resume_and_from(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    assert main(["train", "--from", "plain", "--resume", "plain"]) == 2
    assert "leave out --from" in capsys.readouterr().err


def test_a_run_from_python_has_data_of_its_own(start, tmp_path, capsys, rng):
    vae = gv.construct_vae(data_dims=24, latent_variable_size=2, generator_layer_sizes=[4], infer_layer_sizes=[4])
    vae.initialize()
    python = tmp_path / "python"
    gv.fit(gv.ELBO(vae), rng.integers(0, 2, (30, 24)), epochs=1, progress=False, folder=python)
    start("--from", str(python), status=2)
    assert "name the data to train on with --data" in capsys.readouterr().err
    new = start("--from", str(python), "--data", "bare.npz", *STILL)
    for taken, of in zip(parameters(new), parameters(python)):
        np.testing.assert_array_equal(taken, of)


def test_such_a_training_is_resumed_without_the_run(start, runs, tmp_path, monkeypatch):
    """Its weights are in its own checkpoints: to the bit the same, when what it started from has gone."""
    shutil.copytree(runs / "classes", tmp_path / "start")
    new = start("--from", str(tmp_path / "start"), "--data", "b.npz", "--epochs", "2")
    whole = (new / "model.params").read_bytes()
    max((new / "checkpoints").iterdir()).unlink()
    write_status(new, "interrupted", "yesterday")
    shutil.rmtree(tmp_path / "start")
    assert main(["train", "--resume", str(new)]) == 0
    assert (new / "model.params").read_bytes() == whole
