"""The model of a row in gluonvae, its weights under names that all contestants know, and its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

import numpy as np
from rows import LEARNING_RATE, PIXELS, Row

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.networks.images import MapsToRows

STATIC = {"static_alloc": True, "static_shape": True}

CONVOLUTIONAL = {
    **dict.fromkeys(("generator_body", "infer_body"), "conv"),
    **dict.fromkeys(("generator_act_type", "infer_act_type"), "relu"),
    "data_shape": (28, 28),
}

Given = Mapping[str, np.ndarray]
"""What contestants are given: weights, ``data`` and, for a training step, ``noise``."""


def construct(row: Row, given: Optional[Given] = None, ctx: Any = None) -> gv.VAE:
    """The model of a row, with the weights given, if any."""
    vae = gv.construct_vae(latent_variable_size=row.latent, **(CONVOLUTIONAL if row.convolutional else _layers(row)))
    vae.initialize(ctx=ctx)
    vae(mx.nd.zeros((1, PIXELS), ctx=ctx))  # which tells convolutions their sizes
    if given is not None:
        for name, parameter in _parameters(vae).items():
            parameter.set_data(mx.nd.array(given[name]))
    return vae


def _layers(row: Row) -> dict[str, Any]:
    return {"generator_layer_sizes": row.generator, "infer_layer_sizes": [row.shared, row.head]}


def weights(vae: gv.VAE) -> dict[str, np.ndarray]:
    """By the names they would have in PyTorch: ``mean.2.weight`` is of the third layer, activations
    counted, of the head for the mean."""
    return {name: parameter.data().asnumpy() for name, parameter in _parameters(vae).items()}


def _parameters(vae: gv.VAE) -> dict[str, Any]:
    net, generator = vae.inference_net, vae.generator
    body, decoder, last = net.body, generator.body, generator.logits_head
    if isinstance(last, MapsToRows):
        body, (maps, *others), last = body.body.block, decoder.body.block, last.layer
        decoder = [maps.layer, *others]
    layers = {"shared": body, "mean": net.mean_head, "std": net.std_head, "generator": [*decoder, last]}
    return {
        f"{part}.{index}.{kind}": getattr(layer, kind)
        for part, blocks in layers.items()
        for index, layer in enumerate(blocks)
        if hasattr(layer, "weight")
        for kind in ("weight", "bias")
    }


SHARE = 0.13
"""Of pixels that are 1, as in MNIST."""


def draw(row: Row, share: float = SHARE) -> dict[str, np.ndarray]:
    """Weights, data and noise for a training step."""
    gv.seed(1)
    rng, vae = np.random.default_rng(0), construct(row)
    leading = (row.batch,) if row.samples == 1 else (row.samples, row.batch)
    return {
        **weights(vae),
        "data": (rng.random((row.batch, PIXELS)) < share).astype(np.float32),
        "noise": rng.standard_normal((*leading, row.latent), dtype=np.float32),
    }


class Training:
    """A training step, its data and noise given; hybridised with the settings ``hybridize``, or not."""

    def __init__(
        self,
        row: Row,
        given: Given,
        ctx: Any = None,
        hybridize: Optional[dict[str, bool]] = STATIC,
        optimizer: str = "fusedadam",
    ) -> None:
        self.vae = construct(row, given, ctx)
        self.bound = gv.ELBO(self.vae) if row.samples == 1 else gv.IWAE(self.vae, samples=row.samples)
        if hybridize is not None:
            self.bound.hybridize(**hybridize)
        trainer = gv.Trainer if optimizer == "fusedadam" else mx.gluon.Trainer
        self.trainer = trainer(self.vae.collect_params(), optimizer, {"learning_rate": LEARNING_RATE})
        self.data, self.noise = mx.nd.array(given["data"], ctx=ctx), mx.nd.array(given["noise"], ctx=ctx)

    def compute(self) -> Any:
        """Minus the bound, ``(B,)``, and its gradients."""
        with mx.autograd.record():
            loss = -self.bound(self.data, self.noise)
        loss.backward()
        return loss

    def optimize(self) -> None:
        self.trainer.step(len(self.data))

    def step(self) -> None:
        self.compute()
        self.optimize()
        mx.nd.waitall()

    def gradients(self) -> dict[str, Any]:
        """The bound, and the gradients of minus its mean by the biases, to compare with the others'."""
        bound = (-self.compute()).asnumpy().tolist()
        biases = {name: p for name, p in _parameters(self.vae).items() if name.endswith("bias")}
        return {"bound": bound, **{name: (p.grad() / len(bound)).asnumpy().tolist() for name, p in biases.items()}}
