"""How regions are compiled and kept on disk."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

import gluonvae
from gluonvae.backend.regions import availability
from gluonvae.backend.regions.availability import loops_compile
from gluonvae.backend.regions.bodies import instructions, native
from gluonvae.backend.regions.kinds import KINDS
from gluonvae.backend.regions.onednn import sgemm_address
from gluonvae.backend.runtime import engine_is_naive, mx
from tests.helpers.processes import CLEAN

FUNCTION = """
from numba import carray

def double(x, out, count):
    a, b = carray(x, count), carray(out, count)
    for i in range(count):
        b[i] = 2 * a[i]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of a function, whose cache lies in its ``__pycache__``."""
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.syspath_prepend(tmp_path)
    name = f"function_of_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(FUNCTION)
    return tmp_path


def compiled(folder, kind=types.float32):
    """The address of the function, as a new process has it, and whether it was on disk."""
    name = next(folder.glob("function_of_*.py")).stem
    pointer = types.CPointer(kind)
    address = native.compile_callback(__import__(name).double, types.void, pointer, pointer, types.int64)
    return address, native._callbacks[-1].cache_hits > 0


def doubles(address, dtype="float32"):
    x, out = np.arange(5, dtype=dtype), np.zeros(5, dtype)
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(address)(x.ctypes.data, out.ctypes.data, 5)
    return out.tolist() == [0, 2, 4, 6, 8]


def files(folder, suffix):
    return sorted(path for path in (folder / "__pycache__").iterdir() if path.suffix == suffix)


def test_what_is_on_disk_is_used(folder):
    for on_disk in (False, True):
        address, was = compiled(folder)
        assert was is on_disk
        assert doubles(address)


def test_a_line_in_the_log_says_that_something_is_compiled(folder, caplog):
    caplog.set_level("INFO", "gluonvae")
    for lines in (1, 0):
        native._say_once.cache_clear()
        compiled(folder)
        assert [record.getMessage()[:19] for record in caplog.records] == ["compiling operators"] * lines
        caplog.clear()


def test_each_type_is_compiled_to_a_file_of_its_own(folder):
    """In one file, two processes that write at once may leave one's code under the other's type."""
    assert doubles(compiled(folder)[0])
    assert doubles(compiled(folder, types.float64)[0], "float64")
    assert compiled(folder)[1]
    assert len(files(folder, ".nbi")) == len(files(folder, ".nbc")) == 2


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut at its end": lambda content: content[:-1],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: b"garbage\n" * 20,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_is_written_anew(suffix, damage, folder):
    assert doubles(compiled(folder)[0])
    (path,) = files(folder, suffix)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert doubles(compiled(folder)[0])  # it may find the damage only now, and compile for itself
    assert doubles(compiled(folder)[0])
    address, on_disk = compiled(folder)
    assert doubles(address)
    assert on_disk


def test_without_a_folder_to_write_to_nothing_is_kept(folder, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", read_only)
    assert doubles(compiled(folder)[0])
    assert not list(folder.rglob("*.nb?"))


def test_what_cannot_be_written_is_compiled_for_this_process(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_index", full)
    assert doubles(compiled(folder)[0])
    assert doubles(compiled(folder, types.float64)[0], "float64")


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_the_functions_that_its_programs_call(name):
    has = instructions.FUNCTIONS[name]
    learnt = set(KINDS[name].parameters) - set(KINDS[name].constants)
    assert (has.parameters is not None) is bool(learnt)
    assert (has.prepare is not None) is (name in {"dense", "convolution", "transposed_convolution"})


def test_no_other_kind_has_functions():
    assert list(instructions.FUNCTIONS) == list(KINDS)


READ_ONLY = """
mount --bind {package} {package} && mount -o remount,ro,bind {package} || exit 77
touch {package}/written 2>/dev/null && exit 78
exec {python} -W ignore -c '
import gluonvae as gv, numpy as np
vae = gv.construct_vae(data_dims=12, latent_variable_size=2, infer_layer_sizes=[5], generator_layer_sizes=[5])
vae.initialize()
print(gv.evaluate(gv.ELBO(vae), np.eye(12)).bound)'
"""


def test_a_read_only_installation_and_home():
    """The package's folder is mounted once more, read-only, for a process of its own."""
    script = READ_ONLY.format(package=Path(gluonvae.__file__).parent, python=sys.executable)
    environment = {**CLEAN, "HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none", "OMP_NUM_THREADS": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    try:
        command = ["unshare", "-m", "bash", "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=os.sep)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"nothing may be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert np.isfinite(float(done.stdout))


@pytest.mark.skipif(not loops_compile() or sgemm_address() is None, reason="numba or oneDNN is not installed")
@pytest.mark.skipif(not engine_is_naive() or mx.context.num_gpus() > 0, reason="another engine, or a GPU")
def test_where_all_is_installed_everything_compiles():
    # tests of compiled operators would only be skipped
    assert availability.why_no_products() is None
