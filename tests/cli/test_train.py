"""Trainings on the command line: of any size, repeated, interrupted and resumed."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from gluonvae.training.status import read_status, write_status
from tests.helpers.commands import SMALL


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    "options", [["--bound", "iwae", "--samples", "3"], ["--anneal", "beta=cyclical:0:1:1"], ["-v"]]
)
def test_other_trainings_end_well(options, tmp_path):
    assert main(["train", *SMALL, *options, "--epochs", "2", "--out", str(tmp_path / "run")]) == 0


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("layers", [[], ["5", "4", "3"]])
def test_layers_of_any_number(layers, tmp_path):
    assert (
        main(
            [
                "train",
                *SMALL,
                "--inference-layers",
                *layers,
                "--generator-layers",
                *layers,
                "--epochs",
                "1",
                "--out",
                str(tmp_path / "run"),
            ]
        )
        == 0
    )


@pytest.mark.usefixtures("no_pictures")
def test_same_seed_same_run(tmp_path):
    for name in ("one", "two"):
        assert main(["train", *SMALL, "--epochs", "1", "--out", str(tmp_path / name)]) == 0
    one, two = ((tmp_path / name / "model.params").read_bytes() for name in ("one", "two"))
    assert one == two


SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM, "HUP": signal.SIGHUP}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_saves_the_run_and_it_is_resumed(name, tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "gluonvae", "train", *SMALL, "--epochs", "100000", "--out", str(folder)]
    # nohup and background jobs of a shell ignore some
    heed = lambda: signal.signal(SIGNALS[name], signal.SIG_DFL)  # noqa: E731
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, preexec_fn=heed)
    try:
        deadline = time.time() + 60
        while not (folder / "metrics.jsonl").exists() and time.time() < deadline:
            time.sleep(0.05)
        assert read_status(folder)["status"] == "running"
        assert main(["train", *SMALL, "--out", str(folder)]) == 2
        assert main(["train", "--resume", str(folder)]) == 2
        process.send_signal(SIGNALS[name])
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + SIGNALS[name]
    assert "interrupted in epoch" in err
    assert f"gluonvae train --resume {folder}" in err
    assert "Traceback" not in err
    assert read_status(folder)["status"] == "interrupted"
    assert main(["sample", str(folder)]) == 0


def test_a_finished_run_is_left_alone(tmp_path, capsys):
    folder = tmp_path / "run"
    assert main(["train", *SMALL, "--epochs", "1", "--out", str(folder)]) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert main(["train", "--resume", str(folder)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert main(["train", *SMALL, "--epochs", "1", "--out", str(folder)]) == 2
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    del before["status.json"], after["status.json"]
    assert after == before


KINDS = {
    "zeros and ones": [],
    "labels": ["--conditional"],
    "few labels": ["--bound", "semi_supervised", "--labels", "21"],
    "options": ["--posterior-options", "std=exp", "--prior", "mixture", "--prior-options", "components=3"],
    "layers": ["--posterior", "ladder", "--prior", "hierarchical", "--latent-size", "3", "2"],
    "no layers": ["--inference-layers", "--generator-layers"],
    "annealed": ["--anneal", "beta=linear:0.5:1:2", "learning_rate=linear:0:0.01:1,cosine:0.01:0"],
}


@pytest.mark.usefixtures("fast_disk")
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_that_failed_is_resumed_as_it_was_asked_for(kind, tmp_path, monkeypatch, rng):
    """A picture that cannot be drawn fails a training at its end; from another folder it is resumed."""
    monkeypatch.chdir(tmp_path)
    np.savez("own.npz", images=rng.integers(0, 2, (60, 12)), labels=np.arange(60) % 3)
    words = ["train", "--data", "own.npz", "--epochs", "2", *SMALL, "--batch-size", "10", *KINDS[kind]]
    assert main([*words, "--out", "whole"]) == 0

    def fail(*arguments):
        raise RuntimeError("no ink")

    with monkeypatch.context() as patched:
        patched.setattr("gluonvae.plots.plot_history", fail)
        assert main([*words, "--out", "failed"]) == 4
    assert read_status(tmp_path / "failed")["status"] == "failed"
    (tmp_path / "failed" / "result.json").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["train", "--resume", str(tmp_path / "failed")]) == 0
    assert read_status(tmp_path / "failed")["status"] == "finished"
    for name in ("model.params", "result.json"):
        assert (tmp_path / "failed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_cannot_be_resumed_is_left_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    diverging = ["--optimizer", "sgd", "--learning-rate", "1e18", "--learning-rate-schedule", "constant"]
    assert main(["train", *SMALL, *diverging, "--epochs", "3", "--out", "run"]) == 3
    for _ in range(2):
        assert main(["train", "--resume", "run"]) == 2
        assert "has diverged" in capsys.readouterr().err
        assert read_status(tmp_path / "run")["status"] == "diverged"
    assert main(["train", "--resume", "run", "--epochs", "5"]) == 2
    assert "leave out --epochs" in capsys.readouterr().err


def test_a_run_whose_data_have_changed_is_not_resumed(tmp_path, monkeypatch, capsys, rng):
    monkeypatch.chdir(tmp_path)
    images = rng.integers(0, 2, (60, 12))
    np.save("own.npy", images)
    words = ["train", "--data", "own.npy", "--epochs", "1", *SMALL, "--batch-size", "10", "--out", "run"]
    with monkeypatch.context() as patched:
        patched.setattr("gluonvae.plots.plot_history", lambda *arguments: 1 / 0)
        assert main(words) == 4
    np.save("own.npy", images[::-1])
    assert main(["train", "--resume", "run"]) == 2
    assert "have changed since the training began" in capsys.readouterr().err
    assert read_status(tmp_path / "run")["status"] == "failed"
    np.save("own.npy", images)
    assert main(["train", "--resume", "run"]) == 0


@pytest.mark.usefixtures("fast_disk")
def test_the_command_uses_a_run_from_python(tmp_path, capsys, rng):
    images = rng.integers(0, 2, (60, 12))
    np.save(tmp_path / "own.npy", images)
    vae = gv.construct_vae(data_dims=12, infer_layer_sizes=[5], generator_layer_sizes=[5], latent_variable_size=2)
    vae.initialize()
    run = tmp_path / "run"
    gv.fit(gv.ELBO(vae), images, images[:20], epochs=1, batch_size=20, progress=False, folder=run)
    assert main(["sample", str(run), "-n", "3", "--out", str(tmp_path / "drawn.npy")]) == 0
    assert np.load(tmp_path / "drawn.npy").shape == (3, 12)
    assert main(["evaluate", str(run), "--samples", "3"]) == 2
    assert "name data with --data" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--samples", "3", "--data", str(tmp_path / "own.npy")]) == 0
    assert main(["train", "--resume", str(run)]) == 0  # finished
    write_status(run, "interrupted", "yesterday")
    assert main(["train", "--resume", str(run)]) == 2
    assert "was trained from Python: gluonvae.fit(..., resume=...) goes on" in capsys.readouterr().err
