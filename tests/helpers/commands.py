"""What tests of the command share: small models, processes, pictures."""

import subprocess
import sys

from matplotlib import image as matplotlib_image

SMALL = ["--inference-layers", "8", "--generator-layers", "8", "--latent-size", "3", "--batch-size", "500"]
TINY = [
    "--inference-layers",
    "5",
    "--generator-layers",
    "5",
    "--latent-size",
    "2",
    "--batch-size",
    "20",
    "--epochs",
    "1",
]
RELAXED = ["--posterior", "relaxed_bernoulli", "--prior", "codes"]


def gluonvae(*arguments, **options):
    command = [sys.executable, "-m", "gluonvae", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def without_pictures(patch):
    """Trainings of the command draw no pictures, and those of other commands are not written."""
    patch.setattr("gluonvae.cli.train.draw_training", lambda *of_run: None)
    patch.setattr("gluonvae.plots.figure.save", lambda figure, path: None)


def is_picture(path):
    pixels = matplotlib_image.imread(path)
    return pixels.ndim == 3 and pixels[..., :3].std() > 0.05
