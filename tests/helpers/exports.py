"""Graphs that are exported, run where gluonvae is not needed: in onnxruntime, and by Gluon's SymbolBlock."""

import warnings

import numpy as np
import onnxruntime

from gluonvae.backend.runtime import mx
from tests.helpers.tensors import nd

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}


class InOnnxruntime:
    """A graph that was written as an ONNX file and read by onnxruntime."""

    def __init__(self, graph, folder):
        path = graph.to_onnx(folder / f"{graph.name}.onnx")
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def __call__(self, **arrays):
        """The outputs by name, of inputs by name."""
        outputs = [of.name for of in self.session.get_outputs()]
        return dict(zip(outputs, self.session.run(outputs, arrays)))


def imported(graph, folder):
    """Gluon's block of a graph that was written as symbol and parameters."""
    symbol_file, parameter_file = map(str, graph.to_symbol(folder / graph.name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MXNet does not know the types of the inputs
        return mx.gluon.SymbolBlock.imports(symbol_file, list(graph.inputs), parameter_file)


class InGluon:
    """The same graph as Gluon's block."""

    def __init__(self, graph, folder):
        self.graph, self.block = graph, imported(graph, folder)

    def __call__(self, **arrays):
        made = self.block(*(nd(arrays[name], arrays[name].dtype) for name in self.graph.inputs))
        made = made if isinstance(made, (list, tuple)) else [made]
        return {name: of.asnumpy() for name, of in zip(self.graph.outputs, made)}


RUNTIMES = {"onnxruntime": InOnnxruntime, "Gluon": InGluon}


def sizes(shape, batch):
    """A shape for a batch of so many data points."""
    return tuple(size.at(batch) for size in shape)


def arrays_for(rng, graph, batch, **known):
    """Random inputs of a graph, float32, but for those that are known."""
    draw = {"uniform in [0, 1)": rng.random}
    drawn = {
        name: draw.get(graph.noise.get(name), rng.standard_normal)(sizes(of, batch))
        for name, of in graph.inputs.items()
    }
    return {name: np.asarray(known.get(name, of), np.float32) for name, of in drawn.items()}
