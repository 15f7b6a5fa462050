"""``gluonvae runs`` tells what the files of runs say, and writes nothing."""

import json
import shutil

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.cli.main import main
from gluonvae.training.overview import standing
from gluonvae.training.run import Run, load_run
from gluonvae.training.status import write_status
from tests.helpers.commands import SMALL, without_pictures


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    words = ["train", *SMALL, "--bound", "iwae", "--samples", "2", "--epochs", "2", "--quiet", "--out", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert main(words) == 0
    return folder


@pytest.fixture
def place(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def copied(place, name, status, **more):
    shutil.copytree(place / "first", place / name)
    write_status(place / name, status, f"2100-01-01T00:00:{len(list(place.iterdir())):02d}+00:00", **more)
    return place / name


def listed(capsys, *words):
    assert main(["runs", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line.split() for line in lines[1:]], lines


def best_of(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return max(row["valid_bound"] for row in rows)


def test_a_run_and_its_columns(place, capsys):
    rows, lines = listed(capsys)
    assert lines[0].split() == ["run", "status", "epoch", "data", "bound", "best", "validation", "bound"]
    assert rows == [["runs/first", "finished", "2/2", "digits", "iwae", f"{best_of(place / 'first'):.2f}"]]
    assert listed(capsys, "runs/first")[0] == rows


@pytest.mark.parametrize("status", ["finished", "interrupted", "diverged", "failed"])
def test_how_a_run_ended(status, place, capsys):
    copied(place, "second", status, message="no ink")
    rows, lines = listed(capsys)
    assert next(row[1] for row in rows if row[0] == "runs/second") == status
    assert (f"runs/second {status}: no ink" in lines) == (status in ("diverged", "failed"))


def test_a_run_that_is_running_and_one_that_was_killed(place, capsys):
    _, config = load_run(place / "first", gv.backend.runtime.mx.cpu())
    with Run.create(place / "running", config) as run:
        run.append_metrics({"epoch": 1, "valid_bound": -5.0})
        before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
        rows, _ = listed(capsys)
        assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
    assert ["runs/running", "running", "1/2", "digits", "iwae", "-5.00"] in rows
    copied(place, "killed", "running")
    rows, _ = listed(capsys)
    assert ["runs/killed", "interrupted"] in [row[:2] for row in rows]


def test_a_run_from_python_in_a_folder_of_folders(place, capsys, rng):
    data = rng.integers(0, 2, (40, 6)).astype(np.float32)
    vae = gv.construct_vae(data_dims=6, latent_variable_size=2, generator_layer_sizes=[4], infer_layer_sizes=[4])
    vae.initialize()
    history = gv.fit(gv.ELBO(vae), data, data, epochs=3, progress=False, folder=place / "sweep" / "a" / "one")
    rows, _ = listed(capsys)
    best = f"{max(history['valid_bound']):.2f}"
    assert ["runs/sweep/a/one", "finished", "3", "from", "Python", "elbo", best] in rows


def test_without_validation_data_there_is_no_best_bound(place):
    rows = [json.loads(line) for line in (place / "first" / "metrics.jsonl").read_text().splitlines()]
    kept = [{key: value for key, value in row.items() if not key.startswith("valid")} for row in rows]
    (place / "first" / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in kept) + '{"epoch": 3, "va')
    stands = standing(place / "first")
    assert (stands.best, stands.epochs) == (None, 2)


def test_a_run_with_a_broken_configuration_is_listed(place, capsys):
    (place / "first" / "config.json").write_text("[")
    rows, lines = listed(capsys)
    assert rows[0][:4] == ["runs/first", "broken", "2", "-"]
    assert "config.json is broken" in lines[-1]


def test_runs_are_in_the_order_of_their_starts(place, capsys):
    for name in ("b", "a"):
        copied(place, name, "finished")
    assert [row[0] for row in listed(capsys)[0]] == ["runs/first", "runs/b", "runs/a"]


def test_where_there_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert listed(capsys)[1] == ["there are no runs in runs: gluonvae train starts one"]
    (tmp_path / "config.json").write_text("{}")
    assert listed(capsys, ".")[1] == ["there are no runs in .: gluonvae train starts one"]
    assert main(["runs", "nowhere"]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["status.json", "metrics.jsonl"])
def test_a_file_without_an_end_is_not_read(name, place, capsys):
    (place / "first" / name).unlink()
    (place / "first" / name).symlink_to("/dev/zero")
    (row,), _ = listed(capsys)
    assert row[:3] == ["runs/first", *(["unknown", "2/2"] if name == "status.json" else ["finished", "0/2"])]
