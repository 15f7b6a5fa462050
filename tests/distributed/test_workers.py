"""Trainings by several workers are those by one."""

import json
import re

import pytest

from tests.distributed.trainings import by_workers, faults
from tests.helpers.workers import outputs

IN_PIECES = """
import gluonvae as gv
gv.distributed.current()._exchange.piece = 20
"""
"""Gradients of a small model are sent in pieces too."""


@pytest.mark.parametrize(("count", "each", "piece"), [(2, 1, None), (3, 3, None), (4, 4, 20), (2, 1, 20), (3, 3, 50)])
def test_same_parameters_history_and_estimates(count, each, piece):
    of_each = by_workers(count, each, piece)
    assert len(of_each) == count
    assert len(of_each[0]) > 30 // each
    assert [*faults(of_each)] == []


DIVERGES = """
import hashlib, json, sys
import numpy as np
import gluonvae as gv
from tests.helpers import small_vae

gv.seed(3)
vae = small_vae(likelihood="gaussian")
x = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)
options = {"learning_rate": 1e-3}
if sys.argv[1] == "datum":
    x[17, 3] = 1e25
else:
    options = {"learning_rate": 1e20}
try:
    gv.fit(gv.ELBO(vae), x, epochs=3, batch_size=10, optimizer="sgd", progress=False, **options)
except gv.Diverged as error:
    values = b"".join(p.data().asnumpy().tobytes() for p in vae.collect_params().values())
    finite = all(np.isfinite(p.data().asnumpy()).all() for p in vae.collect_params().values())
    print(json.dumps([str(error), error.step, error.parameters_before, hashlib.sha256(values).hexdigest(), bool(finite)]))
"""


@pytest.mark.parametrize(
    ("why", "message"), [("datum", "rank [012]: .*row 17.* 1e\\+25"), ("update", "[Aa] smaller learning rate")]
)
@pytest.mark.parametrize("before", ["", IN_PIECES])
def test_workers_diverge_together(why, message, before):
    first, *others = [json.loads(out) for out in outputs(3, "-c", before + DIVERGES, why)]
    assert re.search(message, first[0])
    assert first[-1]
    assert others == [first] * 2


ENDS = """
import json
import re
import numpy as np
import gluonvae as gv
from tests.distributed.trainings import images
from tests.helpers import small_vae

group = gv.distributed.current()

class Stop(gv.callbacks.Callback):
    def on_step(self, training):
        if training.steps_taken == 7 and group.rank == 1:
            training.stop("rank 1 has seen enough")

def end_after_epoch(metrics):
    if metrics["epoch"] == 2 and group.rank == 0:
        import os, signal
        os.kill(os.getpid(), signal.SIGINT)

class Writer(gv.callbacks.Callback):
    of_first = True
    calls = 0

    def on_epoch(self, training, metrics):
        self.calls += 1

writer = Writer()
found = []
for callbacks in ([Stop(), writer], [end_after_epoch, writer]):
    gv.seed(3)
    bound = gv.ELBO(small_vae())
    history = gv.fit(bound, images(), epochs=5, batch_size=10, progress=False, callbacks=callbacks)
    found.append([len(history), history.stopped, history.interrupted, bound.vae._first_parameter.data().asnumpy().tolist()])
assert writer.calls == (3 if group.rank == 0 else 0)
print(json.dumps(found))
"""


@pytest.mark.parametrize("before", ["", IN_PIECES])
def test_workers_end_together(before):
    first, second = [json.loads(out) for out in outputs(2, "-c", before + ENDS)]
    assert first == second
    (epochs, stopped, interrupted, _), (epochs_of_signal, not_stopped, by_signal, _) = first
    assert (epochs, stopped, interrupted) == (1, "rank 1 has seen enough", False)
    assert (epochs_of_signal, not_stopped, by_signal) == (2, None, True)


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


