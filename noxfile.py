"""Sessions of nox: tests on five versions of Python, lint, types, documents, sdist and wheel."""

import shutil
from pathlib import Path

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests-3.11", "lint", "types", "docs"]

DIST = Path(__file__).parent / "dist"
PYTHONS = ["3.9", "3.10", "3.11", "3.12", "3.13"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests and print their coverage; arguments after -- are pytest's."""
    session.install(".[test]")
    session.run("pytest", "--cov=", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Check the code with ruff."""
    session.install("ruff>=0.4")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Check the types with mypy."""
    session.install(".[test]")
    session.run("mypy")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """Build the documents; a warning is an error."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build")


@nox.session(python="3.11")
def dist(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist, and check them."""
    session.install("build>=1", "twine>=6")
    shutil.rmtree(DIST, ignore_errors=True)
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, DIST.iterdir()))


@nox.session(python=PYTHONS)
def wheel(session: nox.Session) -> None:
    """Install the wheel that the session dist has built, and train with it for an epoch, away from the sources."""
    wheels = [str(path) for path in DIST.glob("*.whl")]
    if not wheels:
        session.error("there is no wheel in dist: nox -s dist builds it")
    session.install(*wheels)
    session.install("--force-reinstall", "--no-deps", *wheels)  # another one of the same version
    session.chdir(session.create_tmp())
    session.run("gluonvae", "--version")
    session.run("gluonvae", "train", "--epochs", "1")
