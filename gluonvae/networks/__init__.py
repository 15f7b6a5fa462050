"""Bodies of networks: what maps data, or a latent state, to features. A file a kind, and a line here for it."""

from .activations import ACTIVATIONS, Activation, PReLU, activation
from .backbone import CifarResNet
from .blocks import FLOATS, ModelBlock, XavierBlock, XavierOrUniform, find
from .body import DECODERS, ENCODERS, Fitted, Flattened, Layers, Traced, is_body, make_body, traced
from .convolution import UPSAMPLINGS, ConvolutionalDecoder, ConvolutionalEncoder
from .dense import PRECISIONS, Dense, widest_layer
from .images import Layout, MapsToRows, OnImages, ToImages, last_layer
from .mlp import MLP, GatedDense, GatedMLP
from .residual import ResidualBlock, ResidualDecoder, ResidualEncoder

__all__ = [
    "ACTIVATIONS",
    "DECODERS",
    "ENCODERS",
    "FLOATS",
    "MLP",
    "PRECISIONS",
    "UPSAMPLINGS",
    "Activation",
    "CifarResNet",
    "ConvolutionalDecoder",
    "ConvolutionalEncoder",
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
    "ResidualBlock",
    "ResidualDecoder",
    "ResidualEncoder",
    "ToImages",
    "Traced",
    "XavierBlock",
    "XavierOrUniform",
    "activation",
    "find",
    "is_body",
    "last_layer",
    "make_body",
    "traced",
    "widest_layer",
]
