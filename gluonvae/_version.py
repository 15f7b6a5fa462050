"""The version, which is made of git's tags when the package is built."""

from __future__ import annotations

import importlib.metadata

try:
    __version__ = importlib.metadata.version("gluonvae")
except importlib.metadata.PackageNotFoundError:  # run in a tree, without being installed
    __version__ = "0.0"
