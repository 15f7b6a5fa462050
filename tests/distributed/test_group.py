"""What the workers of a group tell each other."""

import json
import os

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.distributed.identity import Identity, identity_of
from gluonvae.distributed.joining import ALONE
from gluonvae.distributed.sharing import Share, rows_of
from tests.helpers.workers import outputs, workers


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", [0, 1, 5, 7, 100])
def test_parts_follow_each_other_and_differ_by_one_row_at_most(rows, size):
    parts = [Share(rank, size).part(rows) for rank in range(size)]
    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    counts = [part.stop - part.start for part in parts]
    assert max(counts) - min(counts) <= 1


def test_rows_of_noise():
    noise = gv.IWAE(gv.construct_vae(data_dims=3), samples=2).noise
    drawn = gv.noise.NoiseSource(1).draw(noise, (2, 5))
    np.testing.assert_array_equal(rows_of(drawn, slice(1, 3)).asnumpy(), drawn.asnumpy()[:, 1:3])
    with pytest.raises(ValueError, match="no row is wanted"):
        rows_of(drawn, slice(1, 1))


def test_a_process_alone_is_a_group_of_one():
    assert gv.distributed.current() is ALONE
    assert identity_of({}) == Identity(0, 1, 0, 1, None)
    assert ALONE.gather("a") == ["a"]
    assert ALONE.part(5) == slice(0, 5)
    np.testing.assert_array_equal(ALONE.sum_numbers(np.arange(3)), [0, 1, 2])


@pytest.mark.parametrize("wrong", [{"GLUONVAE_RANK": "2"}, {"GLUONVAE_RANK": "x"}, {"GLUONVAE_LOCAL_SIZE": "3"}])
def test_variables_that_contradict_each_other(wrong):
    right = {"GLUONVAE_RANK": "1", "GLUONVAE_SIZE": "2", "GLUONVAE_LOCAL_RANK": "1", "GLUONVAE_LOCAL_SIZE": "2"}
    assert identity_of(right).rank == 1
    with pytest.raises(ValueError, match="GLUONVAE_RANK"):
        identity_of({**right, **wrong})


TELL = """
import json, numpy as np, gluonvae as gv
from gluonvae.backend.runtime import mx
group = gv.distributed.current()
rank = group.rank
found = {"gathered": group.gather("ä" * (3 * rank)), "any": [group.is_any(rank == 2), group.is_any(False)]}
found["sum"] = group.sum_numbers(np.array([[rank, 0.1]])).tolist()
tensor = mx.nd.array([1.5 + rank, np.nan if rank else 2])
group.broadcast([tensor])
found["rank 0's"] = tensor.asnumpy().tolist()
for error in (KeyError("k"), FloatingPointError("f")):
    try:
        with group.failing_together():
            if rank == 1:
                raise error
    except Exception as raised:
        found[type(error).__name__] = [type(raised).__name__, str(raised)]
try:
    group.check_same({"host": "here", "colour": "red" if rank < 2 else "blue"})
except ValueError as error:
    found["differs"] = str(error)
gv.seed(3)
found["own"] = float(gv.noise.own.normal((1,)).asscalar())
found["shared"] = float(gv.noise.source.normal((1,)).asscalar())
with gv.distributed.alone():
    found["alone"] = gv.distributed.current().gather("x")
try:
    gv.Trainer(gv.construct_vae(data_dims=3).collect_params(), "sgd", kvstore="dist_sync")
except ValueError as error:
    found["dist"] = str(error)
print(json.dumps(found))
"""


def test_what_is_told():
    of_each = [json.loads(out) for out in outputs(3, "-c", TELL)]
    for rank, found in enumerate(of_each):
        assert found["gathered"] == ["", "äää", "ä" * 6]
        assert found["any"] == [True, False]
        np.testing.assert_allclose(found["sum"], [[3, 0.3]], rtol=1e-15)
        assert found["rank 0's"] == [1.5, 2]
        assert found["KeyError"] == (["KeyError", "'k'"] if rank == 1 else ["RuntimeError", "rank 1: 'k'"])
        assert found["FloatingPointError"] == ["FloatingPointError", "f" if rank == 1 else "rank 1: f"]
        assert "rank 2 on here has another colour than rank 0 on here: blue and red" in found["differs"]
        assert found["alone"] == ["x"]
        assert "would leave workers with different parameters" in found["dist"]
    assert len({found["own"] for found in of_each}) == 3
    assert len({found["shared"] for found in of_each}) == 1


WAIT = """
import time, gluonvae as gv
group = gv.distributed.current()
if group.rank == 1:
    time.sleep(100)
group.is_any(True)
"""


def test_a_worker_that_has_waited_for_too_long_gives_up():
    with workers(2, "-c", WAIT, timeout=2) as (first, _):
        _, errors = first.communicate(timeout=90)
        assert first.returncode == 4
        assert "gluonvae: rank 0 has waited 2 s for the others" in errors


OTHER = """
import os
from gluonvae import _version
if os.environ["GLUONVAE_RANK"] == "1":
    import gluonvae.distributed.joining as joining
    joining.__version__ = "0.0"
import gluonvae as gv
gv.distributed.current()
"""


def test_workers_of_another_version_are_refused():
    with workers(2, "-c", OTHER) as started:
        for process in started:
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 1
            assert f"rank 1 on {os.uname().nodename} has another gluonvae than rank 0" in errors
