"""Random tampered runs and random options: the command answers each with a result or with one line.

    python -m tests.slow.fuzz_command --count 1000 --seed 1

A case is a function of the seed and its number: ``--first N --count 1`` repeats one. The cases run in a worker
process, so that a crash of the interpreter is seen.
"""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tests.slow.options import random_training, random_use
from tests.slow.tampering import tamper
from tests.slow.workers import supervise

SMALL = ["--inference-layers", "6", "--generator-layers", "6", "--epochs", "1", "--batch-size", "10"]
RUNS = {
    "plain": ["--data", "binary.npy", "--latent-size", "3"],
    "grey": ["--data", "grey.npz", "--latent-size", "3", "--likelihood", "gaussian", "--prior", "mixture"],
    "flow": ["--data", "binary.npy", "--latent-size", "4", "--posterior", "iaf", "--posterior-options", "flow_length=2"],
    "codes": ["--data", "binary.npy", "--latent-size", "4", "--posterior", "relaxed_bernoulli", "--prior", "codes"],
    "layers": ["--data", "binary.npy", "--latent-size", "3", "2", "--posterior", "ladder", "--prior", "hierarchical"],
    "labels": ["--data", "grey.npz", "--latent-size", "3", "--conditional"],
    "norm": ["--data", "binary.npy", "--latent-size", "3", "--inference-body", "conv", "--inference-body-options",
             "batch_norm=true", "--shape", "8", "8"],
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    numbers = range(asked.first, asked.first + asked.count)
    if asked.worker:
        for number in numbers:
            print(json.dumps(run_case(asked.worker, asked.seed, number)), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder))
        started, outcomes = time.time(), []
        for outcome in supervise("tests.slow.fuzz_command", Path(folder), asked.seed, numbers):
            outcomes.append(outcome)
            if outcome["faults"]:
                print(json.dumps(outcome), flush=True)
    by_status = Counter(outcome["status"] for outcome in outcomes)
    bad = sum(bool(outcome["faults"]) for outcome in outcomes)
    shares = ", ".join(f"{count} with status {status}" for status, count in sorted(by_status.items()))
    print(f"{len(outcomes)} cases of seed {asked.seed} in {time.time() - started:.0f} s: {shares}; {bad} at fault")
    return int(bad > 0)


def make_runs(folder):
    """Write small data sets and a run of each kind."""
    rng = np.random.default_rng(0)
    np.save(folder / "binary.npy", rng.integers(0, 2, (120, 64)))
    np.savez(folder / "grey.npz", images=rng.integers(0, 256, (120, 8, 8)).astype(np.uint8), labels=np.arange(120) % 3)
    for name, words in RUNS.items():
        status, _, err = call(folder, ["train", *SMALL, *words, "--out", name, "--quiet"])
        assert status == 0, err


def run_case(folder, seed, number):
    """Run a case in a copy of the runs, and return what it was and what was wrong."""
    rng = np.random.default_rng((seed, number))
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        for name in ("binary.npy", "grey.npz"):
            shutil.copy(folder / name, place)
        run, other = rng.choice(list(RUNS), 2, replace=False)
        shutil.copytree(folder / run, place / "run")
        _move_data(place)
        _interrupt(place)
        what = []
        if rng.random() < 0.5:
            what = [tamper(place / "run", folder / other, rng) for _ in range(rng.integers(1, 3))]
            words = random_use(rng, odd=False)
        elif rng.random() < 0.5:
            words = random_use(rng, odd=True)
        else:
            words = [*SMALL, *random_training(rng)]
            words = ["train", *words, "--out", "new"]
        status, out, err = call(place, words)
        faults = faults_of(place, status, out, err)
    return {"number": number, "status": status, "run": str(run), "words": words, "tampered": what, "faults": faults,
            "err": err[-300:] if faults else ""}  # fmt: skip


def _move_data(place):
    """Let the copy of a run look for its data in its own folder."""
    path = place / "run" / "config.json"
    config = json.loads(path.read_text())
    config["data"]["name"] = str(place / Path(config["data"]["name"]).name)
    path.write_text(json.dumps(config))


def _interrupt(place):
    """Let the copy of a run be one that was interrupted, after its last step."""
    path = place / "run" / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "status": "interrupted"}))


def call(place, words):
    """Call the command in a folder; its status and what it printed. 99 stands for an exception that got out."""
    from gluonvae.cli.main import main

    out, err, here = io.StringIO(), io.StringIO(), os.getcwd()
    os.chdir(place)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(map(str, words)))
    except SystemExit as stop:
        status = stop.code
    except Exception as error:
        status = 99
        err.write(f"Traceback: {type(error).__name__}: {error}")
    finally:
        os.chdir(here)
    return status, out.getvalue(), err.getvalue()


def faults_of(place, status, out, err):
    """What is wrong with an answer: a list of words."""
    faults = [] if status in (0, 2, 3) else [f"status {status}"]
    faults += ["a traceback"] * ("Traceback" in err)
    faults += ["a result that is no number"] * bool(re.search(r"\b(nan|inf)\b", out, re.IGNORECASE))
    said = err.replace("\r", "\n").strip().splitlines()
    if status and not (said and re.match(r"gluonvae( \w+)?: \S", said[-1])):
        faults.append("no line that says why")
    if not status:
        faults += [f"{path.name}: {fault}" for path in place.rglob("*") for fault in _faults_of_file(path)]
    return faults


def _faults_of_file(path):
    if path.suffix == ".npy" and path.stem == "drawn" and not np.isfinite(np.load(path)).all():
        return ["numbers that are not finite"]
    if path.parent.name == "new" and path.suffix in (".json", ".jsonl") and re.search("NaN|Infinity", path.read_text()):
        return ["no JSON"]
    return []


if __name__ == "__main__":
    sys.exit(main())
