"""Pictures of models, their data and their training. The only room that imports matplotlib.

Each function returns a figure, which a notebook shows, and saves it where it is given a path.
"""

from .features import plot_features, plot_predictive_check
from .figure import NotebookFigure
from .generated import plot_by_label, plot_reconstruction_error, plot_samples
from .grid import picture_shape
from .history import plot_history
from .images import plot_images, plot_reconstructions
from .latent import plot_kl, plot_latent
from .network import plot_network
from .paths import plot_interpolations, plot_manifold, plot_traversals

__all__ = [
    "NotebookFigure",
    "picture_shape",
    "plot_by_label",
    "plot_features",
    "plot_history",
    "plot_images",
    "plot_interpolations",
    "plot_kl",
    "plot_latent",
    "plot_manifold",
    "plot_network",
    "plot_predictive_check",
    "plot_reconstruction_error",
    "plot_reconstructions",
    "plot_samples",
    "plot_traversals",
]
