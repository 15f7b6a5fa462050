"""What loggers write is read back by the programs that it is for."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.special import expit

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.callbacks import Callback
from gluonvae.loggers import MLflow, TensorBoard, WandB
from tests.helpers import nd, patterns, pixels, small_vae

pytestmark = pytest.mark.usefixtures("fast_disk")


class Stop(Callback):
    """Ends a training by an exception, as a fault does."""

    def __init__(self, step):
        self.step = step

    def on_step(self, training):
        if training.steps_taken == self.step:
            raise RuntimeError("a fault")

    def state(self):
        return {}


def images(rng, count=40):
    return gv.data.Dataset(pixels(rng, count, 12).reshape(count, 4, 3), binarization="none")


def fit(data, logger, make=small_vae, callbacks=(), **options):
    gv.seed(3)
    bound = gv.ELBO(make())
    options = {"valid": data, "epochs": 3, "batch_size": 20, "learning_rate": 0.01, "progress": False, **options}
    return bound, gv.fit(bound, data, callbacks=[logger, *callbacks], **options)


def board(folder, **options):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    return TensorBoard(folder, **options)


def read(folder):
    """What TensorBoard itself reads."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulators.EventAccumulator(str(folder), {"images": 0, "histograms": 0, "scalars": 0})
    return events.Reload()


def test_scalars_of_tensorboard(rng, tmp_path):
    _, history = fit(images(rng), board(tmp_path), callbacks=[lambda metrics: metrics.update(score=2.5)])
    events = read(tmp_path)
    scalars = events.Tags()["scalars"]
    assert set(scalars) == {
        *(f"{term}/{part}" for term in ("bound", "log_likelihood", "kl") for part in ("train", "valid")),
        "learning_rate", "images_per_second", "seconds",
    }  # fmt: skip
    for tag, column in (("bound/valid", "valid_bound"), ("kl/train", "train_kl"), ("learning_rate", "learning_rate")):
        assert [event.step for event in events.Scalars(tag)] == [1, 2, 3]
        np.testing.assert_allclose([event.value for event in events.Scalars(tag)], history[column], rtol=1e-6)


def test_histograms_of_tensorboard(rng, tmp_path):
    bound, _ = fit(images(rng), board(tmp_path, every=2))
    events = read(tmp_path)
    for name, parameter in bound.vae._collect_params_with_prefix().items():
        assert [event.step for event in events.Histograms(f"parameters/{name}")] == [1, 3]
        values = parameter.data().asnumpy().astype(np.float64)
        last = events.Histograms(f"parameters/{name}")[-1].histogram_value
        expected = (values.min(), values.max(), values.size, values.sum(), (values**2).sum())
        found = (last.min, last.max, last.num, last.sum, last.sum_squares)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        # counts of values up to each limit
        limits, counts = np.array(last.bucket_limit), np.cumsum(last.bucket)
        np.testing.assert_array_equal(counts, [(values <= limit).sum() for limit in limits])
        gradients = events.Histograms(f"gradients/{name}")[-1].histogram_value
        assert gradients.num == values.size
        np.testing.assert_allclose(gradients.max, parameter.grad().asnumpy().max(), rtol=1e-5)


def pictures(events, tag):
    return [np.array(Image.open(io.BytesIO(event.encoded_image_string))) for event in events.Images(tag)]


def tiles(picture, count):
    """The images of TensorBoard's grid of 8 columns, in order."""
    height, width = picture.shape[0] // -(-count // 8), picture.shape[1] // 8
    grid = picture.reshape(-1, height, 8, width, picture.shape[-1]).swapaxes(1, 2)
    return grid.reshape(-1, height, width, picture.shape[-1])[:count]


def test_pictures_of_tensorboard(rng, tmp_path):
    data = images(rng)
    bound, _ = fit(data, board(tmp_path, every=1))
    events = read(tmp_path)
    assert [event.step for event in events.Images("samples")] == [1, 2, 3]
    first, *_, last = pictures(events, "samples")
    assert (first != last).any()
    latent = nd(np.random.default_rng(0).standard_normal((32, 4), dtype=np.float32))
    means = expit(bound.vae.generator(latent).asnumpy()).reshape(32, 4, 3, 1)
    np.testing.assert_allclose(tiles(last, 32), 255 * np.repeat(means, 3, -1), atol=1)
    pairs = tiles(pictures(events, "reconstructions")[-1], 64)
    originals = 255 * data.batch(slice(32)).reshape(32, 4, 3)
    np.testing.assert_allclose(pairs[::2, ..., 0], originals, atol=1)
    assert (pairs[1::2] != pairs[::2]).any()


