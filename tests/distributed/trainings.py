"""Trainings that are the same in parts as in one: rows of a table, each run on devices, and by workers.

``python -m tests.distributed.trainings K [PIECE]`` in a worker runs each Kth with the others, and prints a digest of what it
leaves, and in rank 0 the largest difference from what it leaves in one process.
"""

import hashlib
import json
import sys
from functools import partial

import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import small_vae
from tests.helpers.workers import outputs
from tests.tables.bounds import BOUNDS
from tests.tables.bounds import SAMPLES as K

ROWS, BATCH = 53, 10
"""The last batch of an epoch has 3 rows: fewer than there may be workers."""


def images(rows=ROWS):
    return np.random.default_rng(1).integers(0, 2, (rows, 12)).astype(np.float32)


def values_of(bound, history, data):
    """What a training leaves: parameters, history, and estimates on some data."""
    vae = bound.vae
    few = data.subset(slice(7)) if isinstance(data, gv.data.Dataset) else data[:7]
    estimate = gv.evaluate(bound, few)
    found = [np.array(estimate[:3]), *(p.list_data()[0].asnumpy() for p in bound.collect_params().values())]
    found += [np.array(history[name]) for name in ("train_bound", "train_log_likelihood", "train_kl", "valid_bound")]
    if vae.has_importance_weights:
        found.append(gv.log_marginal_likelihood(vae, few, samples=50).log_likelihood)
    return found


def fitted(make=gv.ELBO, data=None, valid=None, mode=True, ctx=None, vae=None, **options):
    """Train a small model from a seed."""
    gv.seed(3)
    vae = small_vae() if vae is None else vae()
    if ctx is not None:
        vae.collect_params().reset_ctx(ctx)
    bound = make(vae)
    if mode:
        bound.hybridize(static_alloc=True, static_shape=True)
    data = images() if data is None else data()
    history = gv.fit(
        bound,
        data,
        images(20) if valid is None else valid(),
        **{"epochs": 2, "batch_size": BATCH, "optimizer": "sgd", "learning_rate": 0.05, "progress": False, **options},
    )
    return values_of(bound, history, images() if valid is None else valid())


def grey():
    """Pixels that are drawn anew at each use."""
    return gv.data.Dataset(np.random.default_rng(2).integers(0, 256, (ROWS, 12)).astype(np.uint8))


class Unequal:
    """Batches of 4, 9 and 2 rows."""

    def __iter__(self):
        return iter(np.split(images(15), [4, 13]))


def loader():
    data = mx.gluon.data.ArrayDataset(images())
    return mx.gluon.data.DataLoader(data, batch_size=BATCH, shuffle=True)


def in_float64():
    vae = small_vae()
    vae.cast("float64")
    return vae


def labelled():
    return gv.data.Dataset(images(), binarization="none", labels=np.arange(ROWS) % 3)


ADAM = {"optimizer": "adam", "optimizer_params": {"epsilon": 1e-3}, "learning_rate": 0.01}
OF_ROWS = [name for name, make in BOUNDS.items() if make(small_vae()).of_single_rows]
"""Bounds that are sums over data points."""

TRAININGS = {
    **{name: {"make": BOUNDS[name]} for name in OF_ROWS},
    "imperative": {"mode": False},
    "adam": ADAM,
    "IWAE, adam": {**ADAM, "make": lambda vae: gv.IWAE(vae, samples=K)},
    "dynamic pixels": {"data": grey},
    "unequal batches": {"data": Unequal, "batch_size": None},
    "a DataLoader": {"data": loader, "batch_size": None},
    "a DataLoader, other batches": {"data": loader, "batch_size": 7},
    "labels": {"data": labelled, "valid": labelled, "vae": lambda: small_vae(label_size=3)},
    "two batches an update": {"accumulate": 2},
    "clipped": {"clip_norm": 0.5},
    "averaged": {"ema": 0.9},
    "best": {"restore_best": True, "learning_rate": 0.5},
    "float64": {"vae": in_float64},
    "one row a batch": {"batch_size": 1, "epochs": 1},
}


def difference(some, others):
    """The largest difference of two trainings, relative to 1 or the size of a number, whichever is larger."""
    assert len(some) == len(others)
    return max(float((np.abs(a - b) / np.maximum(1, np.abs(b))).max()) for a, b in zip(some, others))


def own_loop():
    """Ten steps of a loop of one's own."""
    gv.seed(3)
    vae = small_vae()
    bound = gv.IWAE(vae, samples=K)
    bound.hybridize()
    group, data = gv.distributed.current(), mx.nd.array(images())
    trainer = gv.Trainer(bound.collect_params(), "adam", {"learning_rate": 0.01, "epsilon": 1e-3})
    for step in range(10):
        rows = np.arange(step, step + BATCH - step)
        part = group.part(len(rows))
        noise = bound.draw_noise(len(rows))
        if part.start < part.stop:
            with mx.autograd.record():
                loss = -bound(data[rows[part]], gv.distributed.rows_of(noise, part))
            loss.backward()
        trainer.step(len(rows))
    return [p.data().asnumpy() for p in vae.collect_params().values()]


def by_workers(count, each=1, piece=None):
    """What each of ``count`` workers says of each ``each``th training, where gradients are sent in pieces of some
    numbers."""
    told = outputs(count, "-m", "tests.distributed.trainings", str(each), *([] if piece is None else [str(piece)]))
    return [json.loads(out) for out in told]


def faults(of_each):
    """Trainings that differ from one process, or between the workers."""
    first, *others = of_each
    for name, (digest, differs) in first.items():
        if not differs < 1e-5:
            yield f"{name} differs from one process by {differs:.1e}"
        if [other[name][0] for other in others] != [digest] * len(others):
            yield f"{name} differs between the workers"


def main():
    group, found = gv.distributed.current(), {}
    trainings = {**{name: partial(fitted, **options) for name, options in TRAININGS.items()}, "loop": own_loop}
    for number, (name, training) in enumerate(trainings.items()):
        if number % EACH == 0:
            together = training()
            # one worker looks what it should be
            with gv.distributed.alone():
                differs = difference(together, training()) if group.rank == 0 else None
            found[name] = hashlib.sha256(b"".join(part.tobytes() for part in together)).hexdigest(), differs
    print(json.dumps(found))


if __name__ == "__main__":
    EACH = int(sys.argv[1])
    if len(sys.argv) > 2:
        gv.distributed.current()._exchange.piece = int(sys.argv[2])
    main()
