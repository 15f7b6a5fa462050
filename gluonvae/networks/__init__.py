"""Bodies of networks: what maps data, or a latent state, to features. A file a kind, and a line here for it."""

from .activations import ACTIVATIONS, Activation, PReLU, activation
from .blocks import FLOATS, ModelBlock, XavierBlock, XavierOrUniform
from .body import DECODERS, ENCODERS, Fitted, Flattened, Layers, Traced, is_body, traced
from .dense import PRECISIONS, Dense, widest_layer
from .images import Layout, MapsToRows, OnImages, ToImages, last_layer
from .mlp import MLP, GatedDense, GatedMLP

__all__ = [
    "ACTIVATIONS",
    "DECODERS",
    "ENCODERS",
    "FLOATS",
    "MLP",
    "PRECISIONS",
    "Activation",
    "Dense",
    "Fitted",
    "Flattened",
    "GatedDense",
    "GatedMLP",
    "Layers",
    "Layout",
    "MapsToRows",
    "ModelBlock",
    "OnImages",
    "PReLU",
    "ToImages",
    "Traced",
    "XavierBlock",
    "XavierOrUniform",
    "activation",
    "is_body",
    "last_layer",
    "traced",
    "widest_layer",
]
