"""Each conversion of an operator: onnxruntime computes what MXNet's operator does."""

import json

import numpy as np
import pytest
import scipy.special

from gluonvae.backend.runtime import mx
from gluonvae.export import Graph
from gluonvae.export.operators import CONVERTERS
from gluonvae.export.sizes import BATCH, infer_shapes, shape
from tests.helpers import nd
from tests.helpers.exports import InOnnxruntime

B = BATCH
F = mx.sym
ROWS, IMAGE = [shape(B, 4)], [shape(B, 3, 6, 5)]
PAIR, TRIPLE = [shape(B, 4), shape(B, 4)], [shape(2, B, 3)]
BROADCAST = [shape(B, 1), shape(B, 4)]
SQUARES = [shape(B, 3, 3), shape(B, 3, 2)]


def graph_of(compute, shapes):
    """The graph of a function of symbols with inputs of these shapes; all of them are inputs."""
    inputs = dict(zip("abcde", shapes))
    made = compute(*map(F.var, inputs))
    symbol = F.Group(list(made))
    places = infer_shapes(symbol, inputs)
    heads = [places[node, output] for node, output, _ in json.loads(symbol.tojson())["heads"]]
    return Graph("function", symbol, {}, inputs, {f"out{number}": of for number, of in enumerate(heads)})


def positive(x):
    return np.abs(x) + 0.5


def inside(x):
    """In (-1, 1)."""
    return np.tanh(x)


def whole(x):
    """Zeros and ones, some of which are equal in two tensors."""
    return (x > 0).astype(np.float32)


def halves(x):
    return np.round(4 * x) / 2


def same(x):
    return x


def places(x):
    """Indices, some of which are beyond the ends of an axis of 4."""
    return np.floor(2.5 * x + 2)


def of_cholesky(x):
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(x.shape[-1]) if x.shape[-1] == x.shape[-2] else x


def with_large_diagonal(x):
    return x + 3 * np.eye(x.shape[-1]) if x.shape[-1] == x.shape[-2] else x


def kernel(number, channels, *size):
    return shape(number, channels, *size)


