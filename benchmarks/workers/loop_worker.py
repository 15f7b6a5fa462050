"""An epoch in gluonvae: by fit, by a loop of one's own as in the README, and by the bare step alone.

loop_worker.py fit|own|bare cpu|gpu
"""

from __future__ import annotations

import sys
from typing import Any, Callable

from gluon_model import STATIC, construct
from rows import LEARNING_RATE
from serve import Given, Row, Tasks, serve

import gluonvae as gv
from gluonvae.backend import runtime
from gluonvae.backend.runtime import mx

VARIANT = sys.argv[1]
CTX = runtime.device(sys.argv[2])
SOURCE = gv.noise.source


def fit(bound: gv.ELBO, train: gv.data.Dataset, batch: int) -> Callable[[], Any]:
    """All of the call, its start included; tells the bound."""

    def epoch() -> float:
        history = gv.fit(bound, train, epochs=1, batch_size=batch, learning_rate=LEARNING_RATE)
        return history["train_bound"][-1]

    return epoch


def own(bound: gv.ELBO, train: gv.data.Dataset, batch: int) -> Callable[[], Any]:
    """The README's loop, word for word."""
    trainer = gv.Trainer(bound.vae.collect_params(), "adam", {"learning_rate": LEARNING_RATE})

    def epoch() -> None:
        for _ in range(len(train) // batch):
            data = mx.nd.array(train.batch(SOURCE.permutation(len(train))[:batch]), ctx=CTX)
            with mx.autograd.record():
                loss = -bound(data)  # (B,), nats per image
            loss.backward()
            trainer.step(len(data))
        mx.nd.waitall()

    return epoch


def bare(bound: gv.ELBO, train: gv.data.Dataset, batch: int) -> Callable[[], Any]:
    """Data and noise are there already, nothing is read."""
    trainer = gv.Trainer(bound.vae.collect_params(), "adam", {"learning_rate": LEARNING_RATE})
    batches = [
        (mx.nd.array(train.batch(slice(start, start + batch)), ctx=CTX), bound.draw_noise(batch))
        for start in range(0, len(train), batch)
    ]

    def epoch() -> None:
        for data, noise in batches:
            with mx.autograd.record():
                loss = -bound(data, noise)
            loss.backward()
            trainer.step(batch)
        mx.nd.waitall()

    return epoch


def make(row: Row, given: Given) -> Tasks:
    gv.seed(1)
    bound = gv.ELBO(construct(row, given, CTX))
    bound.hybridize(**STATIC)
    loop = {"fit": fit, "own": own, "bare": bare}[VARIANT]
    return {"epoch": loop(bound, gv.data.Dataset(given["pixels"]), row.batch)}


serve(make, f"mxnet {mx.__version__}, {VARIANT}, hybridised, fused Adam")
