"""What is raised in a command becomes one line and an exit status."""

import errno
import io
import json
import os
import sys

import numpy as np
import pytest

from gluonvae.backend.runtime import mx
from gluonvae.cli import commands
from gluonvae.cli.failures import LONGEST
from gluonvae.cli.main import main
from gluonvae.data import DataError
from gluonvae.training.config import RunError
from tests.helpers.commands import SMALL


def mxnet_error():
    try:
        mx.nd.zeros((2, 3)) + mx.nd.zeros((4, 5))
        mx.nd.waitall()
    except mx.base.MXNetError as error:
        return error


FAILURES = [
    (ValueError("n must be 3"), 2, "n must be 3"),
    (TypeError("n must be a number"), 2, "n must be a number"),
    (DataError("no such data"), 2, "no such data"),
    (RunError("no such run"), 2, "no such run"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "x.npy"), 2, "x.npy: No such file or directory"),
    (PermissionError(errno.EACCES, "Permission denied", "x.npy"), 2, "x.npy: Permission denied"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 2, "invalid start byte"),
    (FloatingPointError("the objective is nan"), 3, "the objective is nan"),
    (OSError(errno.ENOSPC, "No space left on device", "x.png"), 4, "x.png: No space left on device"),
    (MemoryError(), 4, "out of memory; ask for fewer"),
    (RecursionError("too deep"), 4, "RecursionError: too deep; --debug shows where"),
    (KeyError("beta"), 4, "KeyError: 'beta'; --debug shows where"),
    (AssertionError(), 4, "AssertionError: ; --debug shows where"),
    (mxnet_error(), 4, "MXNetError: "),
    (RuntimeError("one\n\n  two\nthree"), 4, "RuntimeError: one two three"),
    (ValueError("x" * 10**6), 2, "x" * LONGEST + "..."),
    (ValueError("the file \udcff"), 2, "the file "),
    (KeyboardInterrupt(), 130, "interrupted"),
]


def raising(error):
    def info(asked):
        raise error

    return info


@pytest.fixture
def fail(monkeypatch):
    """A function that lets ``gluonvae info`` raise an exception."""

    def with_error(error):
        monkeypatch.setattr(
            sys.modules["gluonvae.cli.main"], "COMMANDS", ((raising(error), lambda command: None, "fail"),)
        )

    return with_error


@pytest.mark.parametrize(("error", "status", "words"), FAILURES, ids=lambda value: type(value).__name__)
def test_one_line_and_a_status(error, status, words, fail, capsys):
    fail(error)
    assert main(["info"]) == status
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("gluonvae info: ")
    assert words in err
    assert err.count("\n") == 1
    assert len(err) < LONGEST + 100


@pytest.mark.parametrize("words", [["info", "--debug"], ["--debug", "info"]])
def test_debug_prints_the_traceback_as_well(words, fail, capsys):
    fail(KeyError("beta"))
    assert main(words) == 4
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):")
    assert "raise error" in err
    assert err.splitlines()[-1].startswith("gluonvae info: KeyError")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "gluonvae: error: the following arguments are required: COMMAND (gluonvae --help tells of the commands)"),
        (["trian"], "gluonvae: error: argument COMMAND: command must be one of"),
        (["train", "--label", "3"], "gluonvae train: error: there is no option --label; did you mean --labels?"),
        (
            ["evaluate", "run", "--data-d", "b.npy"],
            "gluonvae evaluate: error: there is no option --data-d; did you mean --data-dir?",
        ),
        (["sample"], "gluonvae sample: error: the following arguments are required: RUN (gluonvae sample --help tells"),
        (["train", "--epochs", "few"], "gluonvae train: error: argument --epochs: must be a whole number, got 'few'"),
    ],
)
def test_what_cannot_be_parsed(words, line, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)
    err = capsys.readouterr().err
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_a_reader_that_has_gone(monkeypatch, capsys):
    """``gluonvae info | head -0``"""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main(["info"]) == 141
    assert not capsys.readouterr().err


def test_names_that_cannot_be_printed(monkeypatch, tmp_path):
    err = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["sample", f"{tmp_path}/straße \udcff"]) == 2
    err.flush()
    assert b"stra\\xdfe \\udcff is not the folder of a run" in err.buffer.getvalue()


def test_quiet(tmp_path, capfd, rng):
    np.save(tmp_path / "mine.npy", rng.integers(0, 2, (60, 15)))
    run = str(tmp_path / "run")
    words = ["--data", str(tmp_path / "mine.npy"), *SMALL, "--batch-size", "10", "--epochs", "1"]
    assert main(["train", *words, "--quiet", "--out", run]) == 0
    assert main(["--quiet", "sample", run, "--out", str(tmp_path / "x.npy")]) == 0
    assert main(["reconstruct", run, "--quiet", "--out", str(tmp_path / "x.npy")]) == 0
    assert capfd.readouterr() == ("", "")
    assert main(["evaluate", run, "--quiet", "--samples", "3"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("log-likelihood -")
    assert not err


def test_a_test_set_of_one_image(tmp_path, capsys, rng):
    """Its standard error is not known: a null in JSON, "unknown" in words."""
    np.save(tmp_path / "mine.npy", rng.integers(0, 2, (12, 16)))
    run = tmp_path / "run"
    words = ["--data", str(tmp_path / "mine.npy"), *SMALL, "--batch-size", "5", "--epochs", "1", "--out", str(run)]
    assert main(["train", *words]) == 0
    assert "standard error unknown" in capsys.readouterr().out

    def refuse(constant):
        raise AssertionError(constant)

    result = json.loads((run / "result.json").read_text(), parse_constant=refuse)
    assert result["test_standard_error"] is None
    assert np.isfinite(result["test_bound"])
    assert main(["evaluate", str(run), "--samples", "3"]) == 0
    assert "standard error unknown; 1 test rows" in capsys.readouterr().out


def test_a_result_that_is_no_number(monkeypatch, tmp_path, capsys, rng):
    np.save(tmp_path / "mine.npy", rng.integers(0, 2, (60, 16)))
    words = ["--data", str(tmp_path / "mine.npy"), *SMALL, "--batch-size", "10", "--epochs", "1", "--quiet"]
    assert main(["train", *words, "--out", str(tmp_path / "run")]) == 0
    monkeypatch.setattr(commands, "log_marginal_likelihood", lambda *a, **k: type("E", (), {"mean": float("nan")}))
    assert main(["evaluate", str(tmp_path / "run")]) == 3
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("gluonvae evaluate: log-likelihood is not a finite number")
