"""The ONNX model of a graph."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .._version import __version__
from ..backend.operators import as_numpy
from .builder import Builder, Node
from .graph import Graph
from .operators import CONVERTERS
from .sizes import Shape, infer_shapes, shape

OPERATOR_SET, IR_VERSION = 17, 8
"""Those of ONNX 1.12, which runtimes since 2022 read."""


def onnx_model(graph: Graph) -> Any:
    """Return a graph as an ONNX model, checked by onnx.

    Parameters
    ----------
    graph : Graph
        The graph.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        If an operator has no counterpart in ONNX, or a parameter is not float32.
    ImportError
        If the package onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("ONNX files are written by onnx: pip install 'gluonvae[onnx]'") from error
    values = {name: _checked(graph, name, of) for name, of in graph.parameters.items()}
    builder = _converted(graph)
    helper, used = onnx.helper, {name for _, inputs, _, _ in builder.nodes for name in inputs}
    content = helper.make_graph(
        # nodes without names have the same one to onnxruntime 1.19, which refuses two that it has changed
        [
            helper.make_node(op, inputs, outputs, name=outputs[0], **options)
            for op, inputs, outputs, options in builder.nodes
        ],
        graph.name,
        [_value_info(helper, name, of, graph.noise.get(name, "")) for name, of in graph.inputs.items()],
        [_value_info(helper, name, of) for name, of in graph.outputs.items()],
        [
            onnx.numpy_helper.from_array(of, name)
            for name, of in {**values, **builder.constants}.items()
            if name in used
        ],
    )
    model = helper.make_model(
        content,
        producer_name="gluonvae",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", OPERATOR_SET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _checked(graph: Graph, name: str, values: Any) -> np.ndarray:
    array = as_numpy(values)
    if np.dtype(values.dtype) != np.float32:
        raise ValueError(
            f"the {graph.name} cannot be written as ONNX, as {name} is {np.dtype(values.dtype).name}: its files are "
            "of float32, vae.cast('float32')"
        )
    return array


def _value_info(helper: Any, name: str, of: Shape, text: str = "") -> Any:
    # an axis whose size is the same in several tensors has one name; the batch is called batch
    sizes = [size.factor if size.fixed else str(size).replace("B", "batch") for size in of]
    return helper.make_tensor_value_info(name, 1, sizes, text)


def _converted(graph: Graph) -> Builder:
    """The nodes of MXNet's graph as those of ONNX."""
    content = json.loads(graph.symbol.tojson())
    of_parameters = {name: shape(*of.shape) for name, of in graph.parameters.items()}
    shapes = infer_shapes(graph.symbol, {**graph.inputs, **of_parameters})
    counts: dict[int, int] = {}
    for source, output in shapes:
        counts[source] = max(counts.get(source, 0), output + 1)
    builder = Builder("data" if "data" in graph.inputs else next(iter(graph.inputs)))
    made: dict[tuple[int, int], str] = {}
    for number, of in enumerate(content["nodes"]):
        if of["op"] == "null":
            made[number, 0] = of["name"]
            continue
        places = [(source, output) for source, output, *_ in of["inputs"]]
        outputs = [shapes[number, output] for output in range(counts[number])]
        inputs, of_inputs = [made[place] for place in places], [shapes[place] for place in places]
        node = Node(of["op"], of["name"], of.get("attrs", {}), inputs, of_inputs, outputs)
        results = _convert(graph, builder, node)
        made.update({(number, output): name for output, name in enumerate(results)})
    for name, (source, output, *_) in zip(graph.outputs, content["heads"]):
        builder.name_output(made[source, output], name)
    return builder


def _convert(graph: Graph, builder: Builder, node: Node) -> list[str]:
    convert = CONVERTERS.get(node.op)
    if convert is None:
        raise ValueError(
            f"the {graph.name} cannot be written as ONNX: the operator {node.op} of {node.name} has no conversion; "
            "to_symbol, --format symbol, exports it"
        )
    try:
        results = convert(builder, node)
    except NotImplementedError as error:
        raise ValueError(
            f"the {graph.name} cannot be written as ONNX: {node.op} of {node.name} has no conversion with {error}; "
            "to_symbol, --format symbol, exports it"
        ) from error
    return [results] if isinstance(results, str) else list(results)
