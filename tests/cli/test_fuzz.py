"""A few rounds of the fuzz; ``python -m tests.slow.fuzz_command`` has thousands."""

import pytest

from tests.helpers.commands import without_pictures
from tests.slow import fuzz_command

CASES = 40


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        fuzz_command.make_runs(folder)
        return [fuzz_command.run_case(folder, seed=0, number=number) for number in range(CASES)]


def test_no_case_is_at_fault(outcomes):
    assert [outcome for outcome in outcomes if outcome["faults"]] == []


def test_the_cases_are_of_all_kinds(outcomes):
    """Some succeed; tampered runs, odd uses and odd trainings are refused."""
    refused = [outcome for outcome in outcomes if outcome["status"] == 2]
    assert len(refused) < CASES - 10
    assert any(outcome["tampered"] for outcome in refused)
    assert {outcome["words"][0] for outcome in refused} >= {"train", "sample", "reconstruct", "evaluate"}


@pytest.mark.parametrize(
    ("status", "out", "err", "fault"),
    [
        (0, "log-likelihood nan nats per image", "", "a result that is no number"),
        (4, "", "gluonvae sample: KeyError: 'x'", "status 4"),
        (2, "", "", "no line that says why"),
        (2, "", "Traceback (most recent call last):\n", "a traceback"),
        (0, "log-likelihood -1.00 nats per image", "", None),
        (2, "", "gluonvae sample: no such run", None),
    ],
)
def test_what_is_a_fault(status, out, err, fault, tmp_path):
    faults = fuzz_command.faults_of(tmp_path, status, out, err)
    assert fault in faults if fault else not faults
