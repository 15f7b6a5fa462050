"""Tensors in other shapes: MXNet's codes for shapes are what shape inference made of them."""

from __future__ import annotations

from ..builder import Builder, Node, converts


@converts("Reshape", "reshape_like", "Flatten", "expand_dims", "squeeze")
def reshape(graph: Builder, node: Node) -> str:
    return graph.reshape(node.inputs[0], node.shape)


@converts("broadcast_like", "broadcast_axis", "broadcast_to")
def broadcast(graph: Builder, node: Node) -> str:
    return graph.add("Expand", node.inputs[0], graph.sizes(node.shape))


@converts("transpose")
def transpose(graph: Builder, node: Node) -> str:
    axes = node.get("axes", ()) or tuple(reversed(range(node.rank)))
    return graph.add("Transpose", node.inputs[0], perm=list(axes))


@converts("SwapAxis")
def swap_axes(graph: Builder, node: Node) -> str:
    axes = list(range(node.rank))
    one, other = (int(node.get(name, 0)) % node.rank for name in ("dim1", "dim2"))
    axes[one], axes[other] = other, one
    return graph.add("Transpose", node.inputs[0], perm=axes)


@converts("Concat")
def concat(graph: Builder, node: Node) -> str:
    return graph.add("Concat", *node.inputs, axis=int(node.get("dim", 1)))


@converts("stack")
def stack(graph: Builder, node: Node) -> str:
    axis = graph.integers(int(node.get("axis", 0)))
    return graph.add("Concat", *(graph.add("Unsqueeze", x, axis) for x in node.inputs), axis=int(node.get("axis", 0)))


@converts("SliceChannel")
def split(graph: Builder, node: Node) -> list[str]:
    count, axis = int(node.get("num_outputs")), int(node.get("axis", 1)) % node.rank
    size = node.shapes[0][axis]
    if not size.fixed:
        raise NotImplementedError("an axis whose size depends on the batch")
    sizes = graph.integers(*[size.factor // count] * count)
    made = graph.add("Split", node.inputs[0], sizes, outputs=count, axis=axis)
    parts = [made] if count == 1 else made
    if node.get("squeeze_axis", False):
        return [graph.add("Squeeze", part, graph.integers(axis)) for part in parts]
    return parts


@converts("reverse")
def reverse(graph: Builder, node: Node) -> str:
    axes = node.axes()
    limits = ([-1] * len(axes), [-(2**31)] * len(axes), axes, [-1] * len(axes))
    return graph.add("Slice", node.inputs[0], *(graph.integers(*values) for values in limits))


@converts("tile")
def tile(graph: Builder, node: Node) -> str:
    reps = node.get("reps")
    if len(reps) != node.rank:
        raise NotImplementedError(f"reps={reps} of a tensor with {node.rank} axes")
    return graph.add("Tile", node.inputs[0], graph.integers(*reps))
