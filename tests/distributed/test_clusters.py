"""The commands of docs/guide/clusters.md, under the programs that it names, give what one process gives."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gluonvae.cli.main import main
from tests.distributed.test_horovod import HOROVODRUN
from tests.distributed.test_roles import OUTSIDE
from tests.helpers.documents import GUIDE, blocks

(PAGE,) = (path for path in GUIDE if path.name == "clusters.md")
LINES = [line for block in blocks(PAGE, "sh") for line in block.splitlines()]
COMMAND = f'{sys.executable} -c "import sys, gluonvae_command; sys.exit(gluonvae_command.main())"'
HERE = {
    "mpirun": "mpirun --allow-run-as-root --oversubscribe",
    "srun": "srun --immediate=5 -n 2",
    "horovodrun": str(HOROVODRUN),
}
"""How the programs are called on this machine alone."""


def line_of(program):
    """The first command of the page by a program."""
    return next(line for line in LINES if line.startswith(f"{program} ") and " gluonvae train " in line)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "trained"
    words = line_of("mpirun").partition(" gluonvae ")[2].split()
    assert main([*words[:-1], str(folder), "--seed", "5", "--quiet"]) == 0
    return last_epoch(folder)


def last_epoch(folder):
    return json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])


@pytest.mark.parametrize("program", HERE)
def test_a_training_by_two_workers(program, alone, tmp_path):
    if shutil.which(HERE[program].split()[0]) is None:
        pytest.skip(f"{program} is not installed")
    if program == "srun" and subprocess.run(["sinfo"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no Slurm runs here")
    before, _, words = line_of(program).partition(" gluonvae ")
    before = re.sub(r" --cpus-per-task=\d+", "", before).replace(program, HERE[program], 1)
    done = subprocess.run(
        f"{before} {COMMAND} {words} --seed 5 --quiet",
        shell=True,
        env={**OUTSIDE, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = last_epoch(tmp_path / "trained")
    assert ours["epoch"] == alone["epoch"] == 2
    for name in ("train_bound", "valid_bound"):
        assert ours[name] == pytest.approx(alone[name], rel=1e-5)
