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


def convolutions(latent: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The layers to the features before their activation, and those of the generator."""
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2, padding=1)
    )
    decoder = nn.Sequential(
        nn.Linear(latent, 32 * 7 * 7),
        nn.Sequential(nn.ReLU(), nn.Unflatten(1, (32, 7, 7))),
        *(nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 1, 1), nn.Flatten()),
    )
    return encoder, decoder


class VAE(nn.Module):
    def __init__(self, row: Row, given: Given) -> None:
        super().__init__()
        self.convolutional = row.convolutional
        if row.convolutional:
            self.shared, self.generator = convolutions(row.latent)
            self.mean, self.std = (mlp(64 * 7 * 7, row.latent) for _ in range(2))
        else:
            self.shared, self.generator = mlp(PIXELS, row.shared), mlp(row.latent, *row.generator, PIXELS)
            self.mean, self.std = (mlp(row.shared, row.head, row.latent) for _ in range(2))
        self.load_state_dict({name: torch.from_numpy(given[name]) for name in self.state_dict()})

    def encode(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of q(z | x)."""
        if self.convolutional:
            features = self.shared(data.view(-1, 1, 28, 28)).relu().flatten(1)
        else:
            features = self.shared(data).tanh()
        return self.mean(features), nn.functional.softplus(self.std(features)) + 1e-4

    def log_ratio(self, z: torch.Tensor, noise: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
        """log p(z) - log q(z | x)."""
        return (0.5 * (noise**2 - z**2) + std.log()).sum(-1)
