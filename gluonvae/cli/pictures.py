"""The pictures that a training leaves in its folder, and what is written on those of the other commands."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batches import load_batch
from ..data import Dataset
from ..models import VAE
from ..training import History
from ..training.config import Config
from ..training.run import Run
from .labels import labels_to_draw
from .outputs import is_picture

SAMPLES = 100
MOST_CLASSES = 20
"""Up to so many classes have a row or a column of samples each."""
VALUES_DRAWN_ONCE, VALUES_CHECKED = 2**21, 2**18
"""How many values of a table are drawn anew, about: of counts of many genes that takes a few seconds."""


def draw_training(run: Run, vae: VAE, test: Dataset, history: History, seed: int) -> None:
    """Write the pictures of a training that is done."""
    from .. import plots

    if len(history):
        plots.plot_history(history, run.file("curves.png"))
    if is_picture(run.config):
        _draw_images(run, vae, test, seed)
    elif test.things != "images":
        n = max(100, min(2000, VALUES_DRAWN_ONCE // test.width))
        plots.plot_features(vae, test, run.file("features.png"), n=n, seed=seed)
        n = max(50, min(1000, VALUES_CHECKED // test.width))
        plots.plot_predictive_check(vae, test, run.file("predictive_check.png"), n=n, seed=seed)


def _draw_images(run: Run, vae: VAE, test: Dataset, seed: int) -> None:
    from .. import plots

    images, label = load_batch(vae, test, slice(10))
    reconstructions = vae.generate_reconstructions(images, 9, "mean", label=label)
    path, form = run.file("samples.png"), dict[str, Any](shape=test.shape, limits=run.config["limits"])
    plots.plot_reconstructions(images, reconstructions, run.file("reconstructions.png"), **form)
    if has_few_classes(vae, run.config):
        plots.plot_by_label(vae, path, labels=_classes(vae, run.config), seed=seed, **form)
    else:
        labels = labels_to_draw(vae, SAMPLES, run.config, test)
        plots.plot_samples(vae, path, n=SAMPLES, label=labels, seed=seed, **form)


def has_few_classes(vae: VAE, config: Config) -> bool:
    """Return whether labels are classes, and so few that each has a row or a column of samples."""
    return config["classes"] and 1 < vae.label_size <= MOST_CLASSES


def _classes(vae: VAE, config: Config) -> Any:
    return range(vae.label_size) if config["class_names"] is None else np.asarray(config["class_names"])


def heading(vae: VAE, config: Config, n: int, seed: int, label: Any) -> dict[str, Any]:
    """Return the title of ``n`` samples, and the names of columns where they are of all classes in turn."""
    title = f"{n} samples, seed {seed}"
    if label is not None:
        return {"title": f"{title}, label {' '.join(label)}"}
    if not has_few_classes(vae, config):
        return {"title": title}
    names = list(_classes(vae, config))
    return {"title": title, "columns": len(names), "column_labels": names}
