"""The command ``gluonvae runs``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional

from ..objectives import BOUNDS
from ..training.config import Config
from ..training.overview import BROKEN, Standing, find_runs, standing
from ..training.status import DIVERGED, FAILED
from .results import remark
from .sources import short_name

FOLDER = "runs"
"""Where runs are written unless --out says otherwise."""
HEAD = ("run", "status", "epoch", "data", "bound", "best validation bound")


def runs_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``gluonvae runs``."""
    text = f"where to look, at any depth (default: {FOLDER})"
    command.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=text)


def runs(asked: argparse.Namespace) -> int:
    """List runs, the first that was started first: their status (running, finished, interrupted, diverged or
    failed), epochs, data, bound, and the best bound on the validation data in nats per image, row or cell."""
    folder = Path(FOLDER) if asked.folder is None else asked.folder
    if asked.folder is not None and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: name one that has runs")
    found = sorted(map(standing, find_runs(folder)), key=lambda run: (run.started, str(run.folder)))
    if not found:
        remark(asked, f"there are no runs in {folder}: gluonvae train starts one")
        return 0
    rows = [HEAD, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip())
    for run in found:
        if run.message and run.status in (FAILED, DIVERGED, BROKEN):
            remark(asked, f"{run.folder} {run.status}: {run.message}")
    return 0


def _row(run: Standing) -> tuple[str, ...]:
    epochs = run.config["asked"].get("epochs") if run.config else None
    best = "-" if run.best is None else f"{run.best:.2f}"
    of = f"/{epochs}" if isinstance(epochs, int) else ""
    return str(run.folder), run.status, f"{run.epochs}{of}", _data(run.config), _bound(run.config), best


def _data(config: Optional[Config]) -> str:
    if config is None:
        return "-"
    name = config["data"]["name"]
    return "from Python" if name is None else short_name(name)


def _bound(config: Optional[Config]) -> str:
    """The name of the bound, or of its class where that is the user's own."""
    if config is None:
        return "-"
    recipe = config["bound"] or {}
    made = recipe.get("class") or recipe.get("own", "-")
    named = (name for name, kind in BOUNDS.items() if kind.__name__ == made)
    return str(config["asked"].get("bound") or next(named, made))
