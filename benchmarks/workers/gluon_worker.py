"""gluonvae as it comes ("ours"), and Gluon as it comes ("plain", "imperative").

python gluon_worker.py ours|plain|imperative [DEVICE]
"""

from __future__ import annotations

import sys

import numpy as np
from serve import LEARNING_RATE, PIXELS, Row, Step, serve

import gluonvae as gv
from gluonvae import runtime
from gluonvae.runtime import mx

VARIANT = sys.argv[1]
CTX = runtime.device(sys.argv[2] if len(sys.argv) > 2 else "cpu")
OPTIMIZER = "fusedadam" if VARIANT == "ours" else "adam"


def make(row: Row) -> Step:
    gv.seed(1)
    vae = gv.construct_vae(
        generator_layer_sizes=row.generator,
        infer_layer_sizes=[row.shared, row.head],
        latent_variable_size=row.latent,
    )
    vae.initialize(ctx=CTX)
    bound = gv.ELBO(vae) if row.samples == 1 else gv.IWAE(vae, samples=row.samples)
    if VARIANT == "ours":
        bound.hybridize(static_alloc=True, static_shape=True)
    elif VARIANT == "plain":
        bound.hybridize()
    trainer = mx.gluon.Trainer(vae.collect_params(), OPTIMIZER, {"learning_rate": LEARNING_RATE})
    rng = np.random.default_rng(0)
    data = mx.nd.array(rng.random((row.batch, PIXELS)) < 0.13, ctx=CTX, dtype="float32")
    noise = mx.nd.array(rng.standard_normal(vae.inference_net.noise_shape(row.batch, row.samples)), ctx=CTX)

    def step() -> None:
        with mx.autograd.record():
            loss = -bound(data, noise)
        loss.backward()
        trainer.step(row.batch)
        mx.nd.waitall()

    return step


settings = ", ".join(f"{name} {value}" for name, value in runtime.describe().items() if name.isupper())
serve(make, f"mxnet {mx.__version__}, {VARIANT}: {settings}")
