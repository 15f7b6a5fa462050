"""Trainings on the command line: of any size, repeated, interrupted."""

import signal
import subprocess
import sys
import time

import pytest

from gluonvae.cli.main import main
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


def test_ctrl_c_keeps_what_was_learnt(tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "gluonvae", "train", *SMALL, "--epochs", "100000", "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not (folder / "metrics.jsonl").exists() and time.time() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted in epoch" in err
    assert "test bound" in out
    assert "Traceback" not in err
    assert {"model.params", "result.json", "curves.png", "samples.png"} <= {path.name for path in folder.iterdir()}
    assert main(["sample", str(folder)]) == 0
