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
