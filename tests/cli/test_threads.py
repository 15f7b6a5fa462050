"""How many threads the command computes with: what is asked for, and that it changes no number."""

import json
import subprocess
import sys

import numpy as np
import pytest

from gluonvae.backend import installation
from gluonvae.backend.regions.availability import products_available
from gluonvae.backend.runtime import OPENMP
from gluonvae.cli.main import main
from gluonvae.training.status import write_status
from tests.helpers.commands import TINY
from tests.helpers.processes import CLEAN, MXNET_FIRST, python


def run(*words, **environment):
    command = [sys.executable, "-m", "gluonvae", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**CLEAN, **environment})


@pytest.mark.parametrize(
    "command",
    ["train", "sample RUN", "reconstruct RUN", "evaluate RUN", "encode RUN", "score RUN", "interpolate RUN", "info"],
)
@pytest.mark.parametrize("value", ["0", "-1", "abc", "10000", "2.0", "", "9" * 5000])
def test_what_is_no_number_of_threads_is_refused_in_a_line(command, value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command.split(), f"--threads={value}"])
    (line,) = capsys.readouterr().err.splitlines()
    assert f"argument --threads: must be a whole number from 1 to 1024, got '{value}'" in line


@pytest.mark.parametrize(
    ("words", "environment", "told"),
    [
        (["--threads", "3"], {"GLUONVAE_THREADS": "2", "OMP_NUM_THREADS": "1"}, "3 (--threads)"),
        ([], {"GLUONVAE_THREADS": "2", "OMP_NUM_THREADS": "1"}, "2 (GLUONVAE_THREADS)"),
        ([], {"GLUONVAE_THREADS": "none", "OMP_NUM_THREADS": "1,2"}, "1 (OMP_NUM_THREADS)"),
    ],
)
def test_info_tells_the_number_of_threads_and_where_it_is_from(words, environment, told):
    done = run("info", *words, **environment)
    assert dict(line.split(maxsplit=1) for line in done.stdout.splitlines())["threads"] == told


def test_no_number_of_threads_is_one_a_core():
    code = "from gluonvae.backend import installation; print(installation.describe()['threads'])"
    assert python(code).stdout.endswith("(one for each physical core)\n")
    before = f"{MXNET_FIRST}import gluonvae; {code}"
    assert python(before, "-W", "ignore").stdout.endswith("(chosen before gluonvae was imported)\n")


def test_threads_of_another_engine_are_refused():
    done = run("train", "--threads", 2, MXNET_ENGINE_TYPE="ThreadedEngine")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "gluonvae train: the number of threads is set when MXNet starts its engine, ThreadedEngine: set "
        "GLUONVAE_THREADS=2 instead"
    )


SIZES = [*TINY, "--batch-size", "100", "--inference-layers", "200", "100"]


@pytest.fixture
def any_threads(monkeypatch):
    """Trainings in this process may set the number of threads, which is put back."""
    before = installation.threads()
    monkeypatch.setattr("gluonvae.backend.runtime._threads_are_given", False)
    yield
    OPENMP.omp_set_num_threads(before)


in_this_process = pytest.mark.usefixtures("any_threads", "no_pictures")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("threads") / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (330, 9, 7), dtype=np.uint8))
    return path


@in_this_process
@pytest.mark.skipif(not products_available("float32"), reason="the products are MXNet's own")
def test_a_run_is_the_same_to_the_bit_with_any_number_of_threads(images, tmp_path):
    written, told = [], []
    for threads in (1, 2, 3):
        out = tmp_path / str(threads)
        words = ["train", "--data", images, *SIZES, "--quiet", "--threads", threads, "--out", out]
        assert main([*map(str, words)]) == 0
        written.append((out / "model.params").read_bytes())
        told.append(json.loads((out / "config.json").read_text())["conditions"]["threads"])
    assert told == [1, 2, 3]
    assert written[0] == written[1] == written[2]


@in_this_process
def test_a_run_is_resumed_with_another_number_of_threads(images, tmp_path):
    out = tmp_path / "run"
    words = ["train", "--data", images, *TINY, "--quiet", "--threads", 1, "--out", out]
    assert main([*map(str, words)]) == 0
    write_status(out, "interrupted", "yesterday")
    assert main(["train", "--resume", str(out), "--threads", "2"]) == 0
    assert installation.threads() == 2
    assert "threads" not in json.loads((out / "config.json").read_text())["asked"]