def coloured():
    return gv.construct_vae("gaussian", "continuous_bernoulli", [6], [6], 2, data_dims=48)


def conditional():
    return gv.construct_vae("gaussian", generator_layer_sizes=[6], infer_layer_sizes=[6], data_dims=12, label_size=3)


def test_pictures_in_colours_and_by_label(rng, tmp_path):
    values = rng.random((9, 3, 4, 4), dtype=np.float32)
    data = gv.data.Dataset(values, binarization="grey")

    def make():
        vae = coloured()
        vae.initialize()
        return vae

    fit(data, board(tmp_path / "colours"), make, batch_size=9)
    pairs = tiles(pictures(read(tmp_path / "colours"), "reconstructions")[0], 18)
    np.testing.assert_allclose(pairs[::2], 255 * values.transpose(0, 2, 3, 1), atol=1)

    def labelled():
        vae = conditional()
        vae.initialize()
        return vae

    data = gv.data.Dataset(
        images(rng).batch(slice(None)).reshape(-1, 4, 3), binarization="none", labels=np.arange(40) % 3
    )
    fit(data, board(tmp_path / "labels"), labelled)
    assert len(pictures(read(tmp_path / "labels"), "samples")) == 1


def test_pictures_of_a_semi_supervised_model(rng, tmp_path):
    """Also where labels are missing in the training data, and there are no others."""
    data = gv.data.keep_few_labels(images(rng).with_labels(np.arange(40) % 3), 6, seed=0)
    vae = gv.construct_vae(
        generator_layer_sizes=[6], infer_layer_sizes=[6], classifier_layer_sizes=[6], data_dims=12, label_size=3
    )
    vae.initialize()
    bound = gv.SemiSupervisedELBO(vae)
    gv.fit(bound, data, epochs=1, batch_size=20, callbacks=[board(tmp_path)], progress=False)
    assert len(pictures(read(tmp_path), "samples")) == 1


def test_tables_have_no_pictures(rng, tmp_path):
    rows = gv.data.Dataset(patterns(rng, 40), binarization="none", things="rows")
    fit(rows, board(tmp_path))
    tags = read(tmp_path).Tags()
    assert tags["images"] == []
    assert tags["histograms"]


def test_batches_that_are_read_once_have_no_pictures(rng, tmp_path):
    batches = mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(patterns(rng, 30)), batch_size=10)
    bound = gv.ELBO(small_vae())
    gv.fit(bound, batches, epochs=2, callbacks=[board(tmp_path)], progress=False)
    tags = read(tmp_path).Tags()
    assert (tags["images"], "bound/train" in tags["scalars"]) == ([], True)


def test_logging_changes_nothing(rng, tmp_path):
    data = images(rng)
    one, other = fit(data, lambda metrics: None)[0], fit(data, board(tmp_path, every=1))[0]
    for first, second in zip(one.vae.collect_params().values(), other.vae.collect_params().values()):
        np.testing.assert_array_equal(first.data().asnumpy(), second.data().asnumpy())


def test_what_was_logged_after_the_checkpoint_is_not_shown_twice(rng, tmp_path):
    data, folder = images(rng), tmp_path / "events"
    with pytest.raises(RuntimeError, match="a fault"):
        fit(data, board(folder), callbacks=[Stop(5)], folder=tmp_path / "run", checkpoint_epochs=100)
    _, history = fit(data, board(folder), resume=tmp_path / "run")
    events = read(folder).Scalars("bound/valid")
    assert [event.step for event in events] == [1, 2, 3]
    np.testing.assert_allclose([event.value for event in events], history["valid_bound"], rtol=1e-6)


def test_pandas_reads_the_metrics_in_one_line(rng, tmp_path):
    import pandas as pd

    _, history = fit(images(rng), lambda metrics: metrics["epoch"] == 2 and metrics.update(score=4), folder=tmp_path)
    table = pd.read_json(tmp_path / "metrics.jsonl", lines=True)
    np.testing.assert_allclose(table["valid_bound"], history["valid_bound"])
    np.testing.assert_array_equal(table["score"], [np.nan, 4, np.nan])
    assert list(table.columns) == list(pd.DataFrame(history.rows).columns)


