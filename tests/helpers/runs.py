"""Small trainings that write runs."""

import shutil

import numpy as np

import gluonvae as gv
from tests.helpers.models import small_vae
from tests.helpers.tensors import patterns

IMAGES = patterns(np.random.default_rng(0), 60)


def fit(folder=None, **options):
    gv.seed(1)
    options = {"epochs": 2, "batch_size": 20, **options}
    bound = options.pop("bound", None) or gv.ELBO(small_vae())
    return bound, gv.fit(bound, IMAGES, IMAGES[:20], progress=False, folder=folder, **options)


def copy_at(step, folder, to, then=lambda step: 0.01):
    """A schedule that copies a run's folder before a step, as a process that is killed there leaves it."""

    def rate(taken):
        if taken == step and folder.exists() and not to.exists():
            shutil.copytree(folder, to)
        return then(taken)

    return rate
