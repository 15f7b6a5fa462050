"""A machine without the libraries of GCC that MXNet is linked with, as small containers are.

A file that is no library, found in the place of one, fails to load as a missing one does.
"""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import CLEAN

LIBRARIES = ["libgomp.so.1", "libquadmath.so.0"]
COMMAND = "import sys, gluonvae_command; sys.exit(gluonvae_command.main())"


def without(library, folder, code):
    (folder / library).write_text("no library")
    environment = {**CLEAN, "LD_LIBRARY_PATH": str(folder)}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_command_names_the_packages_in_one_line(library, tmp_path):
    done = without(library, tmp_path, COMMAND)
    assert done.returncode == 4
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("gluonvae: MXNet's library cannot be loaded: ")
    for word in (library, "apt-get install libgomp1 libquadmath0", "dnf install libgomp libquadmath"):
        assert word in line


def test_the_import_names_them_too(tmp_path):
    done = without(LIBRARIES[1], tmp_path, "import gluonvae")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: MXNet's library cannot be loaded")
    assert "apt-get install libgomp1 libquadmath0" in last


def test_what_else_cannot_be_imported_keeps_its_traceback(tmp_path):
    code = "import sys; sys.modules['numpy'] = None; " + COMMAND
    done = without("unrelated.so", tmp_path, code)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_docstrings_are_missing_too():
    done = subprocess.run(
        [sys.executable, "-OO", "-c", COMMAND], env=CLEAN, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "python -OO drops them: use -O" in done.stderr


def test_readme_and_dockerfile_name_the_packages():
    root = Path(__file__).parents[1]
    for name in ("README.md", "Dockerfile"):
        assert "libgomp1 libquadmath0" in (root / name).read_text()


def test_ctrl_c_in_an_import_says_nothing():
    """NumPy would make an ImportError of it, with a page of text."""
    code = f"""
import os, signal, sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name in ("mxnet", "datetime"):
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupted())
signal.signal(signal.SIGINT, signal.default_int_handler)
{COMMAND}
"""
    done = subprocess.run([sys.executable, "-c", code, "runs"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
