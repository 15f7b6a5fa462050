"""JAX at its best: the whole step one jitted function, its state donated.

python jax_worker.py
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from serve import LEARNING_RATE, PIXELS, Row, Step, serve

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def dense(rng: np.random.Generator, inputs: int, outputs: int) -> tuple[Any, Any]:
    top = math.sqrt(6 / (inputs + outputs))
    return jnp.array(rng.uniform(-top, top, (inputs, outputs)), jnp.float32), jnp.zeros(outputs)


def parameters(row: Row) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    widths = (row.latent, *row.generator, PIXELS)
    head = [(row.shared, row.head), (row.head, row.latent)]
    return {
        "shared": [dense(rng, PIXELS, row.shared)],
        "mean": [dense(rng, *sizes) for sizes in head],
        "std": [dense(rng, *sizes) for sizes in head],
        "generator": [dense(rng, *sizes) for sizes in zip(widths, widths[1:])],
    }


def mlp(layers: list[Any], x: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def loss(p: dict[str, Any], data: Any, noise: Any, samples: int) -> Any:
    features = jnp.tanh(mlp(p["shared"], data))
    mean, std = mlp(p["mean"], features), jax.nn.softplus(mlp(p["std"], features)) + 1e-4
    z = mean + std * noise
    logits = mlp(p["generator"], z)
    log_likelihood = (logits * data - jax.nn.softplus(logits)).sum(-1)
    if samples == 1:
        kl = (0.5 * (mean**2 + std**2 - 1) - jnp.log(std)).sum(-1)
        return (kl - log_likelihood).mean()
    log_ratio = (-0.5 * z**2 + 0.5 * noise**2 + jnp.log(std)).sum(-1)
    return (math.log(samples) - jax.scipy.special.logsumexp(log_likelihood + log_ratio, axis=0)).mean()


@partial(jax.jit, static_argnums=(3,), donate_argnums=(0,))
def update(state: Any, data: Any, noise: Any, samples: int) -> Any:
    p, mean, var, count = state
    count = count + 1
    gradient = jax.grad(loss)(p, data, noise, samples)
    mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, gradient)
    var = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, var, gradient)
    rate = LEARNING_RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    p = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), p, mean, var)
    return p, mean, var, count


def make(row: Row) -> Step:
    rng = np.random.default_rng(0)
    data = jnp.array(rng.random((row.batch, PIXELS)) < 0.13, jnp.float32)
    shape = (row.batch, row.latent) if row.samples == 1 else (row.samples, row.batch, row.latent)
    noise = jnp.array(rng.standard_normal(shape), jnp.float32)
    start = parameters(row)
    zeros = [jax.tree.map(jnp.zeros_like, start) for _ in range(2)]
    state = [(start, *zeros, jnp.zeros((), jnp.float32))]

    def step() -> None:
        state[0] = jax.block_until_ready(update(state[0], data, noise, row.samples))

    return step


serve(make, f"jax {jax.__version__}, jit, donated state, {jax.devices()[0].platform}")
