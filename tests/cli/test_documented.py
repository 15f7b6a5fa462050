"""Every command that the documents and the help print runs, for an epoch and on local data."""

import re
import shutil

import anndata
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import gluonvae as gv
from gluonvae import data
from gluonvae.backend.runtime import mx
from gluonvae.cli.main import __doc__ as help_text
from gluonvae.cli.main import main
from gluonvae.launching.outcome import Outcome
from gluonvae.training.status import write_status
from tests.helpers.commands import SMALL, without_pictures
from tests.helpers.documents import GUIDE, README, ROOT, blocks, commands

PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *GUIDE]
IN_HELP = [
    re.split(r"\s{2,}", line)[0].split()[1:] for line in re.findall(r"^  (gluonvae .*)$", help_text, re.MULTILINE)
]
COMMANDS = [*((path.stem, command) for path in PAGES for command in commands(path)), *(("help", c) for c in IN_HELP)]


def test_there_are_such_commands():
    pages = {page for page, _ in COMMANDS}
    assert {"README", "command", "data", "images", "labels", "latent_structure", "mix_and_match", "help"} <= pages
    assert {command[0] for _, command in COMMANDS} == {
        *("train", "sample", "reconstruct", "evaluate", "encode", "score", "interpolate", "export"),
        *("runs", "list", "info", "launch"),
    }


def write_hosts(path):
    (hosts,) = blocks(GUIDE[0].parent / "launch.md", "text")
    path.write_text(hosts)


def write_table(path, rng):
    rows = [f"{x:.3f},{y:.3f},{row // 2},{'ab'[row % 2]}" for row, (x, y) in enumerate(rng.normal(size=(60, 2)))]
    path.write_text("\n".join(["height,weight,patient,diagnosis", *rows]))


def write_photos(folder, rng):
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
        for number in range(15):
            size = 20 + rng.integers(5), 20 + rng.integers(5), 3
            Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / name / f"{number}.jpg")


def write_cells(path, rng):
    obs = pd.DataFrame({"cell_type": ["B", "T"] * 30, "donor": [f"d{row // 3}" for row in range(60)]})
    obs.index = obs.index.astype(str)
    anndata.AnnData(rng.poisson(3, (60, 12)).astype(np.float32), obs=obs).write_h5ad(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the files that the documents speak of, and a run with classes and one with conditions."""
    folder, rng = tmp_path_factory.mktemp("documented"), np.random.default_rng(0)
    np.savez(folder / "faces.npz", images=rng.integers(0, 256, (130, 28, 20), dtype=np.uint8))
    np.save(folder / "counts.npy", rng.poisson(4, (60, 10)))
    write_table(folder / "patients.csv", rng)
    write_hosts(folder / "hosts")
    write_photos(folder / "photos", rng)
    write_cells(folder / "cells.h5ad", rng)
    images, conditions = rng.integers(0, 2, (60, 6, 4)), rng.random((60, 2))
    np.savez(folder / "classes.npz", images=images, labels=np.arange(60) % 4)
    np.savez(folder / "conditions.npz", images=images, labels=conditions)
    for name in ("classes", "conditions"):
        words = ["--data", str(folder / f"{name}.npz"), "--conditional", "--batch-size", "10", "--epochs", "1"]
        assert main(["train", *SMALL, *words, "--quiet", "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture(autouse=True)
def few_images(monkeypatch):
    """The built-in sets are 300 digits, 10 of each class and part at least: no file is looked for or downloaded."""
    train, valid, test = data.load("digits", binarization="none")
    few = gv.data.Splits(train.subset(slice(300)), valid.subset(slice(100)), test.subset(slice(100)))
    # pictures are looked at elsewhere, and take most of the time
    without_pictures(monkeypatch)
    for name in ("digits", "mnist"):
        monkeypatch.setitem(data.NAMED, name, lambda folder: few)


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {' '.join(c)}" for page, c in COMMANDS])
def test_command(page, command, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(place)
    if command[0] == "launch":
        # how it runs is tested in tests/launching; here, that it would
        monkeypatch.setattr("gluonvae.cli.launch.run_group", lambda plan: Outcome(0))
        assert main(command) == 0, capsys.readouterr().err
        return
    run = "conditions" if "0.5" in command else "classes"
    given = {"RUN": run, "runs/NAME": run, "RUN/config.json": f"{run}/config.json", "PATH": f"{run}.npz"}
    command = [given.get(word, word) for word in command]
    if "--resume" in command:
        shutil.copytree(place / run, tmp_path / "run")
        write_status(tmp_path / "run", "interrupted", "yesterday")
        command[command.index("--resume") + 1] = str(tmp_path / "run")
    elif command[0] == "train":
        command += ["--epochs", "1", "--out", str(tmp_path / "run")]
    elif command[0] in ("sample", "reconstruct"):
        command += ["--out", str(tmp_path / "drawn.png")]
    elif command[0] in ("encode", "score", "interpolate"):
        suffix = command[command.index("--out") + 1].rpartition(".")[2] if "--out" in command else "csv"
        command += ["--out", str(tmp_path / f"written.{suffix}")]
    elif command[0] == "evaluate" and "--samples" not in command:
        command += ["--samples", "5"]
    if "--images" in command:
        command[command.index("--images") + 1] = "5"  # of the few that there are
    if {"--help", "--help-all"} & {*command}:
        with pytest.raises(SystemExit, match="0"):
            main(command)
        return
    no_gpu = "gpu" in command and not mx.context.num_gpus()
    assert main(command) == (2 if no_gpu else 0), capsys.readouterr().err
    assert no_gpu == ("is not there: MXNet sees" in capsys.readouterr().err)
