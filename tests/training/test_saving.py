"""What is in a run's folder when a training ends, however it ends."""

import hashlib
import json

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.training import checkpoint
from gluonvae.training.divergence import Diverged
from gluonvae.training.status import read_status
from tests.helpers import small_vae
from tests.helpers.runs import IMAGES, fit

pytestmark = pytest.mark.usefixtures("fast_disk")


def test_a_finished_run(tmp_path):
    bound, history = fit(tmp_path / "run")
    assert read_status(tmp_path / "run")["status"] == "finished"
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows == history.rows
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    for one, two in zip(bound.vae.collect_params().values(), other.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def boom(error, after):
    calls = []

    def callback(metrics):
        calls.append(metrics)
        if len(calls) == after:
            raise error

    return callback


@pytest.mark.parametrize("error", [MemoryError("bad alloc"), mx.base.MXNetError("x"), RuntimeError("y"), SystemExit(3)])
def test_what_was_learnt_before_an_exception_is_there(error, tmp_path):
    whole, expected = fit(epochs=3)
    with pytest.raises(type(error)):
        fit(tmp_path / "run", epochs=3, callbacks=[boom(error, 1)])
    status = read_status(tmp_path / "run")
    assert (status["status"], status["message"]) == ("failed", str(error))
    bound, history = fit(resume=tmp_path / "run", epochs=3)
    assert history["valid_bound"] == expected["valid_bound"]
    for one, two in zip(bound.vae.collect_params().values(), whole.vae.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_memory_that_runs_out_at_the_first_validation_keeps_the_epoch(tmp_path, monkeypatch):
    def fail(bound, data, rows):
        raise MemoryError("bad alloc")

    monkeypatch.setattr("gluonvae.training.metrics.evaluate", fail)
    with pytest.raises(MemoryError):
        fit(tmp_path / "run")
    small_vae().load_parameters(str(tmp_path / "run" / "model.params"))
    monkeypatch.undo()
    _, history = fit(resume=tmp_path / "run")
    assert history["valid_bound"] == fit()[1]["valid_bound"]


def test_metrics_that_cannot_be_written_cost_no_parameters(tmp_path):
    folder = tmp_path / "run"

    def in_the_way(metrics):
        (folder / "metrics.jsonl").unlink(missing_ok=True)
        (folder / "metrics.jsonl").mkdir(exist_ok=True)

    with pytest.raises(IsADirectoryError):
        fit(folder, callbacks=[in_the_way])
    (folder / "metrics.jsonl").rmdir()
    _, history = fit(resume=folder)
    assert history["valid_bound"] == fit()[1]["valid_bound"]
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_disk_without_room_for_a_checkpoint_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gluonvae.training.checkpoint.write_bytes", full)
    bound = gv.ELBO(small_vae())
    before = bound.vae.generator.logits_head.weight.data().asnumpy()
    with pytest.raises(OSError, match="No space"):
        fit(tmp_path / "run", bound=bound)
    assert not (tmp_path / "run").exists()
    np.testing.assert_array_equal(bound.vae.generator.logits_head.weight.data().asnumpy(), before)


def test_parameters_that_were_not_written_after_the_last_checkpoint_are_when_resumed(tmp_path, monkeypatch):
    bound, _ = fit(tmp_path / "run")
    (tmp_path / "run" / "model.params").unlink()
    fit(resume=tmp_path / "run")
    other = small_vae()
    other.load_parameters(str(tmp_path / "run" / "model.params"))
    for one, two in zip(bound.vae.collect_params().values(), other.collect_params().values()):
        np.testing.assert_array_equal(one.data().asnumpy(), two.data().asnumpy())


def test_parameters_that_could_not_be_written_leave_those_before_valid(tmp_path, monkeypatch):
    import gluonvae.training.run as module

    fit(tmp_path / "run")
    write = module.write_bytes

    def full(path, content):
        if path.name == "model.params":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(module, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        fit(resume=tmp_path / "run", epochs=4)
    monkeypatch.undo()
    content = (tmp_path / "run" / "model.params").read_bytes()
    assert hashlib.sha256(content).hexdigest() in read_status(tmp_path / "run")["parameters"]


def test_an_error_before_the_update_costs_no_step(tmp_path):
    """A schedule that fails at step 5, in the second epoch: four steps are in the checkpoint."""

    def rate(step):
        if step == 4:
            raise RuntimeError("no rate")
        return 0.01

    with pytest.raises(RuntimeError, match="no rate"):
        fit(tmp_path / "run", learning_rate=rate)
    _, history = fit(resume=tmp_path / "run", learning_rate=0.01)
    assert history["valid_bound"] == fit(learning_rate=0.01)[1]["valid_bound"]
    names = [path.name for path in checkpoint.found(tmp_path / "run" / "checkpoints")]
    assert names[1] == "step-000000004.npz"


def test_an_interrupt_between_a_step_and_its_count_is_no_checkpoint(tmp_path, monkeypatch):
    state, calls = gv.noise.NoiseSource.state, []

    def interrupted(source):
        calls.append(source)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return state(source)

    monkeypatch.setattr(gv.noise.NoiseSource, "state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "run")
    monkeypatch.undo()
    _, history = fit(resume=tmp_path / "run")
    assert history["valid_bound"] == fit()[1]["valid_bound"]


def test_a_diverged_run_keeps_finite_parameters(tmp_path):
    with pytest.raises(FloatingPointError):
        fit(tmp_path / "run", epochs=50, optimizer="sgd", learning_rate=1e18)
    assert read_status(tmp_path / "run")["status"] == "diverged"
    saved = mx.nd.load(str(tmp_path / "run" / "model.params"))
    assert all(np.isfinite(values.asnumpy()).all() for values in saved.values())


def parameters_in(folder):
    return {name: values.asnumpy() for name, values in mx.nd.load(str(folder / "model.params")).items()}


@pytest.mark.parametrize("validated", [True, False])
def test_the_last_update_is_looked_at_too(validated, tmp_path):
    """With an infinite update in the only step of an epoch."""
    bound = gv.ELBO(small_vae())
    valid = IMAGES[:20] if validated else None
    arguments = {"epochs": 1, "batch_size": 60, "optimizer": "sgd", "progress": False}
    with pytest.raises(Diverged, match=r"an update has made .* infinite or NaN at step 1"):
        gv.fit(bound, IMAGES, valid, learning_rate=3e38, folder=tmp_path / "run", **arguments)
    assert read_status(tmp_path / "run")["status"] == "diverged"
    assert all(np.isfinite(values).all() for values in parameters_in(tmp_path / "run").values())
    assert all(np.isfinite(p.data().asnumpy()).all() for p in bound.vae.collect_params().values())


def test_a_divergence_soon_after_a_resume_keeps_good_parameters(tmp_path):
    fit(tmp_path / "run")
    with pytest.raises(Diverged):
        fit(resume=tmp_path / "run", epochs=9, learning_rate=3e38)
    assert all(np.isfinite(values).all() for values in parameters_in(tmp_path / "run").values())


def test_a_divergence_keeps_the_best_epoch(tmp_path):
    def rate(step):
        return 0.01 if step < 9 else 3e38

    with pytest.raises(Diverged):
        fit(tmp_path / "run", epochs=9, checkpoint_epochs=1000, learning_rate=rate, optimizer="sgd")
    small_vae().load_parameters(str(tmp_path / "run" / "best.params"))
