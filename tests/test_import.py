"""What importing the library loads and leaves behind."""

import subprocess
import sys

import pytest

import gluonvae
from tests.helpers.processes import MXNET_FIRST


def python(code, *options):
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_matplotlib_and_gluoncv_load_when_used():
    code = "import sys, gluonvae; print([m for m in ('matplotlib', 'gluoncv', 'PIL', 'mlxtend') if m in sys.modules])"
    assert python(code).strip() == "[]"
    assert "matplotlib" in python("import sys, gluonvae; gluonvae.plots; print(list(sys.modules))")
    assert "gluoncv" in python("import sys, gluonvae; gluonvae.schedules.linear(0, 1, 5); print(list(sys.modules))")


def test_import_costs_at_most_15_percent_more_than_mxnets():
    """By CPU time in one process: what the modules of gluonvae add once mxnet is there. The
    medians of whole processes are in benchmarks/README.md."""
    code = (
        f"import time, warnings; warnings.simplefilter('ignore'); start = time.process_time(); {MXNET_FIRST}"
        "middle = time.process_time(); import gluonvae; print(middle - start, time.process_time() - middle)"
    )
    ratios = []
    for _ in range(5):
        mxnet, ours = map(float, python(code).split())
        ratios.append(ours / mxnet)
    assert sorted(ratios)[2] < 0.15


def test_import_under_errors_for_warnings():
    assert python("import gluonvae; print(gluonvae.schedules.linear(0, 1, 5)(9))", "-W", "error").strip() == "1.0"


def test_numpy_is_left_as_it_was():
    code = "import numpy; before = set(vars(numpy)); import gluonvae; print('bool' in before, 'bool' in vars(numpy))"
    before, after = python(code).split()
    assert before == after == "False"


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = gluonvae.nonsense
