"""The command by several processes comes to what it comes to by one, also through faults."""

import json
import signal
from itertools import chain

import numpy as np
import pytest
from PIL import Image

from gluonvae.cli.main import main
from tests.helpers.commands import SMALL
from tests.slow import launched, trainings
from tests.slow.launched import Launched

EPOCHS = 12
TRAIN = ["train", *SMALL, "--epochs", EPOCHS, "--seed", 3, "--checkpoint-epochs", 1, "--optimizer", "sgd"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a training by one process."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert main([*map(str, TRAIN), "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def launch(tmp_path):
    """Starts a group; at the end none of its processes may be left."""
    started = []

    def start(options, command):
        started.append(Launched(tmp_path, options, command))
        return started[-1]

    yield start
    assert [one.clear() for one in started] == [set()] * len(started)


def check_same(run, whole):
    assert launched.difference(launched.came_to(run), launched.came_to(whole)) < 1e-5
    one, other = (json.loads((folder / "result.json").read_text()) for folder in (run, whole))
    assert one == pytest.approx(other, rel=1e-5)


def test_same_as_by_one_process(launch, whole, tmp_path, capsys):
    run = tmp_path / "run"
    group = launch(["-n", 3], [*TRAIN, "--out", run])
    assert group.finish() == 0, group.errors
    check_same(run, whole)
    assert {path.name for path in run.iterdir()} == {path.name for path in whole.iterdir()}
    said = [*group.printed[0].read_text().splitlines(), *filter(None, group.errors.splitlines())]
    assert any("parameters, metrics and pictures are in" in line for line in said)
    assert [line for line in said if not line.startswith("[0] ")] == []

    words = ["evaluate", str(run), "--samples", "10"]
    group = launch(["-n", 2], words)
    assert group.finish() == 0, group.errors
    assert main(words) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed
    assert group.printed[0].read_text().splitlines() == [f"[0] {line}" for line in printed]


def test_saved_by_a_signal_and_resumed_by_another_number_of_workers(launch, whole, tmp_path):
    run = tmp_path / "run"
    group = launch(["-n", 3], [*TRAIN, "--out", run])
    assert group.wait_until(lambda: trainings.lines(run) > 1), group.errors
    group.process.send_signal(signal.SIGTERM)
    assert group.finish() == 128 + signal.SIGTERM
    assert "what was learnt is saved" in group.errors
    assert 1 < trainings.lines(run) < EPOCHS
    group = launch(["-n", 2], ["train", "--resume", run])
    assert group.finish() == 0, group.errors
    check_same(run, whole)


def test_started_again_after_a_worker_was_killed(launch, whole, tmp_path):
    run = tmp_path / "run"
    group = launch(["-n", 2, "--restarts", 1], [*TRAIN, "--out", run])
    assert group.wait_until(lambda: trainings.lines(run) > 1), group.errors
    assert group.send("worker 1", signal.SIGKILL)
    assert group.finish() == 0, group.errors
    (line,) = group.lines()
    assert line.startswith("worker 1 on localhost was killed by SIGKILL")
    assert line.endswith("started again (1 of 1)")
    check_same(run, whole)


@pytest.mark.parametrize("command", ["encode", "sample", "reconstruct"])
def test_commands_of_one_process(command, whole, tmp_path, monkeypatch, capsys):
    assert main(["launch", "-n", "2", "--", command, str(whole)]) == 2
    assert f"must stand train, evaluate or python SCRIPT, got '{command}'" in capsys.readouterr().err
    for name, value in {"RANK": 0, "SIZE": 2, "LOCAL_RANK": 0, "LOCAL_SIZE": 2}.items():
        monkeypatch.setenv(f"GLUONVAE_{name}", str(value))
    assert main([command, str(whole), "--out", str(tmp_path / "out")]) == 2
    assert f"{command} is for one process: several share train and evaluate" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


READ = """
import json, sys
import numpy as np
import gluonvae as gv

found = {}
for path in sys.argv[1:]:
    gv.seed(1)
    train, *_ = gv.data.load(path, binarization="none")
    vae = gv.construct_vae(data_dims=train.width, latent_variable_size=2, infer_layer_sizes=[4], generator_layer_sizes=[4],
        likelihood="gaussian")
    vae.initialize()
    read = []

    class Noted(type(train.store)):
        def take(self, rows):
            if isinstance(rows, np.ndarray):  # of a batch; slices are blocks of what is looked through before
                read.append(rows.tolist())
            return super().take(rows)

    train.store.__class__ = Noted
    gv.fit(gv.ELBO(vae), train, epochs=2, batch_size=7, progress=False)
    found[path] = [len(train), read]
print(json.dumps(found))
"""


def test_each_worker_reads_its_own_rows_of_files(launch, tmp_path):
    rng = np.random.default_rng(1)
    images, table, script = tmp_path / "images", tmp_path / "table.csv", tmp_path / "script.py"
    images.mkdir()
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)).save(images / f"{i}.png")
    np.savetxt(table, rng.normal(size=(40, 5)), delimiter=",", header="a,b,c,d,e", comments="")
    script.write_text(READ)
    group = launch(["-n", 2], ["python", script, images, table])
    assert group.finish() == 0, group.errors
    of_each = [json.loads(line.partition("] ")[2]) for line in group.printed[0].read_text().splitlines()]
    assert len(of_each) == 2
    for path in map(str, (images, table)):
        (count, one), (_, other) = (found[path] for found in of_each)
        assert count > 20
        read = [*chain(*one, *other)]
        assert sorted(read) == sorted([*range(count)] * 2)
        assert abs(len([*chain(*one)]) - len(read) / 2) <= len(one)
