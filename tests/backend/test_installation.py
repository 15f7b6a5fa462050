"""What is told of the installation."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import mxnet
import numpy

from gluonvae.backend import installation, runtime
from tests.helpers.processes import CLEAN, python


def test_info():
    done = subprocess.run(
        [sys.executable, "-m", "gluonvae", "info"], capture_output=True, text=True, check=True, env=CLEAN
    )
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["mxnet"] == "1.9.1"
    assert rows["MXNET_ENGINE_TYPE"] == "NaiveEngine (chosen by gluonvae)"
    assert rows["OMP_NUM_THREADS"] == f"{runtime.physical_cores()} (chosen by gluonvae)"
    assert rows["GLUONVAE_RUNTIME"] == "not set"
    assert "MKLDNN" in rows["features"].split()
    assert rows["devices"].startswith("cpu (")


def test_conditions_of_a_run():
    code = "import json; from gluonvae.backend import installation; print(json.dumps(installation.conditions()))"
    told = json.loads(python(code, OMP_NUM_THREADS="3", MXNET_ENGINE_TYPE="ThreadedEngine").stdout)
    versions = told.pop("versions")
    assert versions["python"] == platform.python_version()
    assert (versions["mxnet"], versions["numpy"]) == (mxnet.__version__, numpy.__version__)
    assert told.pop("processor") in Path("/proc/cpuinfo").read_text()
    assert told == {"engine": "ThreadedEngine", "threads": 3}


def test_a_processor_without_a_name(monkeypatch):
    monkeypatch.setattr("gluonvae.backend.processor._text", lambda path: "")
    assert installation.processor_name() in (platform.processor(), platform.machine())
    assert installation.conditions()["engine"] == os.environ["MXNET_ENGINE_TYPE"]
