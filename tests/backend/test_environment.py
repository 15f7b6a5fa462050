"""What is chosen for MXNet and numba, of the environment that the user has set."""

import numpy as np
import pytest

from gluonvae.backend.environment import choose
from tests.helpers.processes import python

NAIVE = {"MXNET_ENGINE_TYPE": "NaiveEngine"}
SPIN = {"GOMP_SPINCOUNT": "10000"}
ALL = {**NAIVE, **SPIN, "OMP_NUM_THREADS": "6"}
OFF = {"GLUONVAE_RUNTIME": "off"}
THREADED = {"MXNET_ENGINE_TYPE": "ThreadedEngine"}


@pytest.mark.parametrize(
    ("environment", "gpu_build", "expected"),
    [
        ({}, False, ALL),
        ({}, True, {}),
        (OFF, False, {}),
        ({"GLUONVAE_RUNTIME": "OFF"}, False, {}),
        ({"OMP_NUM_THREADS": "1"}, False, {**NAIVE, **SPIN}),
        (NAIVE, False, {**SPIN, "OMP_NUM_THREADS": "6"}),
        (THREADED, False, {}),
        ({**ALL, "OMP_NUM_THREADS": "3"}, False, {}),
        # how threads wait is the user's where he has said
        ({"GOMP_SPINCOUNT": "5"}, False, {**NAIVE, "OMP_NUM_THREADS": "6"}),
        ({"OMP_WAIT_POLICY": "active"}, False, {**NAIVE, "OMP_NUM_THREADS": "6"}),
        # gluonvae's own variable goes before OpenMP's
        ({"GLUONVAE_THREADS": "3"}, False, {**ALL, "OMP_NUM_THREADS": "3"}),
        ({"GLUONVAE_THREADS": "3", "OMP_NUM_THREADS": "2"}, False, {**ALL, "OMP_NUM_THREADS": "3"}),
        # MXNet reads no list, and its threaded engine or another's threads are no reason to abort
        ({"OMP_NUM_THREADS": "4,2"}, False, {**ALL, "OMP_NUM_THREADS": "4"}),
        ({**THREADED, "OMP_NUM_THREADS": "4,2"}, False, {"OMP_NUM_THREADS": "4"}),
        ({**OFF, "OMP_NUM_THREADS": "4,2"}, False, {"OMP_NUM_THREADS": "4"}),
        ({"OMP_NUM_THREADS": "4,2"}, True, {"OMP_NUM_THREADS": "4"}),
    ],
)
def test_choice(environment, gpu_build, expected, caplog):
    assert choose(environment, 6, gpu_build) == expected
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (" 4", "4"),
        ("4 ", "4"),
        ("04", "4"),
        ("+4", "4"),
        ("4,", "4"),
        (" 3 , 2,1", "3"),
        ("1024", "1024"),
        ("", "6"),
        ("  ", "6"),
    ],
)
def test_a_number_of_threads_in_any_form_is_handed_on_as_one(value, count, caplog):
    for name in ("OMP_NUM_THREADS", "GLUONVAE_THREADS"):
        wanted = {**ALL, "OMP_NUM_THREADS": count}
        got = {name: value, **choose({name: value}, 6, False)}
        assert {key: got[key] for key in wanted} == wanted
    assert caplog.text == ""


@pytest.mark.parametrize(
    "value", ["0", "-1", "abc", "1e3", "3.7", "0x4", "4;2", ",4", "1025", "99999", "9" * 5000, "٤"]
)
def test_what_is_no_number_of_threads_is_replaced_with_a_word(value, caplog):
    assert choose({"OMP_NUM_THREADS": value}, 6, False) == ALL
    assert choose({**NAIVE, **SPIN, "OMP_NUM_THREADS": "2", "GLUONVAE_THREADS": value}, 6, False) == {}
    assert [r.getMessage() for r in caplog.records] == [
        f"OMP_NUM_THREADS={value} cannot be read: 6 is used",
        f"GLUONVAE_THREADS={value} cannot be read: 2 is used",
    ]


@pytest.mark.parametrize(
    ("rest", "gpu_build", "used"),
    [({}, False, "NaiveEngine"), (OFF, False, "ThreadedEnginePerDevice"), ({}, True, "ThreadedEnginePerDevice")],
)
def test_an_engine_that_mxnet_does_not_have_is_replaced_with_a_word(rest, gpu_build, used, caplog):
    assert choose({**rest, "MXNET_ENGINE_TYPE": "naive"}, 6, gpu_build)["MXNET_ENGINE_TYPE"] == used
    assert caplog.messages == [f"MXNET_ENGINE_TYPE=naive cannot be read: {used} is used"]


TRAIN = """
import gluonvae as gv, numpy as np
vae = gv.construct_vae(data_dims=12, latent_variable_size=2, infer_layer_sizes=[5], generator_layer_sizes=[5])
vae.initialize()
print(gv.fit(gv.ELBO(vae), np.eye(12), epochs=2, batch_size=4, optimizer="{}", progress=False)["train_bound"][-1])
"""


def test_mxnet_and_numba_start_with_what_cannot_be_read():
    values = {"OMP_NUM_THREADS": "abc,2", "GLUONVAE_THREADS": "-1", "MXNET_ENGINE_TYPE": "NaivEngine"}
    done = python(TRAIN.format("fusedadam"), **values)
    assert np.isfinite(float(done.stdout))
    for name, value in values.items():
        assert f"{name}={value} cannot be read" in done.stderr
    done = python(TRAIN.format("fusedadam"), NUMBA_NUM_THREADS="0", OMP_NUM_THREADS="1")
    assert np.isfinite(float(done.stdout))
    assert "numba cannot be imported" in done.stderr


def test_a_numba_that_does_not_compile_is_not_used():
    code = (
        TRAIN.format("fusedadam")
        + "from gluonvae.backend.regions.availability import available; assert not available()"
    )
    assert np.isfinite(float(python(code, NUMBA_DISABLE_JIT="1", OMP_NUM_THREADS="1").stdout))
