"""Readers of files and folders."""

from __future__ import annotations

from . import anndata, arrays, idx, images, tables
from .base import Reader

READERS: list[Reader] = [images.READER, arrays.READER, idx.READER, tables.READER, anndata.READER]
"""All that there are; the first that recognises a path reads it."""
