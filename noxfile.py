"""Sessions of nox: tests on three versions of Python, lint, types and documents."""

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests-3.11", "lint", "types", "docs"]

PYTHONS = ["3.9", "3.11", "3.13"]


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
