"""The command ``gluonvae export``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

from ..backend.runtime import mx
from ..export import Graph, parts
from ..models import VAE
from ..objectives import Objective
from ..training.config import RunError
from ..training.loading import LoadedRun, load
from . import arguments
from .former import as_today
from .results import remark
from .train import make_bound

WRITERS: dict[str, Callable[[Graph, Path], object]] = {
    "onnx": lambda graph, path: graph.to_onnx(path.with_suffix(".onnx")),
    "symbol": lambda graph, path: graph.to_symbol(path),
}
"""What writes a graph, by the format."""


def export(asked: argparse.Namespace) -> int:
    """Write the parts of a run's model for use where gluonvae is not installed: encoder, decoder, the
    whole VAE, its bound and, of a semi-supervised model, its classifier. Tells what goes in and comes
    out of each, with shapes; B is the number of data points, which may change from call to call."""
    run = load(asked.folder, ctx=mx.cpu())
    graphs = [make() for make in parts(_bound_of(asked, run), asked.noise).values()]
    folder = asked.out or asked.folder / asked.format
    for graph in graphs:
        _write(asked.format, graph, folder / graph.name)
        remark(asked, str(graph))
    remark(asked, f"{', '.join(graph.name for graph in graphs)} are in {folder}")
    return 0


def _write(form: str, graph: Graph, path: Path) -> None:
    try:
        WRITERS[form](graph, path)
    except ImportError as error:
        raise ValueError(str(error)) from error


def _bound_of(asked: argparse.Namespace, run: LoadedRun) -> Union[VAE, Objective]:
    """The bound that a run was trained with; the model alone where only its user can make the bound."""
    config = run.config
    if config["bound"] is None and config["asked"]:  # of a version that noted the command's arguments alone
        train = (config["parts"] or {}).get("train")
        trained: Any = arguments.parsed(arguments.train, as_today(config["asked"]))
        return make_bound(trained, run.vae, train["images"] if train else 0)
    try:
        return run.bound
    except RunError as error:
        remark(asked, f"without the bound: {error}")
        return run.vae
