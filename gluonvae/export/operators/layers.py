"""Layers of networks: products with weights, convolutions, pooling, normalisation."""

from __future__ import annotations

from typing import Any

from ..builder import Builder, Node, converts


@converts("FullyConnected")
def fully_connected(graph: Builder, node: Node) -> str:
    x, weight, *bias = node.inputs
    rank = node.rank
    if node.get("flatten", True) and rank != 2:
        x, rank = graph.add("Flatten", x, axis=1), 2
    if rank == 2:
        return graph.add("Gemm", x, weight, *bias, transB=1)
    product = graph.add("MatMul", x, graph.add("Transpose", weight, perm=[1, 0]))
    return graph.add("Add", product, *bias) if bias else product


@converts("batch_dot")
def batch_dot(graph: Builder, node: Node) -> str:
    return graph.add("MatMul", *_transposed(graph, node))


@converts("dot")
def dot(graph: Builder, node: Node) -> str:
    if [len(of) for of in node.shapes] != [2, 2]:
        raise NotImplementedError("tensors that are no matrices")
    return graph.add("MatMul", *_transposed(graph, node))


def _transposed(graph: Builder, node: Node) -> list[str]:
    """The two matrices, transposed where that is asked for."""
    axes = [*range(node.rank - 2), node.rank - 1, node.rank - 2]
    asked = [node.get(f"transpose_{name}", False) for name in "ab"]
    return [graph.add("Transpose", x, perm=axes) if swap else x for x, swap in zip(node.inputs, asked)]


@converts("Convolution")
def convolution(graph: Builder, node: Node) -> str:
    return graph.add("Conv", *node.inputs, **_window(node))


@converts("Deconvolution")
def deconvolution(graph: Builder, node: Node) -> str:
    if node.get("target_shape", ()):
        raise NotImplementedError("target_shape")
    extra = node.get("adj", ()) or (0,) * len(node.get("kernel"))
    return graph.add("ConvTranspose", *node.inputs, output_padding=list(extra), **_window(node))


def _window(node: Node) -> dict[str, Any]:
    """The attributes of a convolution."""
    layout = node.get("layout", None)
    if layout not in (None, "NCW", "NCHW", "NCDHW"):
        raise NotImplementedError(f"layout={layout}")
    kernel = node.get("kernel")
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    padding = list(node.get("pad", zeros) or zeros)
    return {
        "kernel_shape": list(kernel),
        "strides": list(node.get("stride", ones) or ones),
        "dilations": list(node.get("dilate", ones) or ones),
        "pads": padding * 2,
        "group": int(node.get("num_group", 1)),
    }


@converts("Pooling")
def pooling(graph: Builder, node: Node) -> str:
    kind, layout = node.get("pool_type", "max"), node.get("layout", None)
    if kind not in ("max", "avg") or layout not in (None, "NCW", "NCHW", "NCDHW"):
        raise NotImplementedError(f"pool_type={kind}, layout={layout}")
    if node.get("global_pool", False):
        return graph.add({"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}[kind], *node.inputs)
    kernel, convention = node.get("kernel"), node.get("pooling_convention", "valid")
    if convention not in ("valid", "full") or (convention == "full" and kind == "avg"):
        raise NotImplementedError(f"pool_type={kind}, pooling_convention={convention}")
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    options: dict[str, Any] = {
        "kernel_shape": list(kernel),
        "strides": list(node.get("stride", ones) or ones),
        "pads": list(node.get("pad", zeros) or zeros) * 2,
        "ceil_mode": int(convention == "full"),
    }
    if kind == "max":
        return graph.add("MaxPool", *node.inputs, **options)
    return graph.add("AveragePool", *node.inputs, count_include_pad=int(node.get("count_include_pad", True)), **options)


@converts("UpSampling")
def up_sampling(graph: Builder, node: Node) -> str:
    if node.get("sample_type") != "nearest" or len(node.inputs) > 1:
        raise NotImplementedError(f"sample_type={node.get('sample_type')}")
    scale = float(node.get("scale"))
    options: dict[str, Any] = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    return graph.add("Resize", node.inputs[0], "", graph.constant([1, 1, scale, scale]), **options)


@converts("BatchNorm")
def batch_norm(graph: Builder, node: Node) -> str:
    # as in prediction, by the averages of the training
    if node.axis(1) != 1:
        raise NotImplementedError(f"axis={node.get('axis')}")
    x, gamma, beta, mean, variance = node.inputs
    if node.get("fix_gamma", True):
        gamma = graph.filled(1, node.shapes[1])
    return graph.add("BatchNormalization", x, gamma, beta, mean, variance, epsilon=float(node.get("eps", 1e-3)))


@converts("LayerNorm")
def layer_norm(graph: Builder, node: Node) -> str:
    if node.axis(-1) != node.rank - 1:
        raise NotImplementedError(f"axis={node.get('axis')}")
    return graph.add("LayerNormalization", *node.inputs, axis=-1, epsilon=float(node.get("eps", 1e-5)))


@converts("InstanceNorm")
def instance_norm(graph: Builder, node: Node) -> str:
    return graph.add("InstanceNormalization", *node.inputs, epsilon=float(node.get("eps", 1e-3)))


@converts("Pad")
def pad(graph: Builder, node: Node) -> str:
    mode, widths = node.get("mode"), node.get("pad_width")
    ends = graph.integers(*widths[::2], *widths[1::2])
    if mode == "constant":
        return graph.add("Pad", node.inputs[0], ends, graph.constant(float(node.get("constant_value", 0))))
    return graph.add("Pad", node.inputs[0], ends, mode=mode)