# name: (function of symbols, shapes of its inputs, what makes them of standard normal numbers)
UNARY = {
    **{
        name: (lambda x, name=name: getattr(F, name)(x), ROWS, same)
        for name in (
            "abs",
            "arctan",
            "ceil",
            "cos",
            "erf",
            "exp",
            "floor",
            "negative",
            "relu",
            "sigmoid",
            "sign",
            "sin",
            "softsign",
            "square",
            "tanh",
            "zeros_like",
            "ones_like",
            "BlockGrad",
            "identity",
            "make_loss",
            "expm1",
        )
    },
    **{
        name: (lambda x, name=name: getattr(F, name)(x), ROWS, positive)
        for name in (
            "log",
            "log1p",
            "reciprocal",
            "rsqrt",
            "sqrt",
        )
    },
    **{name: (lambda x, name=name: getattr(F, name)(x), ROWS, inside) for name in ("arccos", "arcsin", "tan")},
    **{name: (lambda x, name=name: getattr(F, name)(x), ROWS, halves) for name in ("rint", "round")},
    "Dropout": (lambda x: F.Dropout(x, p=0.5), ROWS, same),
    "clip": (lambda x: F.clip(x, -0.5, 1), ROWS, same),
    **{
        f"Activation, {name}": (lambda x, name=name: F.Activation(x, act_type=name), ROWS, same)
        for name in (
            "relu",
            "sigmoid",
            "softrelu",
            "softsign",
            "tanh",
        )
    },
    **{
        f"LeakyReLU, {name}": (lambda x, name=name: F.LeakyReLU(x, act_type=name, slope=0.3), ROWS, same)
        for name in (
            "leaky",
            "elu",
            "selu",
            "gelu",
        )
    },
}
SCALAR = {
    **{
        str(number): (function, ROWS, positive)
        for number, function in enumerate(
            [
                lambda x: x + 2,
                lambda x: x - 2,
                lambda x: 2 - x,
                lambda x: x * 2,
                lambda x: x / 3,
                lambda x: 3 / x,
                lambda x: x**1.5,
                lambda x: 1.5**x,
                lambda x: F.maximum(x, 1),
                lambda x: F.minimum(x, 1),
            ]
        )
    },
    **{
        str(number): (function, ROWS, whole)
        for number, function in enumerate(
            [
                lambda x: x == 1,
                lambda x: x != 1,
                lambda x: x > 0,
                lambda x: x >= 1,
                lambda x: x < 1,
                lambda x: x <= 0,
            ],
            start=20,
        )
    },
    "_mod_scalar": (lambda x: x % 3, ROWS, lambda x: 4 * x),
}
BINARY = {
    **{
        f"{name}, {form}": (lambda x, y, name=name: getattr(F, name)(x, y), shapes, positive)
        for form, shapes in (("equal shapes", PAIR), ("other shapes", BROADCAST))
        for name in (
            "broadcast_add",
            "broadcast_sub",
            "broadcast_mul",
            "broadcast_div",
            "broadcast_power",
            "broadcast_maximum",
            "broadcast_minimum",
        )
    },
    **{
        name: (lambda x, y, name=name: getattr(F, name)(x, y), BROADCAST, whole)
        for name in (
            "broadcast_equal",
            "broadcast_not_equal",
            "broadcast_greater",
            "broadcast_greater_equal",
            "broadcast_lesser",
            "broadcast_lesser_equal",
        )
    },
    **{
        f"{number}, whole": (function, PAIR, whole)
        for number, function in enumerate(
            [
                lambda x, y: x == y,
                lambda x, y: x != y,
                lambda x, y: x > y,
                lambda x, y: x >= y,
                lambda x, y: x < y,
                lambda x, y: x <= y,
            ]
        )
    },
    **{
        f"{number}, positive": (function, PAIR, positive)
        for number, function in enumerate(
            [
                lambda x, y: x + y,
                lambda x, y: x - y,
                lambda x, y: x * y,
                lambda x, y: x / y,
                lambda x, y: x**y,
                F.maximum,
                F.minimum,
            ]
        )
    },
    "add_n": (lambda *x: F.add_n(*x), [*PAIR, shape(B, 4)], same),
    "where": (lambda x, y, z: F.where(x > 0, y, z), [*PAIR, shape(B, 4)], same),
}
REDUCTIONS = {
    **{
        f"{name}, {options}": (lambda x, name=name, options=options: getattr(F, name)(x, **options), TRIPLE, same)
        for name in ("sum", "mean", "max", "min", "prod")
        for options in ({"axis": -1}, {"axis": (0, 2), "keepdims": True}, {"axis": 1, "exclude": True}, {})
    },
    **{
        f"{name}, {options}": (lambda x, name=name, options=options: getattr(F, name)(x, **options), TRIPLE, same)
        for name in ("argmax", "argmin")
        for options in ({"axis": -1}, {"axis": 0, "keepdims": True})
    },
    **{
        f"{name}, {options}": (lambda x, name=name, options=options: getattr(F, name)(x, **options), TRIPLE, same)
        for name in ("softmax", "log_softmax")
        for options in ({}, {"axis": 0, "temperature": 2.0})
    },
    "cumsum": (lambda x: F.cumsum(x, axis=2), TRIPLE, same),
}
SHAPING = {
    "Reshape": (lambda x: F.reshape(x, shape=(-2, 3, -1, -4), reverse=True), [shape(B, 12)], same),
    "Reshape, two axes of the batch": (
        lambda x: F.reshape(F.broadcast_sub(F.expand_dims(x, 0), F.expand_dims(x, 1)), shape=(0, 0, 2, 2)),
        ROWS,
        same,
    ),
    "reshape_like": (lambda x, y: F.reshape_like(x, y), [shape(B, 12), shape(B, 3, 4)], same),
    "Flatten": (F.flatten, IMAGE, same),
    "expand_dims": (lambda x: F.expand_dims(x, axis=-1), ROWS, same),
    "squeeze": (lambda x: F.squeeze(x, axis=-1), [shape(B, 4, 1)], same),
    "broadcast_like": (F.broadcast_like, BROADCAST, same),
    "broadcast_axis": (lambda x: F.broadcast_axis(x, axis=1, size=3), BROADCAST[:1], same),
    "broadcast_to": (lambda x: F.broadcast_to(x, shape=(0, 5)), BROADCAST[:1], same),
    "transpose": (F.transpose, TRIPLE, same),
    "transpose, axes": (lambda x: F.transpose(x, axes=(1, 2, 0)), TRIPLE, same),
    "SwapAxis": (lambda x: F.swapaxes(x, 0, 2), TRIPLE, same),
    "Concat": (lambda x, y: F.concat(x, y, dim=-1), BROADCAST, same),
    "Concat of one": (lambda x: F.concat(F.mean(x), dim=0), ROWS, same),
    "stack": (lambda x, y: F.stack(x, y, axis=1), PAIR, same),
    "SliceChannel": (lambda x: F.concat(*reversed(list(F.split(x, num_outputs=2, axis=-1))), dim=-1), ROWS, same),
    "SliceChannel, squeezed": (lambda x: F.split(x, num_outputs=4, axis=-1, squeeze_axis=True)[2], ROWS, same),
    "SliceChannel of one": (lambda x: F.split(x, num_outputs=1, axis=-1), ROWS, same),
    "reverse": (lambda x: F.reverse(x, axis=(0, 2)), TRIPLE, same),
    "tile": (lambda x: F.tile(x, reps=(2, 1, 3)), TRIPLE, same),
    "Pad": (lambda x: F.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 1, 2, 0, 3), constant_value=2), IMAGE, same),
    "Pad, edge": (lambda x: F.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 0, 3)), IMAGE, same),
}
INDEXING = {
    "slice_axis": (lambda x: F.slice_axis(x, axis=-1, begin=1, end=None), ROWS, same),
    "slice_axis, from the end": (lambda x: F.slice_axis(x, axis=1, begin=-3, end=-1), ROWS, same),
    "slice": (lambda x: F.slice(x, begin=(None, None, 1, 0), end=(None, None, 5, -1)), IMAGE, same),
    "slice, step": (lambda x: F.slice(x, begin=(None, 0), end=(None, 4), step=(1, 2)), ROWS, same),
    "slice_like": (lambda x, y: F.slice_like(x, y), [shape(B, 4), shape(B, 2)], same),
    "slice_like, axis": (lambda x, y: F.slice_like(x, y, axes=(-1,)), [shape(B, 4), shape(B, 2)], same),
    "take": (F.take, [shape(4, 3), shape(B, 2)], places),
    "pick": (lambda x, y: F.pick(x, F.sum(y, axis=1)), PAIR, places),
    "pick, axis": (lambda x, y: F.pick(x, y, axis=1, keepdims=True), [shape(B, 4, 3), shape(B, 3)], places),
    "Embedding": (
        lambda x, y: F.Embedding(x, y, input_dim=4, output_dim=3),
        [shape(B, 2), shape(4, 3)],
        lambda x: np.clip(places(x), 0, 3),
    ),
    "arange_like": (lambda x: F.contrib.arange_like(x, axis=1, start=2, step=0.5), ROWS, same),
    "arange_like, batch": (lambda x: F.contrib.arange_like(x, axis=0, start=2, step=0.5), ROWS, same),
}
LAYERS = {
    "FullyConnected": (
        lambda x, w, b: F.FullyConnected(x, w, b, num_hidden=3),
        [shape(B, 4), shape(3, 4), shape(3)],
        same,
    ),
    "FullyConnected, flattened": (
        lambda x, w: F.FullyConnected(x, w, num_hidden=3, no_bias=True),
        [shape(B, 2, 4), shape(3, 8)],
        same,
    ),
    "FullyConnected, axes": (
        lambda x, w, b: F.FullyConnected(x, w, b, num_hidden=5, flatten=False),
        [*TRIPLE, shape(5, 3), shape(5)],
        same,
    ),
    "FullyConnected, axes, no bias": (
        lambda x, w: F.FullyConnected(x, w, num_hidden=5, flatten=False, no_bias=True),
        [*TRIPLE, shape(5, 3)],
        same,
    ),
    "batch_dot": (F.batch_dot, SQUARES, same),
    "batch_dot, transposed": (
        lambda x, y: F.batch_dot(x, y, transpose_a=True, transpose_b=True),
        [shape(B, 3, 4), shape(B, 2, 3)],
        same,
    ),
    "dot": (lambda x, y: F.dot(x, y, transpose_b=True), [shape(B, 4), shape(3, 4)], same),
    "Convolution": (
        lambda x, w, b: F.Convolution(x, w, b, kernel=(3, 2), stride=(2, 1), pad=(1, 0), dilate=(1, 2), num_filter=4),
        [*IMAGE, kernel(4, 3, 3, 2), shape(4)],
        same,
    ),
    "Convolution, groups": (
        lambda x, w: F.Convolution(x, w, kernel=(3, 3), num_filter=6, num_group=3, no_bias=True),
        [*IMAGE, kernel(6, 1, 3, 3)],
        same,
    ),
    "Convolution, one axis": (
        lambda x, w: F.Convolution(x, w, kernel=(3,), num_filter=2, no_bias=True),
        [shape(B, 4, 7), shape(2, 4, 3)],
        same,
    ),
    "Deconvolution": (
        lambda x, w, b: F.Deconvolution(
            x, w, b, kernel=(4, 3), stride=(2, 3), pad=(1, 0), adj=(1, 2), num_filter=4, no_bias=False
        ),
        [*IMAGE, kernel(3, 4, 4, 3), shape(4)],
        same,
    ),
    "Pooling, global": (lambda x: F.Pooling(x, global_pool=True, pool_type="max", kernel=(1, 1)), IMAGE, same),
    "Pooling, average, global": (lambda x: F.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1)), IMAGE, same),
    "Pooling": (lambda x: F.Pooling(x, kernel=(2, 3), stride=(2, 2), pad=(0, 1), pool_type="max"), IMAGE, same),
    "Pooling, full": (
        lambda x: F.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max", pooling_convention="full"),
        IMAGE,
        same,
    ),
    "Pooling, average": (
        lambda x: F.Pooling(x, kernel=(2, 3), stride=(2, 2), pad=(0, 1), pool_type="avg"),
        IMAGE,
        same,
    ),
    "Pooling, average of what is there": (
        lambda x: F.Pooling(x, kernel=(2, 3), stride=(2, 2), pad=(0, 1), pool_type="avg", count_include_pad=False),
        IMAGE,
        same,
    ),
    "UpSampling": (lambda x: F.UpSampling(x, scale=3, sample_type="nearest"), IMAGE, same),
    "LayerNorm": (lambda x, g, b: F.LayerNorm(x, g, b, eps=1e-3), [*TRIPLE, shape(3), shape(3)], same),
    "InstanceNorm": (lambda x, g, b: F.InstanceNorm(x, g, b, eps=1e-3), [*IMAGE, shape(3), shape(3)], same),
}
LINEAR_ALGEBRA = {
    "maketrian": (F.linalg.maketrian, [shape(B, 6)], same),
    "extractdiag": (F.linalg.extractdiag, SQUARES[:1], same),
    "makediag": (F.linalg.makediag, ROWS, same),
    "sumlogdiag": (F.linalg.sumlogdiag, SQUARES[:1], positive),
    "gemm2": (F.linalg.gemm2, SQUARES, same),
    "gemm2, transposed": (
        lambda x, y: F.linalg.gemm2(x, y, transpose_a=True, transpose_b=True),
        [shape(B, 3, 4), shape(B, 2, 3)],
        same,
    ),
    "syrk": (F.linalg.syrk, SQUARES[1:], same),
    "syrk, transposed": (lambda x: F.linalg.syrk(x, transpose=True), SQUARES[1:], same),
    "trmm": (F.linalg.trmm, SQUARES, same),
    "trmm, transposed": (lambda x, y: F.linalg.trmm(x, y, transpose=True), SQUARES, same),
    "potrf": (F.linalg.potrf, SQUARES[:1], of_cholesky),
    "trsm": (F.linalg.trsm, SQUARES, with_large_diagonal),
    "trsm, transposed": (lambda x, y: F.linalg.trsm(x, y, transpose=True), SQUARES, with_large_diagonal),
}
TABLES = {
    "unary": UNARY,
    "scalar": SCALAR,
    "binary": BINARY,
    "reductions": REDUCTIONS,
    "shaping": SHAPING,
    "indexing": INDEXING,
    "layers": LAYERS,
    "linear algebra": LINEAR_ALGEBRA,
}
EVERY = {f"{table}: {name}": row for table, rows in TABLES.items() for name, row in rows.items()}
ELSEWHERE = {"BatchNorm", "_random_normal_like", "_random_uniform_like"}
"""Conversions that have tests below, and in test_noise.py."""


