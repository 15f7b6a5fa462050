"""Functions of each number of a tensor, or of two tensors that broadcast."""

from __future__ import annotations

import math
from functools import partial

from ..builder import Builder, Converter, Node, converts


@converts("_copy", "BlockGrad", "make_loss", "Dropout")
def same(graph: Builder, node: Node) -> str:
    # Dropout as in prediction
    return node.inputs[0]


def _as(op: str) -> Converter:
    """The operator of ONNX that takes and returns the same."""
    return lambda graph, node: graph.add(op, *node.inputs)


UNARY = {
    "abs": "Abs",
    "arccos": "Acos",
    "arcsin": "Asin",
    "arctan": "Atan",
    "ceil": "Ceil",
    "cos": "Cos",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "softsign": "Softsign",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
BINARY = {
    ("elemwise_add", "broadcast_add"): "Add",
    ("elemwise_sub", "broadcast_sub"): "Sub",
    ("elemwise_mul", "broadcast_mul"): "Mul",
    ("elemwise_div", "broadcast_div"): "Div",
    ("_power", "broadcast_power"): "Pow",
    ("_maximum", "broadcast_maximum"): "Max",
    ("_minimum", "broadcast_minimum"): "Min",
    ("add_n",): "Sum",
}
SCALAR = {"plus": "Add", "minus": "Sub", "mul": "Mul", "div": "Div", "power": "Pow", "maximum": "Max", "minimum": "Min"}
COMPARISONS = {
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "lesser": "Less",
    "lesser_equal": "LessOrEqual",
}

for operator, name in UNARY.items():
    converts(operator)(_as(name))
for operators, name in BINARY.items():
    converts(*operators)(_as(name))


def _scalar(graph: Builder, node: Node) -> str:
    return graph.constant(float(node.get("scalar")))


def _with_scalar(op: str, graph: Builder, node: Node) -> str:
    return graph.add(op, node.inputs[0], _scalar(graph, node))


def _of_scalar(op: str, graph: Builder, node: Node) -> str:
    return graph.add(op, _scalar(graph, node), node.inputs[0])


for operator, name in SCALAR.items():
    converts(f"_{operator}_scalar")(partial(_with_scalar, name))
    if operator in ("minus", "div", "power"):
        converts(f"_r{operator}_scalar")(partial(_of_scalar, name))


def _compared(op: str, graph: Builder, node: Node) -> str:
    # MXNet has numbers for truth values
    return graph.as_float(graph.add(op, *node.inputs))


def _compared_with_scalar(op: str, graph: Builder, node: Node) -> str:
    return graph.as_float(_with_scalar(op, graph, node))


for operator, name in COMPARISONS.items():
    converts(f"broadcast_{operator}", f"_{operator}")(partial(_compared, name))
    converts(f"_{operator}_scalar")(partial(_compared_with_scalar, name))


@converts("broadcast_not_equal", "_not_equal")
def not_equal(graph: Builder, node: Node) -> str:
    return graph.as_float(graph.add("Not", graph.add("Equal", *node.inputs)))


@converts("_not_equal_scalar")
def not_equal_to_scalar(graph: Builder, node: Node) -> str:
    return graph.as_float(graph.add("Not", _with_scalar("Equal", graph, node)))


@converts("where")
def where(graph: Builder, node: Node) -> str:
    condition, *values = node.inputs
    return graph.add("Where", graph.as_bool(condition), *values)


@converts("square")
def square(graph: Builder, node: Node) -> str:
    return graph.add("Mul", node.inputs[0], node.inputs[0])


@converts("rsqrt")
def rsqrt(graph: Builder, node: Node) -> str:
    return graph.add("Reciprocal", graph.add("Sqrt", *node.inputs))


@converts("clip")
def clip(graph: Builder, node: Node) -> str:
    limits = (graph.constant(float(node.get(name))) for name in ("a_min", "a_max"))
    return graph.add("Clip", node.inputs[0], *limits)


@converts("_mod_scalar")
def mod_scalar(graph: Builder, node: Node) -> str:
    # with the sign of the divisor, as Python's
    (x,), divisor = node.inputs, _scalar(graph, node)
    quotient = graph.add("Floor", graph.add("Div", x, divisor))
    return graph.add("Sub", x, graph.add("Mul", quotient, divisor))


@converts("rint")
def round_half_down(graph: Builder, node: Node) -> str:
    (x,) = node.inputs
    whole = graph.add("Floor", x)
    up = graph.as_float(graph.add("Greater", graph.add("Sub", x, whole), graph.constant(0.5)))
    return graph.add("Add", whole, up)


@converts("round")
def round_half_away_from_zero(graph: Builder, node: Node) -> str:
    (x,) = node.inputs
    size = graph.add("Abs", x)
    whole = graph.add("Floor", size)
    # not floor(|x| + 1/2), which rounds the number before 1/2 up
    up = graph.as_float(graph.add("GreaterOrEqual", graph.add("Sub", size, whole), graph.constant(0.5)))
    return graph.add("Mul", graph.add("Sign", x), graph.add("Add", whole, up))


@converts("log1p")
def log1p(graph: Builder, node: Node) -> str:
    # log(u) x / (u - 1) of u = 1 + x, as rounded: the errors of both cancel (Higham 2002, section 1.14.1)
    (x,), one = node.inputs, graph.constant(1.0)
    u = graph.add("Add", x, one)
    difference = graph.add("Sub", u, one)
    is_one = graph.add("Equal", u, one)
    # as exact for large numbers, but not for infinity
    divisor = graph.add("Where", is_one, one, difference)
    small = graph.add("Mul", graph.add("Log", u), graph.add("Div", x, divisor))
    value = graph.add("Where", graph.add("Less", x, one), small, graph.add("Log", u))
    return graph.add("Where", is_one, x, value)


@converts("expm1")
def expm1(graph: Builder, node: Node) -> str:
    # (u - 1) x / log(u) of u = exp(x), as rounded (ibid.), where exp(x) - 1 loses digits
    (x,), one, half = node.inputs, graph.constant(1.0), graph.constant(0.5)
    plain = graph.add("Sub", graph.add("Exp", x), one)
    near = graph.add("Clip", x, graph.constant(-0.5), half)
    u = graph.add("Exp", near)
    is_one = graph.add("Equal", u, one)
    ratio = graph.add("Div", near, graph.add("Where", is_one, one, graph.add("Log", u)))
    small = graph.add("Where", is_one, near, graph.add("Mul", graph.add("Sub", u, one), ratio))
    return graph.add("Where", graph.add("Less", graph.add("Abs", x), half), small, plain)


@converts("Activation")
def activation(graph: Builder, node: Node) -> str:
    names = {"relu": "Relu", "sigmoid": "Sigmoid", "softrelu": "Softplus", "softsign": "Softsign", "tanh": "Tanh"}
    if node.get("act_type") not in names:
        raise NotImplementedError(f"act_type={node.get('act_type')}")
    return graph.add(names[node.get("act_type")], *node.inputs)


@converts("LeakyReLU")
def leaky_relu(graph: Builder, node: Node) -> str:
    kind, slope, x = node.get("act_type", "leaky"), float(node.get("slope", 0.25)), node.inputs[0]
    if kind == "leaky":
        return graph.add("LeakyRelu", x, alpha=slope)
    if kind == "elu":
        return graph.add("Elu", x, alpha=slope)
    if kind == "selu":
        return graph.add("Selu", x, alpha=1.6732632423543772, gamma=1.0507009873554805)
    if kind == "gelu":
        below = graph.add("Erf", graph.add("Mul", x, graph.constant(math.sqrt(0.5))))
        share = graph.add("Add", graph.add("Mul", below, graph.constant(0.5)), graph.constant(0.5))
        return graph.add("Mul", x, share)
    raise NotImplementedError(f"act_type={kind}")


@converts("zeros_like")
def zeros_like(graph: Builder, node: Node) -> str:
    return graph.filled(0, node.shape)


@converts("ones_like")
def ones_like(graph: Builder, node: Node) -> str:
    return graph.filled(1, node.shape)


@converts("_random_normal_like")
def normal_like(graph: Builder, node: Node) -> str:
    mean, scale = float(node.get("loc", 0)), float(node.get("scale", 1))
    return graph.add("RandomNormalLike", graph.filled(0, node.shape), mean=mean, scale=scale)


@converts("_random_uniform_like")
def uniform_like(graph: Builder, node: Node) -> str:
    low, high = float(node.get("low", 0)), float(node.get("high", 1))
    return graph.add("RandomUniformLike", graph.filled(0, node.shape), low=low, high=high)
