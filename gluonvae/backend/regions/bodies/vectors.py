"""Vectors of float32 in compiled code, for loops that LLVM does not vectorise by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..forms import LANES

_i32, _i64, _number = ir.IntType(32), ir.IntType(64), ir.FloatType()
_vector = ir.VectorType(_number, LANES)
_nothing = ir.Constant(_vector, ir.Undefined)
_FUSED: Any = {"flags": ["contract"]}
"""Of a product and a sum that may be one instruction."""


def _bytes(count: int) -> Any:
    return ir.Constant(_i64, count)


def _load(builder: Any, address: Any, kind: Any = _vector) -> Any:
    value = builder.load(builder.inttoptr(address, kind.as_pointer()))
    value.align = 4
    return value


def _store(builder: Any, value: Any, address: Any) -> None:
    builder.store(value, builder.inttoptr(address, _vector.as_pointer())).align = 4


def _after(builder: Any, address: Any, vectors: int) -> Any:
    return builder.add(address, _bytes(4 * LANES * vectors))


def _shuffled(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_i32, len(lanes)), lanes))


def _repeated(builder: Any, number: Any) -> Any:
    first = builder.insert_element(_nothing, number, ir.Constant(_i32, 0))
    return _shuffled(builder, first, _nothing, [0] * LANES)


def _add_rows(
    typing_context: object,
    matrix: object,
    stride: object,
    places: object,
    values: object,
    terms: object,
    start: object,
    to: object,
    count: Any,
) -> tuple[object, Callable[..., object]]:
    vectors = range(count.literal_value)

    def generate(context: Any, builder: Any, signature: object, arguments: Any) -> object:
        matrix, stride, places, values, terms, start, to, _ = arguments
        # which LLVM keeps in registers
        sums = [cgutils.alloca_once_value(builder, _load(builder, _after(builder, start, v))) for v in vectors]
        with cgutils.for_range(builder, terms) as loop:
            offset = builder.shl(loop.index, _bytes(2))
            place = builder.zext(_load(builder, builder.add(places, offset), _i32), _i64)
            value = _repeated(builder, _load(builder, builder.add(values, offset), _number))
            row = builder.add(matrix, builder.mul(place, stride))
            for v, total in zip(vectors, sums):
                product = builder.fmul(value, _load(builder, _after(builder, row, v)), **_FUSED)
                builder.store(builder.fadd(builder.load(total), product, **_FUSED), total)
        for v, total in zip(vectors, sums):
            _store(builder, builder.load(total), _after(builder, to, v))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7, count), generate


add_rows: Any = intrinsic(prefer_literal=True)(_add_rows)
"""Write start + the sum of rows of a matrix, each times a number, in the order given: address of the matrix and bytes
from row to row, those of the rows' places, int32, and of the numbers, how many there are, addresses of the start and of
where to write, and how many vectors, a number that is written out, are a row."""


def _transpose(
    typing_context: object, source: object, stride: object, to: object, stride_to: object
) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: object, arguments: Any) -> object:
        source, stride, to, stride_to = arguments
        rows = [_load(builder, builder.add(source, builder.mul(stride, _bytes(i)))) for i in range(LANES)]
        # blocks of 8 by 8 change places, then those of 4 by 4 in each, ...
        for size in (8, 4, 2, 1):
            for i in (i for i in range(LANES) if not i & size):
                x, y = rows[i], rows[i | size]
                lanes = [lane if not lane & size else LANES + (lane ^ size) for lane in range(LANES)]
                others = [lane ^ size if not lane & size else LANES + lane for lane in range(LANES)]
                rows[i], rows[i | size] = _shuffled(builder, x, y, lanes), _shuffled(builder, x, y, others)
        for i in range(LANES):
            _store(builder, rows[i], builder.add(to, builder.mul(stride_to, _bytes(i))))
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), generate


transpose: Any = intrinsic(_transpose)
"""Transpose a matrix of 16 by 16: its address and the bytes from row to row, and both of the result."""


def _nonzeros(typing_context: object, address: object) -> tuple[object, Callable[..., object]]:
    def generate(context: object, builder: Any, signature: object, arguments: Any) -> object:
        found = _bytes(0)
        for part in range(64 // LANES):
            x = _load(builder, _after(builder, arguments[0], part))
            are_not = builder.fcmp_unordered("!=", x, ir.Constant(_vector, [0.0] * LANES))
            word = builder.zext(builder.bitcast(are_not, ir.IntType(LANES)), _i64)
            found = builder.or_(found, builder.shl(word, _bytes(LANES * part)))
        return found

    return types.int64(types.int64), generate


nonzeros: Any = intrinsic(_nonzeros)
"""Which of 64 numbers at an address are not 0, NaN among them: a bit for each, the lowest for the first."""


def _lowest(typing_context: object, bits: object) -> tuple[object, Callable[..., object]]:
    return types.int64(types.int64), lambda context, builder, signature, arguments: builder.cttz(
        arguments[0], ir.Constant(ir.IntType(1), 0)
    )


lowest: Any = intrinsic(_lowest)
"""The place of the lowest bit that is set."""


def _count_bits(typing_context: object, bits: object) -> tuple[object, Callable[..., object]]:
    return types.int64(types.int64), lambda context, builder, signature, arguments: builder.ctpop(arguments[0])


count_bits: Any = intrinsic(_count_bits)
"""How many bits are set."""
