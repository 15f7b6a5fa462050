"""JAX at its best: a whole step one jitted function, its state donated; so is a whole estimate.

jax_worker.py cpu|gpu
"""

from __future__ import annotations

import itertools
import math
import sys
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from rows import LEARNING_RATE
from serve import Given, Row, Tasks, serve

jax.config.update("jax_platforms", {"cpu": "cpu", "gpu": "cuda"}[sys.argv[1]])
jax.config.update("jax_default_matmul_precision", "float32")  # as the others; by default less on a GPU

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
ORDER = ("NHWC", "OIHW", "NHWC")
PARTS = ("shared", "mean", "std", "generator")


def parameters(given: Given) -> dict[str, list[tuple[Any, Any]]]:
    """For each part its layers, (weight, bias)."""
    parts: dict[str, list[tuple[Any, Any]]] = {}
    for part in PARTS:
        names = sorted(name for name in given if name.startswith(f"{part}.") and name.endswith("weight"))
        parts[part] = [(matrix(given[n]), jnp.array(given[n.replace("weight", "bias")])) for n in names]
    return parts


def matrix(weight: Any) -> Any:
    """A layer's, or the kernels of a convolution as they are."""
    return jnp.array(weight.T if weight.ndim == 2 else weight)


def convolution(layer: Any, maps: Any, stride: int, padding: int) -> Any:
    weight, bias = layer
    sizes = (stride, stride), [(padding, padding)] * 2
    return lax.conv_general_dilated(maps, weight, *sizes, dimension_numbers=ORDER) + bias


def transposed(layer: Any, maps: Any) -> Any:
    """Of 4×4 kernels, ``(in, out, 4, 4)``, with stride 2 and padding 1."""
    weight, bias = layer
    turned = jnp.flip(weight, (2, 3)).swapaxes(0, 1)
    sizes = (1, 1), [(2, 2)] * 2
    return lax.conv_general_dilated(maps, turned, *sizes, lhs_dilation=(2, 2), dimension_numbers=ORDER) + bias


def shared(layers: Any, data: Any) -> Any:
    """The features of which both heads are functions."""
    if layers[0][0].ndim == 2:
        return jnp.tanh(mlp(layers, data))
    maps = data.reshape(-1, 28, 28, 1)
    for layer in layers:
        maps = jax.nn.relu(convolution(layer, maps, 2, 1))
    return maps.transpose(0, 3, 1, 2).reshape(len(data), -1)


def generate(layers: Any, z: Any) -> Any:
    """The logits."""
    if layers[-1][0].ndim == 2:
        return mlp(layers, z)
    rows = jax.nn.relu(mlp(layers[:1], z))
    maps = rows.reshape(-1, 32, 7, 7).transpose(0, 2, 3, 1)
    for layer in layers[1:-1]:
        maps = jax.nn.relu(transposed(layer, maps))
    return convolution(layers[-1], maps, 1, 0).reshape(len(z), -1)


def softplus(x: Any) -> Any:
    """As fast as jax.nn's in a training step, and faster where nothing is differentiated."""
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def mlp(layers: list[Any], x: Any) -> Any:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def encode(p: Any, data: Any) -> tuple[Any, Any]:
    features = shared(p["shared"], data)
    return mlp(p["mean"], features), softplus(mlp(p["std"], features)) + 1e-4


def log_weight(p: Any, data: Any, mean: Any, std: Any, noise: Any) -> Any:
    """log p(x | z), and log p(z) - log q(z | x)."""
    z = mean + std * noise
    logits = generate(p["generator"], z)
    log_likelihood = (logits * data - softplus(logits)).sum(-1)
    return log_likelihood, (0.5 * (noise**2 - z**2) + jnp.log(std)).sum(-1)


def bound(p: Any, data: Any, noise: Any) -> Any:
    """``(B,)``."""
    mean, std = encode(p, data)
    log_likelihood, log_ratio = log_weight(p, data, mean, std, noise)
    if noise.ndim == 2:
        return log_likelihood - (0.5 * (mean**2 + std**2 - 1) - jnp.log(std)).sum(-1)
    return jax.scipy.special.logsumexp(log_likelihood + log_ratio, axis=0) - math.log(len(noise))


@jax.jit
def gradient(p: Any, data: Any, noise: Any) -> Any:
    return jax.grad(lambda p: -bound(p, data, noise).mean())(p)


@partial(jax.jit, donate_argnums=(0,))
def update(state: Any, data: Any, noise: Any) -> Any:
    p, mean, var, count = state
    count = count + 1
    g = gradient(p, data, noise)
    mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, g)
    var = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, var, g)
    rate = LEARNING_RATE * jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count)
    p = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), p, mean, var)
    return p, mean, var, count


@partial(jax.jit, static_argnums=(3,))
def estimate(p: Any, data: Any, key: Any, samples: int) -> Any:
    """log p(x), ``(N,)``, by importance sampling, one data point after another."""

    def of_one(point: Any) -> Any:
        x, mean, std, key = point
        noise = jax.random.normal(key, (samples, *mean.shape))
        return jax.scipy.special.logsumexp(sum(log_weight(p, x, mean, std, noise))) - math.log(samples)

    return jax.lax.map(of_one, (data, *encode(p, data), jax.random.split(key, len(data))))


def make(row: Row, given: Given) -> Tasks:
    p, data = parameters(given), jnp.array(given["data"])
    if "noise" not in given:
        keys = map(jax.random.key, itertools.count())
        return {"likelihood": lambda: estimate(p, data, next(keys), row.samples).tolist()}
    noise = jnp.array(given["noise"])
    state = [(p, *(jax.tree.map(jnp.zeros_like, p) for _ in range(2)), jnp.zeros((), jnp.float32))]

    def step() -> None:
        state[0] = jax.block_until_ready(update(state[0], data, noise))

    def gradients() -> dict[str, list[float]]:
        p = state[0][0]
        layers = {part: gradient(p, data, noise)[part] for part in PARTS}
        biases = {f"{part}.{2 * i}.bias": bias.tolist() for part in PARTS for i, (_, bias) in enumerate(layers[part])}
        return {"bound": bound(p, data, noise).tolist(), **biases}

    return {"step": step, "gradients": gradients}


serve(make, f"jax {jax.__version__}, jit, donated state, {jax.devices()[0].platform}")
