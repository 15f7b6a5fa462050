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
from ..training.config import Config
from ..training.run import load_run
from . import arguments
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
    vae, config = load_run(asked.folder, mx.cpu())
    graphs = [make() for make in parts(_bound_of(asked, vae, config), asked.noise).values()]
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


def _bound_of(asked: argparse.Namespace, vae: VAE, config: Config) -> Union[VAE, Objective]:
    """The bound that a run was trained with; of a training from Python, which does not tell, the model alone."""
    if not config["asked"]:
        remark(asked, f"{asked.folder} was trained from Python and does not tell its bound: it is not exported")
        return vae
    trained: Any = arguments.parsed(arguments.train, config["asked"])
    train = (config["parts"] or {}).get("train")
    return make_bound(trained, vae, train["images"] if train else 0)
