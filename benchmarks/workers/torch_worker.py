"""PyTorch at its best: fused Adam, eagerly or compiled.

python torch_worker.py eager|compile [cpu|cuda]
"""

from __future__ import annotations

import math
import sys

import torch
from serve import LEARNING_RATE, PIXELS, Row, Step, serve
from torch import nn

VARIANT = sys.argv[1]
DEVICE = sys.argv[2] if len(sys.argv) > 2 else "cpu"


class VAE(nn.Module):
    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row
        self.shared = nn.Sequential(nn.Linear(PIXELS, row.shared), nn.Tanh())
        self.mean, self.std = (
            nn.Sequential(nn.Linear(row.shared, row.head), nn.Tanh(), nn.Linear(row.head, row.latent)) for _ in range(2)
        )
        layers: list[nn.Module] = []
        widths = (row.latent, *row.generator)
        for before, after in zip(widths, widths[1:]):
            layers += [nn.Linear(before, after), nn.Tanh()]
        self.generator = nn.Sequential(*layers, nn.Linear(widths[-1], PIXELS))

    def forward(self, data: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Minus the bound, summed over the batch."""
        features = self.shared(data)
        mean, std = self.mean(features), nn.functional.softplus(self.std(features)) + 1e-4
        logits = self.generator(mean + std * noise)
        target = data.expand_as(logits)
        log_likelihood = -nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
        if self.row.samples == 1:
            kl = (0.5 * (mean**2 + std**2 - 1) - std.log()).sum(-1)
            return (kl - log_likelihood).sum()
        z = mean + std * noise
        log_ratio = (-0.5 * z**2 + 0.5 * noise**2 + std.log()).sum(-1)
        return (math.log(self.row.samples) - torch.logsumexp(log_likelihood + log_ratio, 0)).sum()


def make(row: Row) -> Step:
    torch.manual_seed(1)
    torch.set_flush_denormal(True)
    model = VAE(row).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    data = (torch.rand(row.batch, PIXELS) < 0.13).float().to(DEVICE)
    shape = (row.batch, row.latent) if row.samples == 1 else (row.samples, row.batch, row.latent)
    noise = torch.randn(shape).to(DEVICE)
    compute = torch.compile(model) if VARIANT == "compile" else model

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        (compute(data, noise) / row.batch).backward()
        optimizer.step()
        if DEVICE != "cpu":
            torch.cuda.synchronize()

    return step


serve(make, f"torch {torch.__version__}, {VARIANT}, fused Adam, {torch.get_num_threads()} threads")
