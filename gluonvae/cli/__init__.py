"""The command ``gluonvae``."""

from .main import main, parser

__all__ = ["main", "parser"]
