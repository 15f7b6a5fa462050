"""Network bodies: the hidden layers of inference networks and generators."""

import inspect

from .activations import ACTIVATIONS, Activation, PReLU, activation
from .backbone import CifarResNet
from .blocks import FLOATS, GraphOver, ModelBlock, XavierBlock, XavierOrUniform, find_block
from .body import DECODERS, ENCODERS, Fitted, Flattened, Layers, Traced, is_body, make_body, traced
from .convolution import UPSAMPLINGS, ConvolutionalDecoder, ConvolutionalEncoder
from .convolution_layers import Conv2D, Conv2DTranspose
from .dense import PRECISIONS, Dense, max_units, set_in_units, with_label
from .family import FamilyNetwork
from .images import Layout, MapsToRows, OnImages, ToImages, last_layer
from .in_turn import InTurn, apply_in_turn, heads_of
from .mlp import MLP, GatedDense, GatedMLP
from .residual import ResidualBlock, ResidualDecoder, ResidualEncoder
from .standardization import Standardization

__all__ = [name for name, thing in globals().items() if name[0] != "_" and not inspect.ismodule(thing)]
