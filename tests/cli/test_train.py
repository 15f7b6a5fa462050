"""Trainings on the command line: of any size, repeated, interrupted and resumed."""

import signal
import subprocess
import sys
import time

import pytest

from gluonvae.cli.main import main
from gluonvae.training.status import read_status
from tests.helpers.commands import SMALL


@pytest.mark.parametrize("options", [["--bound", "iwae", "--samples", "3"], ["--beta-schedule", "cyclical"], ["-v"]])
def test_other_trainings_end_well(options, tmp_path):
    assert main(["train", *SMALL, *options, "--epochs", "2", "--out", str(tmp_path / "run")]) == 0


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
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not (folder / "metrics.jsonl").exists() and time.time() < deadline:
        time.sleep(0.05)
    assert read_status(folder)["status"] == "running"
    assert main(["train", *SMALL, "--out", str(folder)]) == 2
    assert main(["train", "--resume", str(folder)]) == 2
    process.send_signal(SIGNALS[name])
    _, err = process.communicate(timeout=60)
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
