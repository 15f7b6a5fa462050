"""Readers of files and folders."""

from __future__ import annotations

from . import old
from .base import Reader

READERS: list[Reader] = [old.READER]
"""All that there are; the first that recognises a path reads it."""
