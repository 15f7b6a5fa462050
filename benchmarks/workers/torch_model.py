"""The model of a row in PyTorch, its parameters under the names that all contestants know."""

from __future__ import annotations

import torch
from rows import PIXELS
from serve import Given, Row
from torch import nn


def mlp(*widths: int) -> nn.Sequential:
    """Linear layers with a tanh between each two."""
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class VAE(nn.Module):
    def __init__(self, row: Row, given: Given) -> None:
        super().__init__()
        self.shared = mlp(PIXELS, row.shared)
        self.mean, self.std = (mlp(row.shared, row.head, row.latent) for _ in range(2))
        self.generator = mlp(row.latent, *row.generator, PIXELS)
        self.load_state_dict({name: torch.from_numpy(given[name]) for name in self.state_dict()})

    def encode(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of q(z | x)."""
        features = self.shared(data).tanh()
        return self.mean(features), nn.functional.softplus(self.std(features)) + 1e-4

    def log_ratio(self, z: torch.Tensor, noise: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
        """log p(z) - log q(z | x)."""
        return (0.5 * (noise**2 - z**2) + std.log()).sum(-1)
