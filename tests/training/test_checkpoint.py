"""Checkpoints: their files, and how many there are."""

import numpy as np
import pytest

from gluonvae.training import checkpoint
from gluonvae.training.checkpoint import Checkpoint, CheckpointError
from tests.helpers.runs import fit

pytestmark = pytest.mark.usefixtures("fast_disk")


def test_checkpoints_are_pruned(tmp_path):
    fit(tmp_path / "run", epochs=5, checkpoint_epochs=1)
    assert [path.name for path in checkpoint.found(tmp_path / "run" / "checkpoints")] == [
        "step-000000015.npz",
        "step-000000012.npz",
    ]


def test_checkpoint_epochs(tmp_path):
    seen = []

    def look(metrics):
        seen.append([path.name[-6:-4] for path in checkpoint.found(tmp_path / "run" / "checkpoints")])

    fit(tmp_path / "run", epochs=5, checkpoint_epochs=2, callbacks=[look])
    assert seen == [["00"], ["00"], ["06", "00"], ["06", "00"], ["12", "06"]]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "step-000000001.npz"
    content = Checkpoint({"a": [1, 2.5, None]}, {"x/y": np.arange(6.0).reshape(2, 3), "n": np.array(3)})
    checkpoint.write(path, content)
    return path, content


def test_a_checkpoint_comes_back(written):
    path, content = written
    state, arrays = checkpoint.read(path)
    assert state == content.state
    assert arrays.keys() == content.arrays.keys()
    for name, values in content.arrays.items():
        assert arrays[name].dtype == values.dtype
        np.testing.assert_array_equal(arrays[name], values)


def test_a_damaged_checkpoint_is_refused_whatever_byte_is_wrong(written, rng):
    """Each byte in turn: the checkpoint is refused, or what is read is what was written."""
    path, content = written
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            state, arrays = checkpoint.read(path)
        except CheckpointError:
            refused += 1
            continue
        assert state == content.state
        for name, values in content.arrays.items():
            np.testing.assert_array_equal(arrays[name], values)
    assert refused > len(whole) / 6
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError):
            checkpoint.read(path)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, caplog):
    whole = fit()
    fit(tmp_path / "run", epochs=1, checkpoint_epochs=1)
    last, _ = checkpoint.found(tmp_path / "run" / "checkpoints")
    last.write_bytes(last.read_bytes()[:-100])
    _, history = fit(resume=tmp_path / "run")
    assert f"{last} cannot be read" in caplog.text
    assert history["valid_bound"] == whole[1]["valid_bound"]
    for path in checkpoint.found(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        fit(resume=tmp_path / "run")
