"""Trainings on data that a thread reads ahead: mapped files and sparse matrices."""

import os
import shutil
import signal
import threading

import numpy as np
import pytest
import scipy.sparse

import gluonvae as gv
from gluonvae.data import Dataset
from gluonvae.data.stores import Mapped
from tests.helpers import small_vae

pytestmark = pytest.mark.usefixtures("fast_disk")

N = 60
GREY = np.random.default_rng(0).integers(0, 256, (N, 12), dtype=np.uint8)
LABELS = np.arange(N) % 3
TIMES = {"seconds", "images_per_second"}


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "gluonvae-read-ahead"]


@pytest.fixture
def file(tmp_path):
    np.save(tmp_path / "x.npy", GREY)
    return np.load(tmp_path / "x.npy", mmap_mode="r")


def bound_of(mode="imperative", **options):
    gv.seed(3)
    bound = gv.ELBO(small_vae(**options))
    if mode == "hybrid":
        bound.hybridize(static_alloc=True, static_shape=True)
    return bound


def fitted(train, mode="imperative", valid=None, bound=None, **options):
    bound = bound or bound_of(mode, **({} if train.labels is None else {"label_size": 3}))
    options = {"epochs": 3, "batch_size": 16, "learning_rate": lambda step: 0.01, **options}
    history = gv.fit(bound, train, valid, progress=False, **options)
    found = [of.data().asnumpy().ravel() for of in bound.vae.collect_params().values()]
    return np.concatenate(found), [{k: v for k, v in row.items() if k not in TIMES} for row in history.rows]


def same(one, other):
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize("mode", ["imperative", "hybrid"])
@pytest.mark.parametrize("labels", [None, LABELS])
@pytest.mark.parametrize("binarization", ["dynamic", "threshold", "once"])
def test_the_same_bits_as_from_memory(binarization, labels, mode, file):
    def data(of):
        return Dataset(of, binarization=binarization, labels=labels)

    assert data(file).store.reads_ahead or binarization == "once"
    expected = fitted(data(GREY), mode, data(GREY[:20]) if labels is None else None)
    same(fitted(data(file), mode, data(file[:20]) if labels is None else None), expected)
    same(fitted(data(scipy.sparse.csr_matrix(GREY)), mode, data(GREY[:20]) if labels is None else None), expected)


@pytest.mark.parametrize("of_memory", [False, True])
@pytest.mark.parametrize("step", [0, 2, 5, 9])
def test_resumed_to_the_bit(step, of_memory, file, tmp_path):
    """Also where one of the two reads from memory: what was read ahead leaves no trace."""
    run, copy = tmp_path / "run", tmp_path / "copy"

    def rate(taken):
        if taken == step and run.exists() and not copy.exists():
            shutil.copytree(run, copy)
        return 0.01

    whole = fitted(Dataset(GREY, labels=LABELS))
    options = {"checkpoint_minutes": 1e-9}
    same(fitted(Dataset(file, labels=LABELS), folder=run, learning_rate=rate, **options), whole)
    gv.noise.source.normal((5, 2))
    same(fitted(Dataset(GREY if of_memory else file, labels=LABELS), resume=copy, **options), whole)


class Failing(Mapped):
    """A file of which some rows cannot be read."""

    def take(self, rows):
        if isinstance(rows, np.ndarray) and 7 in rows:
            raise OSError("[Errno 5] Input/output error")
        return super().take(rows)


def test_an_error_of_the_file_is_that_of_the_call(file, tmp_path):
    data = Dataset(file)
    data.store = Failing(file)
    with pytest.raises(OSError, match="Input/output error"):
        fitted(data)
    with pytest.raises(OSError, match="Input/output error"):
        fitted(data, folder=tmp_path / "run")
    assert '"failed"' in (tmp_path / "run" / "status.json").read_text()


@pytest.mark.parametrize("step", [1, 3, 5, 7])
def test_ctrl_c_ends_after_the_step(step, file, tmp_path):
    def press(taken):
        if taken == step:
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    bound = bound_of()
    history = gv.fit(
        bound, Dataset(file), epochs=50, batch_size=16, learning_rate=press, progress=False, folder=tmp_path / "run"
    )
    assert history.interrupted
    assert len(history) == (step + 1) // 4
    same(fitted(Dataset(file), resume=tmp_path / "run"), fitted(Dataset(GREY)))


def test_a_second_ctrl_c_ends_at_once(file):
    def press(taken):
        if taken == 2:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        return 0.01

    with pytest.raises(KeyboardInterrupt):
        fitted(Dataset(file), learning_rate=press)


def test_an_objective_that_is_not_finite(file):
    bound = bound_of(likelihood="gaussian")
    data = Dataset(file, binarization="none")
    with pytest.raises(FloatingPointError, match="row"):
        gv.fit(bound, data, epochs=50, batch_size=16, learning_rate=1e30, progress=False)


def test_a_callback_that_raises(file):
    def fail(metrics):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        fitted(Dataset(file), callbacks=[fail])
