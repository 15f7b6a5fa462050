"""Gluon's own Estimator, with its handlers, trains a bound."""

import numpy as np
import pytest

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import patterns, set_mode, small_vae

estimators = pytest.importorskip("mxnet.gluon.contrib.estimator")


class Negative(mx.gluon.loss.Loss):
    """What is minimised, of what the net returns: a bound, ``(B,)``."""

    def __init__(self):
        super().__init__(weight=None, batch_axis=0)

    def hybrid_forward(self, F, bound, label):
        return -bound


def loader(images, size=10):
    """Batches of data in a fixed order, with labels that nothing looks at."""
    return mx.gluon.data.DataLoader(mx.gluon.data.ArrayDataset(images, np.zeros(len(images))), batch_size=size)


def estimator_of(mode="hybrid", rate=0.01):
    gv.seed(4)
    bound = gv.ELBO(small_vae())
    set_mode(bound, mode)
    trainer = mx.gluon.Trainer(bound.collect_params(), "adam", {"learning_rate": rate})
    metric = mx.metric.Loss("objective")  # its default is the accuracy of a classifier
    return estimators.Estimator(bound, Negative(), train_metrics=metric, trainer=trainer, context=mx.cpu())


def values(block):
    return [parameter.data().asnumpy() for parameter in block.collect_params().values()]


@pytest.mark.parametrize("mode", ["imperative", "static_shape"])
def test_it_does_what_a_loop_does(mode, rng):
    images = patterns(rng, 40)
    estimator = estimator_of(mode)
    gv.seed(5)
    estimator.fit(loader(images), epochs=2)
    other = estimator_of(mode)
    gv.seed(5)
    for data, _ in [*loader(images), *loader(images)]:
        with mx.autograd.record():
            loss = -other.net(data)
        loss.backward()
        other.trainer.step(len(data))
    for one, expected in zip(values(estimator.net), values(other.net)):
        np.testing.assert_array_equal(one, expected)


def test_its_handlers(rng, tmp_path):
    """Validation, early stopping where a rate is far too large, and the checkpoint of the best epoch."""
    images, estimator = patterns(rng, 40), estimator_of(rate=0.5)
    handlers, scored = estimators.event_handler, []
    validation = estimator.val_metrics[-1]

    class Scoring(handlers.EpochEnd):
        def epoch_end(self, estimator):
            scored.append((validation.get()[1], values(estimator.net)))

    saving = handlers.CheckpointHandler(str(tmp_path), "vae", monitor=validation, mode="min", save_best=True)
    stopping = handlers.EarlyStoppingHandler(validation, patience=2, mode="min")
    events = [saving, stopping, Scoring()]
    estimator.fit(loader(images), val_data=loader(images[:20]), epochs=60, event_handlers=events)
    scores = [score for score, _ in scored]
    assert 2 < len(scores) < 60
    assert int(np.argmin(scores)) == len(scores) - 3
    best = gv.ELBO(small_vae())
    best.load_parameters(str(tmp_path / "vae-best.params"))
    for one, expected in zip(values(best), scored[-3][1]):
        np.testing.assert_array_equal(one, expected)
