"""The sdist and the wheel, built as for a release: their version, their files, and that the wheel works by itself."""

import importlib.metadata
import runpy
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy
import pytest

import gluonvae as gv
from tests.helpers.documents import ROOT
from tests.helpers.processes import CLEAN

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the version is made of git's tags")
GIT = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]


def run(*command, **options):
    environment = {name: value for name, value in CLEAN.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with what is changed here, tagged as a release."""
    folder = tmp_path_factory.mktemp("clone") / "gluonvae"
    run("git", "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    patch = subprocess.run(["git", "diff", "--binary", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    if patch:
        subprocess.run(["git", "apply", "--index"], cwd=folder, input=patch, check=True)
    run(*GIT, "commit", "--quiet", "--allow-empty", "--message", "release", cwd=folder)
    run("git", "tag", "v9.8.7", cwd=folder)
    return folder


def version(folder):
    return run(sys.executable, "-m", "setuptools_scm", cwd=folder).splitlines()[-1]


def test_the_version_is_the_tag(clone):
    assert version(clone) == "9.8.7"


def test_a_shallow_clone_without_tags_has_a_version(clone, tmp_path):
    run("git", "clone", "--quiet", "--no-tags", "--depth", "1", clone.as_uri(), str(tmp_path / "shallow"))
    commit = run("git", "rev-parse", "--short=7", "HEAD", cwd=clone).strip()
    assert version(tmp_path / "shallow").startswith("0.1.dev1+g" + commit)


def test_a_tree_without_git_has_a_version(tmp_path):
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert version(tmp_path) == "0.0"


def test_the_version_is_that_of_what_is_installed(monkeypatch):
    assert gv.__version__ == importlib.metadata.version("gluonvae")

    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert runpy.run_path(str(Path(gv.__file__).with_name("_version.py")))["__version__"] == "0.0"


@pytest.fixture(scope="module")
def built(clone, tmp_path_factory):
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(clone))
    assert {path.name for path in folder.iterdir()} == {"gluonvae-9.8.7.tar.gz", "gluonvae-9.8.7-py3-none-any.whl"}
    return folder


def test_the_sdist_is_what_is_in_git(clone, built):
    tracked = set(run("git", "ls-files", cwd=clone).splitlines())
    with tarfile.open(built / "gluonvae-9.8.7.tar.gz") as archive:
        files = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert tracked <= files
    made = {name for name in files - tracked if not name.startswith("gluonvae.egg-info/")}
    assert made == {"PKG-INFO", "setup.cfg"}


def test_the_wheel_is_the_package(clone, built):
    tracked = set(run("git", "ls-files", "gluonvae", "gluonvae_command.py", cwd=clone).splitlines())
    assert {"gluonvae/py.typed", "gluonvae/data/digits.npz", "gluonvae/data/digits.md"} <= tracked
    with zipfile.ZipFile(built / "gluonvae-9.8.7-py3-none-any.whl") as archive:
        names = {name for name in archive.namelist() if not name.startswith("gluonvae-9.8.7.dist-info/")}
        licences = {name for name in archive.namelist() if "/licenses/" in name}
        metadata = Parser().parsestr(archive.read("gluonvae-9.8.7.dist-info/METADATA").decode())
    assert names == tracked
    assert {name.rpartition("/")[2] for name in licences} == {"LICENSE", "digits.md"}
    assert (metadata["Version"], metadata["License-Expression"]) == ("9.8.7", "Apache-2.0")
    assert metadata.get_payload() == (clone / "README.md").read_text(encoding="utf-8")


def test_the_wheel_works_without_the_tree(built, tmp_path):
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    programs = tmp_path / "venv" / "bin"
    run(str(programs / "pip"), "install", "--no-deps", "--no-index", str(next(built.glob("*.whl"))))
    (packages,) = (tmp_path / "venv").glob("lib/*/site-packages")
    # what it requires, after itself
    required = str(Path(numpy.__file__).parents[1])
    (packages / "requirements.pth").write_text(f"import site; site.addsitedir({required!r})")
    assert run(str(programs / "gluonvae"), "--version", cwd=tmp_path).strip() == "gluonvae 9.8.7"
    code = (
        "import gluonvae as gv; print(gv.__file__, gv.__version__, gv.data.load('digits').test.batch(slice(7)).shape)"
    )
    where = packages / "gluonvae" / "__init__.py"
    assert run(str(programs / "python"), "-c", code, cwd=tmp_path).strip() == f"{where} 9.8.7 (7, 784)"
