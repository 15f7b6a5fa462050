"""Trainings in processes of their own, and what they must come to."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np

EPOCHS = 60
OPTIONS = [
    "--data", "digits", "--epochs", EPOCHS, "--inference-layers", "50", "--generator-layers", "50",
    "--latent-size", "5", "--seed", "3", "--checkpoint-minutes", "0.002",
]  # fmt: skip
TIMES = ("images_per_second", "seconds")


def heed_signals():
    """Undo what a shell does to its background jobs, and nohup: the process ignores no signal."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(*words):
    """Start ``gluonvae train``."""
    command = [sys.executable, "-m", "gluonvae", "train", *map(str, words)]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes, env=environment, preexec_fn=heed_signals)


def finish(process):
    """Wait for the end of a process; return its exit status and what it said."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err.replace("\r", "\n")


def reference(folder):
    """Train without disturbance; return the result."""
    code, _, err = finish(start(*OPTIONS, "--out", folder))
    assert code == 0, err
    return result(folder)


def wait_for(folder, process):
    """Wait until a run has its folder, or has ended."""
    while not (folder / "config.json").exists() and process.poll() is None:
        time.sleep(0.002)


def lines(folder):
    """Return how many epochs are in a run's metrics."""
    path = folder / "metrics.jsonl"
    return path.read_text().count("\n") if path.exists() else 0


def rows(folder):
    """Return a run's metrics."""
    path = folder / "metrics.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line, parse_constant=_refuse) for line in text.splitlines()]


def result(folder):
    """What a run has come to: its parameters, its history and its results, without times."""
    return {
        "parameters": (folder / "model.params").read_bytes(),
        "best parameters": (folder / "best.params").read_bytes(),
        "history": [{name: value for name, value in row.items() if name not in TIMES} for row in rows(folder)],
        "result": json.loads((folder / "result.json").read_text(), parse_constant=_refuse),
        "checkpoint": _checkpoint(folder),
    }


def _checkpoint(folder):
    path = max((folder / "checkpoints").glob("step-*.npz"))
    with np.load(path) as file:
        return {name: file[name].tobytes() for name in file.files if name not in ("state", "sha256")}


def _refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def differences(one, other):
    """Return the names of what differs between two results."""
    return [name for name in one if one[name] != other[name]]


def leftovers(folder):
    """Return the temporary files in a run's folder."""
    return [path for path in folder.rglob("*") if ".part" in path.name]
