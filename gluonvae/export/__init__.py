"""Models for use without gluonvae: as graphs of MXNet's own operators, and as ONNX files.

>>> gluonvae.export.encoder(vae).to_onnx("encoder.onnx")
>>> gluonvae.export.bound(gluonvae.ELBO(vae)).to_symbol("bound")
"""

from __future__ import annotations

from .graph import Graph
from .model_graphs import bound, classifier, decoder, encoder, parts, prior, whole

__all__ = ["Graph", "bound", "classifier", "decoder", "encoder", "parts", "prior", "whole"]
