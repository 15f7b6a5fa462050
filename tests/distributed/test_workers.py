"""Trainings by several workers are those by one."""

import json

import pytest

from tests.helpers.workers import outputs


@pytest.mark.parametrize(("count", "each"), [(2, 1), (3, 3), (4, 4)])
def test_same_parameters_history_and_estimates(count, each):
    of_each = [json.loads(out) for out in outputs(count, "-m", "tests.distributed.trainings", str(each))]
    assert len(of_each[0]) > 30 // each
    assert {name: differs for name, (_, differs) in of_each[0].items() if not differs < 1e-5} == {}
    for name, (digest, _) in of_each[0].items():
        assert [other[name][0] for other in of_each] == [digest] * count, name


SUMS = """
import numpy as np, gluonvae as gv
from gluonvae.backend.runtime import mx
group = gv.distributed.current()
for size in (3, 49_999, 50_000, 200_001) * 2:
    values = mx.nd.arange(size) % 1000 + group.rank
    group.sum(values)
    expected = 2 * (np.arange(size) % 1000) + 1
    assert (values.asnumpy() == expected).all(), size
print("right")
"""


def test_several_servers_share_the_numbers_of_a_sum():
    assert outputs(2, "-c", SUMS, GLUONVAE_SERVERS="2") == ["right\n"] * 2
