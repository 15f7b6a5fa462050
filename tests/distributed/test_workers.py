"""Trainings by several workers are those by one."""

import json
import re

import pytest

from tests.helpers.workers import outputs


@pytest.mark.parametrize(("count", "each"), [(2, 1), (3, 3), (4, 4)])
def test_same_parameters_history_and_estimates(count, each):
    of_each = [json.loads(out) for out in outputs(count, "-m", "tests.distributed.trainings", str(each))]
    assert len(of_each[0]) > 30 // each
    assert {name: differs for name, (_, differs) in of_each[0].items() if not differs < 1e-5} == {}
    for name, (digest, _) in of_each[0].items():
        assert [other[name][0] for other in of_each] == [digest] * count, name


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
def test_workers_diverge_together(why, message):
    first, *others = [json.loads(out) for out in outputs(3, "-c", DIVERGES, why)]
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


def test_workers_end_together():
    first, second = [json.loads(out) for out in outputs(2, "-c", ENDS)]
    assert first == second
    (epochs, stopped, interrupted, _), (epochs_of_signal, not_stopped, by_signal, _) = first
    assert (epochs, stopped, interrupted) == (1, "rank 1 has seen enough", False)
    assert (epochs_of_signal, not_stopped, by_signal) == (2, None, True)
