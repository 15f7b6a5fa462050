"""How MXNet is started."""

import os
import sys

import pytest

from gluonvae.backend import runtime
from tests.helpers.processes import MXNET_FIRST, python


@pytest.mark.parametrize(
    ("folder", "expected"), [("mxnet_cu117-1.9.1.dist-info", True), ("mxnet-1.9.1.dist-info", False)]
)
def test_a_build_for_gpus_is_known_by_its_name(folder, expected, tmp_path, monkeypatch):
    (tmp_path / folder).mkdir()
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), str(tmp_path / "none.zip")])
    assert runtime._gpu_build() is expected


def test_two_builds_over_each_other_are_told_of(tmp_path, monkeypatch, caplog):
    (tmp_path / "mxnet_cu117-1.9.1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert runtime._gpu_build()
    assert caplog.text == ""
    (tmp_path / "mxnet-1.9.1.dist-info").mkdir()
    assert runtime._gpu_build()
    assert "uninstall both, then install mxnet-cu117 alone" in caplog.text


def test_a_build_for_gpus_without_cuda_says_what_it_needs(tmp_path):
    """A stand-in for the wheel, which fails as that does where there is no CUDA."""
    (tmp_path / "mxnet_cu117-1.9.1.dist-info").mkdir()
    (tmp_path / "mxnet").mkdir()
    failure = "raise OSError('libcudnn.so.8: cannot open shared object file: No such file or directory')"
    (tmp_path / "mxnet" / "__init__.py").write_text(failure)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\ntry: import gluonvae\nexcept ImportError as e: print(e)"
    assert "libcudnn.so.8: cannot open" in (answer := python(code).stdout)
    assert "without a GPU install mxnet==1.9.1 in its place" in answer


def test_the_choice_is_made_before_mxnet_is_imported():
    done = python("import gluonvae, os; print(os.environ['MXNET_ENGINE_TYPE'], os.environ['OMP_NUM_THREADS'])")
    assert done.stdout.split() == ["NaiveEngine", str(runtime.physical_cores())]
    assert done.stderr == ""


def test_the_naive_engine_really_runs():
    """Only there is an operator's error raised at its call."""
    code = (
        "import gluonvae; from mxnet import nd, base\\n"
        "try: nd.slice_axis(nd.zeros((3,)), axis=0, begin=0, end=2); nd.Custom(nd.zeros(1), op_type='none')\\n"
        "except Exception as error: print('raised')\\n"
    ).replace("\\n", "\n")
    assert "raised" in python(code).stdout
    assert (
        "NaiveEngine"
        in python("import gluonvae.backend.runtime as r; r.mx.nd.waitall()", MXNET_ENGINE_TYPE="NaiveEngine").stderr
    )


@pytest.mark.parametrize("environment", [{"GLUONVAE_RUNTIME": "off"}, {"MXNET_ENGINE_TYPE": "ThreadedEngine"}])
def test_what_the_user_has_set_stays(environment):
    done = python(
        "import gluonvae, os; print(os.environ.get('MXNET_ENGINE_TYPE'), os.environ.get('OMP_NUM_THREADS'))",
        **environment,
    )
    assert done.stdout.split() == [environment.get("MXNET_ENGINE_TYPE", "None"), "None"]


@pytest.mark.parametrize("package", ["mxnet", "gluoncv"])
def test_an_import_of_mxnet_that_failed_does_no_harm(package):
    """It does from Python 3.12 where gluonvae is not imported first; older ones have a numpy with numpy.bool."""
    code = (
        "import warnings; warnings.simplefilter('ignore'); import numpy; of_numpy = vars(numpy).pop('__getattr__')\n"
        f"try: import {package}\n"
        "except AttributeError as error: print(error)\n"
        "numpy.__getattr__ = of_numpy; import gluonvae as gv; from mxnet import nd\n"
        "print(nd.ones(3).sum().asscalar(), gv.schedules.linear(0, 1, 5)(5))"
    )
    assert python(code).stdout.splitlines() == ["module 'numpy' has no attribute 'bool'", "3.0 1.0"]


def test_mxnet_imported_first_is_said_once_with_what_it_costs():
    code = f"import warnings; warnings.simplefilter('ignore'); {MXNET_FIRST}import gluonvae, gluonvae.backend.runtime"
    assert python(code).stderr.count("mxnet was imported before gluonvae") == 1
    assert python(code, GLUONVAE_RUNTIME="off").stderr == ""


def test_error_output_works_afterwards():
    done = python("import gluonvae, os, sys; print('python', file=sys.stderr, flush=True); os.write(2, b'raw')")
    assert done.stderr == "python\nraw"


def test_a_process_without_error_output():
    assert python("import os; os.close(2); import gluonvae; print('imported')").stdout.strip() == "imported"


def test_physical_cores_are_no_more_than_allowed():
    assert 1 <= runtime.physical_cores() <= len(os.sched_getaffinity(0))
    code = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); import gluonvae.backend.runtime as r; print(r.physical_cores(), r.CHOSEN['OMP_NUM_THREADS'])"
    assert python(code).stdout.split() == ["1", "1"]


def test_scikit_learn_is_not_imported_with_mxnet():
    """As what is installed is for, it can be imported afterwards."""
    code = "import sys, gluonvae; print('sklearn' in sys.modules); import sklearn.base; print(sklearn.__name__)"
    pytest.importorskip("sklearn")
    assert python(code).stdout.split() == ["False", "sklearn"]
