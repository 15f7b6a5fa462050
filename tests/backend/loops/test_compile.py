"""How loops are compiled and kept on disk."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gluonvae
from gluonvae.backend.loops import compile
from tests.helpers.processes import CLEAN

LOOP = """
import numba

def loop(x, out):
    for i in numba.prange(len(x)):
        out[i] = 2 * x[i]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of a loop, whose cache lies in its ``__pycache__``."""
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.setattr(compile, "loops_are_parallel", lambda: False)  # compiled in a third of the time
    monkeypatch.syspath_prepend(tmp_path)
    name = f"loop_of_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(LOOP)
    return tmp_path


def compiled(folder):
    """The loop, as a new process has it."""
    name = next(folder.glob("loop_of_*.py")).stem
    return compile.Loop(__import__(name).loop)


def doubled(loop, dtype="float32"):
    out = np.zeros(5, dtype)
    loop(np.arange(5, dtype=dtype), out)
    return out.tolist() == [0, 2, 4, 6, 8]


def files(folder, suffix):
    return sorted(path for path in (folder / "__pycache__").iterdir() if path.suffix == suffix)


def test_the_loop_for_one_thread_is_not_that_for_all(folder, monkeypatch):
    serial = compiled(folder)
    assert doubled(serial)
    monkeypatch.setattr(compile, "loops_are_parallel", lambda: True)
    parallel = compiled(folder)
    assert doubled(parallel)
    assert len(files(folder, ".nbi")) == len(files(folder, ".nbc")) == 2
    one, all_cores = serial._serial._compiled, parallel._parallel._compiled
    assert "do_scheduling" in next(iter(all_cores.inspect_llvm().values()))
    assert "do_scheduling" not in next(iter(one.inspect_llvm().values()))


def test_what_is_on_disk_is_used(folder):
    assert doubled(compiled(folder))
    again = compiled(folder)
    assert doubled(again)
    assert sum(again._serial._compiled.stats.cache_hits.values()) == 1


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
    assert doubled(compiled(folder))
    (path,) = files(folder, suffix)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert doubled(compiled(folder))  # it may find the damage only now, and compile for itself
    assert doubled(compiled(folder))
    last = compiled(folder)
    assert doubled(last)
    assert sum(last._serial._compiled.stats.cache_hits.values()) == 1


def test_without_a_folder_to_write_to_nothing_is_kept(folder, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("numba.core.caching._CacheLocator.ensure_cache_path", read_only)
    assert doubled(compiled(folder))
    assert not list(folder.rglob("*.nb?"))


def test_what_cannot_be_written_is_compiled_for_this_process(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._save_index", full)
    loop = compiled(folder)
    assert doubled(loop)
    assert doubled(loop, "float64")


def test_a_loop_that_cannot_be_compiled_says_so(folder):
    with pytest.raises(Exception, match="argument"):
        compiled(folder)(1)


READ_ONLY = """
mount --bind {package} {package} && mount -o remount,ro,bind {package} || exit 77
touch {package}/written 2>/dev/null && exit 78
exec {python} -W ignore -c '
import gluonvae as gv, numpy as np
vae = gv.construct_vae(data_dims=12, latent_variable_size=2, infer_layer_sizes=[5], generator_layer_sizes=[5])
vae.initialize()
print(gv.fit(gv.ELBO(vae), np.eye(12), epochs=2, batch_size=4, progress=False)["train_bound"][-1])'
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
