"""The commands that map data to latent states, score data, and go from one data point to another. Their docstrings are
what ``--help`` shows."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Optional

import numpy as np

from .. import checks, data
from ..batches import load_batch
from ..evaluation.coding import completed_label, labelled
from ..models import VAE
from ..models.coding import MEAN_SAMPLES
from ..training.config import Config, difference
from ..training.preparing import check_columns, read_as_before
from . import outputs
from .columns import WRITERS, Table
from .commands import load
from .results import checked_result, remark
from .sources import file_of_data, named_source

PAIRS = 10
"""How many pairs of data points there are, unless another number is asked for."""
LOWEST = 5
"""Of how many data points with the lowest log-probabilities the row is told."""


def encode(asked: argparse.Namespace) -> int:
    """Map data points to latent states: the mean of q(latent state | data point) of each, or draws from it.
    A row has the number of the data point, from 0, its label where there is one, and z1, z2, ..."""
    path = _output(asked, "latents")
    vae, config = load(asked)
    points = _data_points(asked, config, vae)
    samples = None if asked.samples is None else checks.positive_int("--samples", asked.samples)
    latent = vae.encode(points, samples, seed=asked.seed)
    keys = _keys(points, samples)
    Table(keys, "latent", latent, [f"z{number}" for number in range(1, latent.shape[-1] + 1)]).write(path)
    what = "latent states" if samples is None else f"{samples} latent states each"
    remark(asked, f"{what} of {len(points)} {points.things} are in {path}")
    if samples is None and not vae.posterior_has_mean:
        remark(asked, f"the mean of this posterior has no closed form: each is that of {MEAN_SAMPLES} draws")
    return 0


def score(asked: argparse.Namespace) -> int:
    """Estimate the log-probability of each data point, in nats: low values are unlike what the model was
    trained on. A row has the number of the data point, from 0, its label where there is one, and log_prob."""
    path = _output(asked, "scores")
    vae, config = load(asked)
    points = _data_points(asked, config, vae)
    log_prob = vae.log_prob(points, asked.samples, seed=asked.seed, progress=not asked.quiet)
    checked_result("a log-probability", log_prob)
    Table(_keys(points), "log_prob", log_prob[:, None], ["log_prob"]).write(path)
    lowest = ", ".join(map(str, np.argsort(log_prob, kind="stable")[:LOWEST]))
    remark(
        asked,
        f"log-probabilities of {len(points)} {points.things}, from {log_prob.min():.2f} to {log_prob.max():.2f} nats, "
        f"mean {log_prob.mean():.2f}, are in {path}; the lowest are of rows {lowest}",
    )
    return 0


def interpolate(asked: argparse.Namespace) -> int:
    """Go from one data point to another in equal steps between the means of their latent states, and turn
    each latent state into an image, a row or a cell. Pairs are the first data points and those after them;
    in a model with labels all steps have the label of the first of a pair."""
    from .. import plots

    vae, config = load(asked)
    steps = checks.positive_int("--steps", asked.steps)
    if steps < 2:
        raise ValueError(f"--steps must be at least 2, the two data points, got {steps}")
    points = _data_points(asked, config, vae)
    n = checks.positive_int("-n", max(1, min(PAIRS, len(points) // 2)) if asked.n is None else asked.n)
    if 2 * n > len(points):
        raise ValueError(f"-n {n} pairs are {2 * n} data points, and there are {len(points)} {points.things}")
    latent = vae.encode(points.subset(slice(2 * n)))
    # (n, steps, D)
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    path = (1 - share) * latent[:n, None] + share * latent[n:, None]
    label = completed_label(vae, load_batch(vae, points, slice(n)))
    # the pairs are the axis that labels have
    drawn = vae.decode(path.swapaxes(0, 1), outputs.image(asked, config), label=label).swapaxes(0, 1)
    plot = partial(
        plots.plot_images,
        drawn.reshape(n * steps, -1),
        shape=config["shape"],
        limits=config["limits"],
        columns=steps,
    )
    keys = {"pair": np.repeat(range(n), steps), "step": np.tile(range(steps), n)}
    written = outputs.write(asked, "interpolations", drawn, config, plot, keys)
    remark(asked, f"{steps} {config['things']} each between {n} pairs are in {written}")
    return 0


def _output(asked: argparse.Namespace, name: str) -> Path:
    path = asked.out or asked.folder / f"{name}.csv"
    if path.suffix not in WRITERS:  # before anything is computed
        raise ValueError(f"{path} must end in one of {', '.join(WRITERS)}")
    return path


def _data_points(asked: argparse.Namespace, config: Config, vae: VAE) -> data.Dataset:
    """The data points that were asked for, prepared and with labels as the run's model takes them."""
    try:
        points = _find(asked, config)
    except data.DataError as error:
        hint = "" if asked.data else "; --data or --data-dir names where the run's data lie now"
        raise data.DataError(f"{error}{hint}") from error
    check_columns(config, points)
    return labelled(vae, points, None)  # type: ignore[return-value]


def _find(asked: argparse.Namespace, config: Config) -> data.Dataset:
    path = file_of_data(asked)
    if path is not None:
        found = read_as_before(path, config)
        if len(found.parts) == 1 and asked.part is None:
            return found.prepared("train")
        shares = found.source["split"] if len(found.parts) == 1 else None
        return getattr(found.split(shares), asked.part or "test")
    source, part = named_source(asked, config), asked.part or "test"
    points = getattr(data.load(**source), part)
    changed = None if asked.data else difference(config, part, points)
    if changed:
        raise data.DataError(f"{source['name']} has changed since the training: {changed}")
    return points


def _keys(points: data.Dataset, samples: Optional[int] = None) -> dict[str, Any]:
    """The columns before the numbers: the draw, where there are several, the row, and the class or the condition."""
    keys: dict[str, Any] = {"row": np.arange(len(points))}
    if points.labels is not None and points.labels.ndim == 1 and (points.labels != -1).any():
        known, names = points.labels != -1, points.class_names
        called = points.labels if names is None else np.asarray(names, object)[points.labels.astype(int)]
        keys["label"] = called if known.all() else np.where(known, called, "")
    if samples is None:
        return keys
    draws = np.repeat(np.arange(samples), len(points))
    return {"draw": draws, **{name: np.tile(of, samples) for name, of in keys.items()}}