def operators(graph):
    return {node["op"] for node in json.loads(graph.symbol.tojson())["nodes"]} - {"null"}


def assert_the_same(graph, rng, make, folder):
    run = InOnnxruntime(graph, folder)
    for batch in (1, 3):
        arrays = {
            name: make(rng.standard_normal([size.at(batch) for size in of])).astype(np.float32)
            for name, of in graph.inputs.items()
        }
        used = {name: nd(arrays[name]) for name in graph.symbol.list_inputs()}
        wanted = graph.symbol.eval(mx.cpu(), **used)
        got = run(**arrays)
        assert len(got) == len(wanted)
        for one, want in zip(got.values(), wanted):
            assert one.shape == want.shape
            np.testing.assert_allclose(one, want.asnumpy(), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", EVERY)
def test_operator(name, rng, tmp_path):
    compute, shapes, make = EVERY[name]
    assert_the_same(graph_of(compute, shapes), rng, make, tmp_path)


def test_every_conversion_has_a_row():
    found = set().union(*(operators(graph_of(compute, shapes)) for compute, shapes, _ in EVERY.values()))
    assert set(CONVERTERS) - found == ELSEWHERE


@pytest.mark.parametrize("fixed", [True, False])
def test_batch_norm(fixed, rng, tmp_path):
    inputs = {"a": IMAGE[0], **dict.fromkeys(("gamma", "beta", "mean", "variance"), shape(3))}
    symbol = F.BatchNorm(*map(F.var, inputs), fix_gamma=fixed, eps=1e-3)
    values = {name: nd(np.abs(rng.standard_normal(3)) + 0.5) for name in list(inputs)[1:]}
    graph = Graph("function", symbol, values, {"a": IMAGE[0]}, {"out": IMAGE[0]})
    x = rng.standard_normal((2, 3, 6, 5)).astype(np.float32)
    gamma, beta, mean, variance = (of.asnumpy()[:, None, None] for of in values.values())
    wanted = (x - mean) / np.sqrt(variance + 1e-3) * (1 if fixed else gamma) + beta
    np.testing.assert_allclose(InOnnxruntime(graph, tmp_path)(a=x)["out"], wanted, rtol=1e-5, atol=1e-5)


HARD = np.array(
    [0, 1e-30, 1e-10, 1e-7, 1e-5, 0.1, 0.49, 0.5, 0.51, 0.99, 1, 2, 20, 1e4, 1e30, np.inf, np.nan], np.float32
)
"""Where naive formulas lose digits or are not finite."""


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("log1p", np.concatenate([HARD, -HARD[HARD <= 1], [np.nextafter(np.float32(-1), np.float32(0))]])),
        ("expm1", np.concatenate([HARD, -HARD])),
        ("softrelu", np.concatenate([HARD, -HARD])),
    ],
)
def test_special_functions_are_accurate(function, values, tmp_path):
    compute = getattr(F, function, None) or (lambda x: F.Activation(x, act_type=function))
    exact = {"log1p": np.log1p, "expm1": np.expm1, "softrelu": lambda x: np.logaddexp(x, 0)}[function]
    values = values.astype(np.float32)[:, None]
    got = InOnnxruntime(graph_of(compute, [shape(B, 1)]), tmp_path)(a=values)["out0"]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(got, exact(values.astype(np.float64)).astype(np.float32), rtol=5e-7)