LEVELDB_BLOCK = 2**15


def wandb_records(path):
    """The records of a file of wandb's, which has the format of LevelDB's log."""
    from wandb.proto.wandb_internal_pb2 import Record

    content = path.read_bytes()
    assert content[:4] == b":W&B"
    assert len(content) < LEVELDB_BLOCK  # records are whole
    place = 7
    while place < len(content):
        size = int.from_bytes(content[place + 4 : place + 6], "little")
        yield Record.FromString(content[place + 7 : place + 7 + size])
        place += 7 + size


def wandb_history(folder):
    import json

    (path,) = folder.glob("wandb/*run-*/*.wandb")
    rows = [
        {(item.key or item.nested_key[0]): json.loads(item.value_json) for item in record.history.item}
        for record in wandb_records(path)
        if record.HasField("history")
    ]
    exits = [record.exit.exit_code for record in wandb_records(path) if record.HasField("exit")]
    return rows, exits


@pytest.mark.parametrize("fails", [False, True])
def test_weights_and_biases(fails, rng, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    logger = WandB(project="digits", mode="offline", dir=str(tmp_path))
    if fails:
        with pytest.raises(RuntimeError, match="a fault"):
            fit(images(rng), logger, callbacks=[Stop(5)])
        wandb.teardown()  # its process writes the rest
        assert wandb_history(tmp_path)[1] == [1]
        return
    _, history = fit(images(rng), logger)
    wandb.teardown()
    rows, exits = wandb_history(tmp_path)
    assert exits == [0]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["valid_bound"] for row in rows] == history["valid_bound"]


def test_a_resumed_training_goes_on_with_its_run(rng, tmp_path, monkeypatch):
    """Only a server can resume a run: this looks at what it would be asked."""
    asked = []

    class Run:
        id, log, finish = "abc", lambda *a, **k: None, lambda *a, **k: None

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=lambda **options: asked.append(options) or Run()))
    data = images(rng)
    fit(data, WandB(project="digits"), epochs=1, folder=tmp_path / "run")
    fit(data, WandB(project="digits"), resume=tmp_path / "run")
    assert asked == [{"project": "digits"}, {"project": "digits", "id": "abc", "resume": "allow"}]


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    library = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = library.get_tracking_uri()
    library.set_tracking_uri((tmp_path / "store").as_uri())
    yield library
    library.set_tracking_uri(before)


def logged(mlflow, run, metric):
    return [(point.step, point.value) for point in mlflow.MlflowClient().get_metric_history(run.info.run_id, metric)]


def test_mlflow_has_a_run_of_its_own_which_is_resumed(mlflow, rng, tmp_path):
    data = images(rng)
    with pytest.raises(RuntimeError, match="a fault"):
        fit(data, MLflow(run_name="first"), callbacks=[Stop(3)], folder=tmp_path / "run")
    (run,) = mlflow.search_runs(output_format="list", search_all_experiments=True)
    assert (run.info.run_name, run.info.status) == ("first", "FAILED")
    _, history = fit(data, MLflow(run_name="first"), resume=tmp_path / "run")
    (run,) = mlflow.search_runs(output_format="list", search_all_experiments=True)
    assert run.info.status == "FINISHED"
    assert logged(mlflow, run, "valid_bound") == list(zip([1, 2, 3], history["valid_bound"]))


def test_mlflow_logs_to_the_active_run(mlflow, rng):
    with mlflow.start_run() as run:
        mlflow.log_param("latent", 3)
        _, history = fit(images(rng), MLflow())
        assert mlflow.active_run() is not None
    assert logged(mlflow, run, "train_kl") == list(zip([1, 2, 3], history["train_kl"]))


@pytest.mark.parametrize(
    ("make", "library", "extra"),
    [
        (lambda: TensorBoard("somewhere"), "tensorboardX", "tensorboard"),
        (WandB, "wandb", "wandb"),
        (MLflow, "mlflow", "mlflow"),
    ],
)
def test_a_library_that_is_missing(make, library, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{library} is not installed: pip install 'gluonvae\[{extra}\]'"):
        make()


def test_every_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="every must be positive, got 0"):
        board(tmp_path, every=0)