TOLD = """
import json, sys
import numpy as np
import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.distributed.trainings import images
from tests.helpers import small_vae

group, folder = gv.distributed.current(), sys.argv[1]

class Stream:
    def __init__(self, *batches):
        self.batches = batches
    def __iter__(self):
        return iter(self.batches)

class Fails(gv.callbacks.Callback):
    def on_step(self, training):
        if training.steps_taken == 3 and group.rank == 1:
            raise KeyError("at a step")

class Draws(gv.callbacks.Callback):
    of_first = True
    def on_epoch(self, training, metrics):
        gv.noise.source.normal((3,))
        metrics["drawn"] = 1.5

class OfItsOwn(gv.callbacks.Callback):
    def on_epoch(self, training, metrics):
        metrics["own"] = group.rank

def bound(**options):
    gv.seed(3)
    return gv.ELBO(small_vae(**options))

def fit(of, data, **options):
    return gv.fit(of, data, **{"epochs": 2, "batch_size": 10, "optimizer": "sgd", "progress": False, **options})

bad = images(9)
bad[8, 0] = 0.5
trainings = {
    "outside the support": lambda: fit(bound(), Stream(images(9), bad), batch_size=None),
    "a callback fails": lambda: fit(bound(), images(), callbacks=[Fails()]),
    "other rates": lambda: fit(bound(), images(), learning_rate=1e-3 * (1 + group.rank)),
    "other data": lambda: fit(bound(), images() * (1 - group.rank)),
    "other lengths": lambda: fit(bound(), Stream(*[images(9)] * (2 + group.rank)), batch_size=None),
    "sgld": lambda: fit(bound(), images(), optimizer="sgld"),
    "evaluates others": lambda: gv.evaluate(bound(), images(9 + group.rank)),
    "draws": lambda: fit(bound(), images(), callbacks=[Draws(), OfItsOwn()]),
    "own rows": lambda: bound().vae.log_prob(images(9)[group.rank :], samples=3),
    "best": lambda: best(),
}

def best():
    class Stop(gv.callbacks.Callback):
        def on_epoch(self, training, metrics):
            if metrics["epoch"] == 2:
                training.stop("later")
    rate = lambda step: 0.01 if step < 5 else 2.0
    options = {"valid": images(20), "epochs": 4, "learning_rate": rate, "restore_best": True}
    fit(bound(), images(), **options, callbacks=[Stop()], folder=folder)
    of = bound()
    history = fit(of, images(), **options, resume=folder)
    assert np.argmax(history["valid_bound"]) == 0
    return gv.evaluate(of, images(20)).bound - history["valid_bound"][0]

found = {}
for name, train in trainings.items():
    try:
        result = train()
        found[name] = result.rows[-1] if hasattr(result, "rows") else np.asarray(result).tolist()
    except Exception as error:
        found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@pytest.mark.parametrize("before", ["", IN_PIECES])
def test_all_workers_are_told_what_one_fails_at(before, tmp_path):
    first, second = [json.loads(out) for out in outputs(2, "-c", before + TOLD, str(tmp_path / "run"))]
    assert first["outside the support"].startswith("ValueError: rank 1: rows 9 to 17")
    assert second["outside the support"].startswith("ValueError: rows 9 to 17")
    assert first["a callback fails"] == "RuntimeError: rank 1: 'at a step'"
    assert second["a callback fails"] == "KeyError: 'at a step'"
    for name, of in (("other rates", "learning rate"), ("other data", "training data"), ("evaluates others", "data")):
        assert f"has another {of} than rank 0" in first[name]
    assert "batches of different sizes: one has 0 rows" in first["other lengths"]
    assert "sgld draws noise" in first["sgld"]
    assert first["draws"]["drawn"] == 1.5
    assert first["draws"]["own"] == 0
    for name in ("other rates", "other data", "evaluates others", "draws", "best"):
        assert first[name] == second[name], name
    assert abs(first["best"]) < 1e-5
    assert [len(of["own rows"]) for of in (first, second)] == [9, 8]
