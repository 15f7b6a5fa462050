"""Does a convolutional model pay for its samples being folded by the library? A step's forward and backward pass,
against a graph in plain Gluon of the same layers, folded by hand.

    python benchmarks/folding.py [--device gpu] [--json FILE]

Both compute the importance-weighted bound of the same weights, data and noise; that they give the same numbers is
asserted first. They alternate in one process, A B A B; medians of all passes are printed.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import contest
import numpy as np
from gluon_model import STATIC

import gluonvae as gv
from gluonvae.backend.runtime import mx
from gluonvae.inference.base import MIN_STD

LATENT = 20
ROWS = [(100, 1), (20, 5), (4, 25), (20, 20)]
"""Batch and samples."""


class FoldedByHand(mx.gluon.HybridBlock):
    """The bound, with k samples of B data points as k B rows from the latent states to the logits."""

    def __init__(self, vae: gv.VAE, batch: int, samples: int) -> None:
        super().__init__()
        self.batch, self.samples = batch, samples
        net, generator = vae.inference_net, vae.generator
        self.encoder, self.mean, self.std = net.body.body.block, net.mean_head[0], net.std_head[0]
        self.decoder, self.last = generator.body.body.block, generator.logits_head.layer

    def hybrid_forward(self, F: Any, data: Any, noise: Any) -> Any:
        features = F.flatten(self.encoder(F.reshape(data, shape=(self.batch, 1, 28, 28))))
        mean, std = self.mean(features), F.Activation(self.std(features), act_type="softrelu") + MIN_STD
        # (k, B, D)
        noise = F.reshape(noise, shape=(self.samples, self.batch, LATENT))
        z = F.broadcast_add(F.broadcast_mul(noise, F.expand_dims(std, axis=0)), F.expand_dims(mean, axis=0))
        logits = self.last(self.decoder(F.reshape(z, shape=(self.samples * self.batch, LATENT))))
        logits = F.reshape(logits, shape=(self.samples, self.batch, 784))
        pixels = F.broadcast_like(F.expand_dims(data, axis=0), logits)
        log_likelihood = F.sum(pixels * logits - F.Activation(logits, act_type="softrelu"), axis=-1)
        log_ratio = F.broadcast_add(0.5 * F.sum(noise * noise - z * z, axis=-1), F.sum(F.log(std), axis=-1))
        weight = log_likelihood + log_ratio
        top = F.BlockGrad(F.max(weight, axis=0, keepdims=True))
        return F.squeeze(top, axis=0) + F.log(F.mean(F.exp(F.broadcast_sub(weight, top)), axis=0))


def passes(block: Any, inputs: Any, seconds: float) -> list[float]:
    """The seconds of as many passes as fit into ``seconds``, of two at least."""
    times: list[float] = []
    while len(times) < 2 or sum(times) < seconds:
        started = time.perf_counter()
        with mx.autograd.record():
            value = block(*inputs)
        value.backward()
        mx.nd.waitall()
        times.append(time.perf_counter() - started)
    return times


def same(blocks: dict[str, Any], inputs: Any, vae: gv.VAE) -> None:
    """Raise AssertionError where bounds or gradients differ."""
    values = []
    for block in blocks.values():
        passes(block, inputs, 0)
        values.append([block(*inputs).asnumpy(), *(p.grad().asnumpy() for p in vae.collect_params().values())])
    for one, other in zip(*values):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * abs(one).max())


def main() -> None:
    options = contest.parser(__doc__, rounds=7)
    options.add_argument("--seconds", type=float, default=1.0, help="length of a turn (default: %(default)s)")
    asked = contest.parse(options)
    rng, medians = np.random.default_rng(0), {}
    print(f"\n{'ms a pass':<28}{'gluonvae':>12}{'by hand':>12}{'ratio':>8}")
    for batch, samples in ROWS:
        gv.seed(1)
        bodies = {"infer_body": "conv", "generator_body": "conv", "latent_variable_size": LATENT}
        vae = gv.construct_vae(**bodies, infer_act_type="relu", generator_act_type="relu")
        vae.initialize(ctx=asked.ctx)
        blocks = {"gluonvae": gv.IWAE(vae, samples=samples), "by hand": FoldedByHand(vae, batch, samples)}
        for block in blocks.values():
            block.hybridize(**STATIC)
        data = mx.nd.array(rng.random((batch, 784)) < 0.13, asked.ctx, "float32")
        noise = blocks["gluonvae"].draw_noise(batch)
        same(blocks, (data, noise), vae)
        times: dict[str, list[float]] = {name: [] for name in blocks}
        for _ in range(asked.rounds):
            for name, block in blocks.items():
                times[name] += passes(block, (data, noise), asked.seconds)
        row = f"batch {batch}, {samples} samples"
        medians[row] = {name: statistics.median(seconds) for name, seconds in times.items()}
        ours, by_hand = medians[row].values()
        print(f"{row:<28}{1e3 * ours:>12.1f}{1e3 * by_hand:>12.1f}{ours / by_hand:>8.2f}", flush=True)
    contest.save(asked, medians=medians)


if __name__ == "__main__":
    main()