def test_rounds_halves_away_from_zero(tmp_path):
    values = np.array([0.49999997, 0.5, 1.5, 2.5, -0.5, -2.5, -0.49999997, 8388609.0, np.nan], np.float32)[:, None]
    got = InOnnxruntime(graph_of(F.round, [shape(B, 1)]), tmp_path)(a=values)["out0"]
    np.testing.assert_array_equal(got, np.array([0, 1, 2, 3, -1, -3, 0, 8388609, np.nan])[:, None])


def test_missing_values_stay_missing_or_are_replaced(tmp_path):
    """Of comparisons, choices and constants, which networks for missing values are made of."""
    x = np.array([[1, np.nan, -2, np.nan]], np.float32)

    def compute(x):
        seen = F.broadcast_equal(x, x)
        return F.Group([seen, F.where(seen, x, F.zeros_like(x)), F.ones_like(x)])

    got = InOnnxruntime(graph_of(compute, ROWS), tmp_path)(a=x)
    np.testing.assert_array_equal(list(got.values()), [[[1, 0, 1, 0]], [[1, 0, -2, 0]], [[1, 1, 1, 1]]])


def test_gauss_error_function_is_scipys(tmp_path):
    x = np.linspace(-4, 4, 33, dtype=np.float32)[:, None]
    got = InOnnxruntime(graph_of(F.erf, [shape(B, 1)]), tmp_path)(a=x)["out0"]
    np.testing.assert_allclose(got, scipy.special.erf(x.astype(np.float64)), atol=1e-6)
