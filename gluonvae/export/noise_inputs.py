"""Noise as inputs of a graph, and noise that a graph draws."""

from __future__ import annotations

from ..backend.runtime import mx
from ..backend.structures import leaves
from ..backend.types import Structure, Tensor
from ..noise import NoiseSpec
from .sizes import Shape, shape

NOISE = ("input", "drawn")
"""Where the noise of a graph may come from."""

KINDS = {"normal": "standard normal", "uniform": "uniform in [0, 1)"}
"""What noise of each kind is in words."""

BELOW_ONE = 1 - 2.0**-24
"""The largest float32 below 1: uniform noise is never 1, unlike that of MXNet and ONNX."""


def noise_inputs(spec: Structure, leading: Shape) -> dict[str, Shape]:
    """Return the shapes of the parts of noise that are inputs, by name; what draws nothing has none."""
    named = zip(noise_names(spec), leaves(spec))
    return {name: (*leading, *shape(leaf.size)) for name, leaf in named if leaf.kind != "none"}


def noise_kinds(spec: Structure) -> dict[str, str]:
    """Return what the parts of noise are that are inputs, by name."""
    return {name: KINDS[leaf.kind] for name, leaf in zip(noise_names(spec), leaves(spec)) if leaf.kind != "none"}


def noise_names(spec: Structure, name: str = "noise") -> list[str]:
    """Return the names of the parts of noise: ``noise_FIELD`` for a field of a named tuple."""
    if not isinstance(spec, tuple):
        return [name]
    fields = getattr(spec, "_fields", range(len(spec)))
    return [of for field, part in zip(fields, spec) for of in noise_names(part, f"{name}_{field}")]


def draw(data: Tensor, spec: NoiseSpec, samples: int) -> Tensor:
    """Return noise that the graph draws, ``(B, size)`` or ``(k, B, size)``."""
    F = mx.sym
    # zeros also where a value is missing
    zeros = F.broadcast_axis(F.zeros_like(F.slice_axis(data, axis=1, begin=0, end=1)), axis=1, size=spec.size)
    if samples > 1:
        zeros = F.broadcast_axis(F.expand_dims(zeros, axis=0), axis=0, size=samples)
    if spec.kind == "none":
        return zeros
    if spec.kind == "normal":
        return F.random.normal_like(zeros)
    return F.minimum(F.random.uniform_like(zeros), BELOW_ONE)
