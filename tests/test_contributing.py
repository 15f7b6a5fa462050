"""The changes that CONTRIBUTING.md shows apply to the library, and the tests of their new rows pass."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gluonvae
from tests.helpers.documents import ROOT, blocks

DIFFS = blocks(ROOT / "CONTRIBUTING.md", "diff")

# run in another process, where it selects the tests whose parameters include one of the rows' names
SELECTION = """
import re

def pytest_addoption(parser):
    parser.addoption("--row", action="append")

def pytest_collection_modifyitems(config, items):
    rows = "|".join(map(re.escape, config.getoption("--row")))
    chosen = [item for item in items if re.search(rf"[\\[-]({rows})[-\\]]", item.name)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
"""


def files(diff):
    """The files of a diff, in order, each with the lines that are added to it and the number of those removed."""
    for path, body in re.findall(r"^\+\+\+ b/(\S+)\n(.*?)(?=^diff |\Z)", diff, re.DOTALL | re.MULTILINE):
        lines = body.splitlines()
        added = [line[1:] for line in lines if line.startswith("+")]
        yield path, added, sum(line.startswith("-") for line in lines)


def row_of(diff):
    """The folder of the new file, and the name of the new row."""
    (_, _, _), (new, _, _), (_, row, _) = files(diff)
    return new.split("/")[1], re.match(r' *"([^"]+)":', row[0])[1]


def test_there_is_one_for_each_kind_of_part():
    assert [row_of(diff)[0] for diff in DIFFS] == ["generator", "inference", "prior", "objectives"]


@pytest.mark.parametrize("diff", DIFFS, ids=[row_of(diff)[1] for diff in DIFFS])
def test_it_is_one_file_one_line_and_one_row(diff):
    (init, line, _), (new, _, _), (table, row, _) = files(diff)
    room = new.split("/")[1]
    assert (init, len(line)) == (f"gluonvae/{room}/__init__.py", 1)
    assert f"--- /dev/null\n+++ b/{new}" in diff
    assert table.startswith("tests/tables/")
    assert sum(text.startswith('    "') for text in row) == 1
    assert not any(removed for *_, removed in files(diff))


@pytest.fixture
def copy(tmp_path):
    """A copy of the files of the repository, with what numba has compiled for the package that is tested."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not in a clone of the repository")
    folder = tmp_path / "copy"
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith(("benchmarks/", "gluonvae/")) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(Path(gluonvae.__file__).parent, folder / "gluonvae")
    return folder


def test_they_apply_and_their_tests_pass(copy, tmp_path):
    """One after another to one copy, where all their tests are run at once."""
    rooms, rows = zip(*map(row_of, DIFFS))
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    environment |= {"GIT_CEILING_DIRECTORIES": str(tmp_path), "OMP_NUM_THREADS": "1"}
    for diff in DIFFS:
        subprocess.run(["git", "apply", "-"], input=diff, text=True, cwd=copy, check=True, env=environment)
    (tmp_path / "selection.py").write_text(SELECTION, encoding="utf-8")
    environment["PYTHONPATH"] = os.pathsep.join([str(copy), str(tmp_path)])
    tests = [*(f"tests/{room}" for room in rooms), "tests/models/test_combinations.py"]
    command = [sys.executable, "-m", "pytest", "-rp", "-n", "0", "-p", "selection", *(f"--row={row}" for row in rows)]
    done = subprocess.run([*command, *tests], cwd=copy, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    passed = re.findall(r"^PASSED (.*)$", done.stdout, re.MULTILINE)
    for room, row in zip(rooms, rows):
        of_row = [name for name in passed if re.search(rf"[\[-]{re.escape(row)}[-\]]", name)]
        assert sum(name.startswith(f"tests/{room}/") for name in of_row) >= 5, row
        assert sum("test_combinations.py" in name for name in of_row) >= 4, row
    changed = sorted({path for diff in DIFFS for path, *_ in files(diff)})
    for check in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *check, *changed], cwd=copy, check=True)
