"""PyTorch at its best: fused Adam, eagerly, compiled, or compiled with products in bfloat16.

torch_worker.py eager|compile|bfloat16 cpu|gpu
"""

from __future__ import annotations

import itertools
import math
import sys

import torch
from rows import LEARNING_RATE
from serve import Given, Row, Tasks, serve
from torch.nn import functional
from torch_model import VAE

VARIANT = sys.argv[1]
DEVICE = {"cpu": "cpu", "gpu": "cuda"}[sys.argv[2]]
CHUNK = 1000 if DEVICE == "cpu" else 100_000
"""Samples of a data point at a time: on a CPU the faster for staying in its caches."""


def wait() -> None:
    if DEVICE != "cpu":
        torch.cuda.synchronize()


def loss(model: VAE, data: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Minus the bound, ``(B,)``."""
    mean, std = model.encode(data)
    z = mean + std * noise
    logits = model.generator(z)
    target = data.expand_as(logits)
    log_likelihood = -functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
    if noise.dim() == 2:
        kl = (0.5 * (mean**2 + std**2 - 1) - std.log()).sum(-1)
        return kl - log_likelihood
    return math.log(len(noise)) - torch.logsumexp(log_likelihood + model.log_ratio(z, noise, std), 0)


def log_weights(model: VAE, data: torch.Tensor, mean: torch.Tensor, std: torch.Tensor, samples: int) -> torch.Tensor:
    """log p(x, z) - log q(z | x) of one data point, ``(samples,)``."""
    noise = torch.randn(samples, mean.shape[-1], device=DEVICE)
    z = mean + std * noise
    logits = model.generator(z)
    return logits @ data - functional.softplus(logits).sum(-1) + model.log_ratio(z, noise, std)


def make(row: Row, given: Given) -> Tasks:
    torch.set_flush_denormal(True)
    model = VAE(row, given).to(DEVICE)
    data = torch.from_numpy(given["data"]).to(DEVICE)
    if "noise" in given:
        return training(model, data, torch.from_numpy(given["noise"]).to(DEVICE))
    return likelihoods(model, data, row.samples)


def training(model: VAE, data: torch.Tensor, noise: torch.Tensor) -> Tasks:
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    compute = loss if VARIANT == "eager" else torch.compile(loss)
    precision = torch.autocast(DEVICE, torch.bfloat16, enabled=VARIANT == "bfloat16")

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with precision:
            value = compute(model, data, noise).mean()
        value.backward()
        optimizer.step()
        wait()

    def gradients() -> dict[str, list[float]]:
        optimizer.zero_grad(set_to_none=True)
        losses = compute(model, data, noise)
        losses.mean().backward()
        biases = {name: p.grad.tolist() for name, p in model.named_parameters() if name.endswith("bias")}
        return {"bound": (-losses).tolist(), **biases}

    return {"step": step, "gradients": gradients}


def likelihoods(model: VAE, data: torch.Tensor, samples: int) -> Tasks:
    compute = torch.compile(log_weights) if VARIANT == "compile" else log_weights
    seeds = itertools.count()

    chunks = [min(CHUNK, samples - start) for start in range(0, samples, CHUNK)]

    @torch.inference_mode()
    def likelihood() -> list[float]:
        torch.manual_seed(next(seeds))
        of_each = [
            torch.logsumexp(torch.cat([compute(model, *point, chunk) for chunk in chunks]), 0)
            for point in zip(data, *model.encode(data))
        ]
        return (torch.stack(of_each) - math.log(samples)).tolist()

    return {"likelihood": likelihood}


serve(make, f"torch {torch.__version__}, {VARIANT}, fused Adam, {torch.get_num_threads()} threads")
