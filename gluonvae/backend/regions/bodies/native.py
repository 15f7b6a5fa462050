"""What compiled code calls: OpenMP and oneDNN, and memory by its address."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, Optional

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core import cgutils
from numba.core.ccallback import CFunc
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from ...runtime import OPENMP
from ..onednn import bfloat16_address, sgemm_address

_log = logging.getLogger(__name__)

OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
"""Options of all compiled code: with Python's error model, or without "reassoc", loops would not be vectorised."""

compiled: Any = njit(**OPTIONS)
"""Decorator of functions that compiled code calls."""

of_numbers: Any = njit(forceinline=True, **OPTIONS)
"""Decorator of functions of single numbers: a loop that has a call in it is not vectorised."""

PLAIN, TRANSPOSED = 78, 84
"""What :func:`sgemm` is told of a matrix: the letters N and T."""

_i32, _i64, _f32 = types.int32, types.int64, types.float32


def external(name: str, address: Optional[int], result: Any, *arguments: Any) -> Any:
    """Return a C function that compiled code can call, also code from numba's cache: it is found by its name."""
    if address:
        llvmlite.binding.add_symbol(f"gluonvae_{name}", address)
    return types.ExternalFunction(f"gluonvae_{name}", result(*arguments))


def address_in(library: Any, name: str) -> Optional[int]:
    """Return the address of a function of a C library."""
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value


_c = ctypes.CDLL(None)
sgemm = external("sgemm", sgemm_address(), _i32, *[types.uint8] * 2, *[_i64] * 3, _f32, *[_i64] * 4, _f32, *[_i64] * 2)
"""C = alpha A B + beta C of matrices by rows: letters of A and B, rows, columns and inner size of the product,
alpha, address and stride of A, then of B, beta, address and stride of C."""
bfloat16_product = external(
    "bfloat16_product",
    bfloat16_address() or sgemm_address(),
    _i32,
    *[types.uint8] * 2,
    *[_i64] * 3,
    _f32,
    *[_i64] * 4,
    _f32,
    *[_i64] * 2,
)
"""The same of matrices A and B of bfloat16, and C of float32."""
run_team = external("run_team", address_in(OPENMP, "GOMP_parallel"), types.void, _i64, _i64, *[types.uint32] * 2)
"""Call a function by its address in each thread of a team: function, its argument, number of threads, 0."""
barrier = external("barrier", address_in(OPENMP, "GOMP_barrier"), types.void)
"""Wait for the other threads of the team."""
thread = external("thread", address_in(OPENMP, "omp_get_thread_num"), _i32)
"""The number of the calling thread in its team."""
threads = external("threads", address_in(OPENMP, "omp_get_num_threads"), _i32)
"""The number of threads in the team."""
most_threads = external("most_threads", address_in(OPENMP, "omp_get_max_threads"), _i32)
"""The number of threads that a team may have."""
set_most_threads = external("set_most_threads", address_in(OPENMP, "omp_set_num_threads"), types.void, _i32)
malloc = external("malloc", address_in(_c, "malloc"), _i64, _i64)
free = external("free", address_in(_c, "free"), types.void, _i64)
write = external("write", address_in(_c, "write"), _i64, _i32, _i64, _i64)
"""Write to a file: its descriptor, address and number of bytes."""
set_signal_mask = external("set_signal_mask", address_in(_c, "pthread_sigmask"), _i32, _i32, _i64, _i64)
"""Set which signals the calling thread puts off: how, the set, where to write the one before."""


def _pointer_intrinsic(of: Any) -> Any:
    """Return a function of compiled code that makes an address a pointer to numbers of a type."""
    pointer = types.CPointer(of)

    def convert(typing_context: object, address: object) -> tuple[object, Callable[..., object]]:
        return pointer(_i64), lambda context, builder, signature, arguments: builder.inttoptr(
            arguments[0], context.get_value_type(pointer)
        )

    return intrinsic(convert)


floats: Any = _pointer_intrinsic(_f32)
"""A pointer to float32."""
doubles: Any = _pointer_intrinsic(types.float64)
"""A pointer to float64."""
words: Any = _pointer_intrinsic(_i64)
"""A pointer to int64."""
ints: Any = _pointer_intrinsic(_i32)
"""A pointer to int32."""
bits: Any = _pointer_intrinsic(types.uint32)
"""A pointer to uint32."""
bytes_at: Any = _pointer_intrinsic(types.uint8)
"""A pointer to bytes."""
halves: Any = _pointer_intrinsic(types.uint16)
"""A pointer to uint16."""


def _numbers(typing_context: object, address: object, like: Any) -> tuple[object, Callable[..., object]]:
    return like(_i64, like), lambda context, builder, signature, arguments: builder.inttoptr(
        arguments[0], context.get_value_type(like)
    )


numbers: Any = intrinsic(_numbers)
"""A pointer of the type of the second argument, to an address."""


def _address_of(typing_context: object, pointer: Any) -> tuple[object, Callable[..., object]]:
    return _i64(pointer), lambda context, builder, signature, arguments: builder.ptrtoint(arguments[0], ir.IntType(64))


address_of: Any = intrinsic(_address_of)
"""The address that a pointer holds."""


def _bytes_of(typing_context: object, pointer: Any) -> tuple[object, Callable[..., object]]:
    size = pointer.dtype.bitwidth // 8
    return _i64(pointer), lambda context, builder, signature, arguments: ir.Constant(ir.IntType(64), size)


bytes_of: Any = intrinsic(_bytes_of)
"""The bytes of a number that a pointer points to."""


def _word_of(typing_context: object, place: object, which: object) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: object, arguments: Any) -> object:
        return builder.load(builder.gep(builder.inttoptr(arguments[0], ir.IntType(64).as_pointer()), [arguments[1]]))

    return _i64(_i64, _i64), generate


word_of: Any = intrinsic(_word_of)
"""A word of several at an address."""


def _less_product(typing_context: object, x: Any, a: Any, b: Any) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: object, arguments: Any) -> object:
        x, a, b = arguments
        return builder.fsub(x, builder.fmul(a, b, flags=("contract",)), flags=("contract",))

    return _f32(_f32, _f32, _f32), generate


less_product: Any = intrinsic(_less_product)
"""x - a b of float32 in the order that is written, whatever else :data:`OPTIONS` allows."""


def _exchange(typing_context: object, address: object, value: object) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: object, arguments: Any) -> object:
        place = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("xchg", place, arguments[1], "seq_cst")

    return _i64(_i64, _i64), generate


exchange: Any = intrinsic(_exchange)
"""Write an int64 to an address, and return what was there, as one step for all threads."""


def _stack_words(typing_context: object, count: Any) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: object, arguments: object) -> object:
        memory = cgutils.alloca_once(builder, ir.ArrayType(ir.IntType(64), count.literal_value))
        return builder.ptrtoint(memory, ir.IntType(64))

    return _i64(count), generate


stack_words: Any = intrinsic(prefer_literal=True)(_stack_words)
"""The address of so many int64 on the stack, a number that is written out."""


def _call(typing_context: object, function: Any, numbers: Any, pointer: Any) -> tuple[object, Callable[..., object]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        given = [*cgutils.unpack_tuple(builder, arguments[1]), arguments[2]]
        of_function = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(arguments[0], of_function.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(_i64, types.UniTuple(_i64, len(numbers)), pointer), generate


call: Any = intrinsic(_call)
"""Call compiled code by its address, with a tuple of int64 and a pointer."""


@compiled
def argument_words(arguments):
    """The four words that a body is called with."""
    return words(address_of(arguments))


@compiled
def zero_and_one(arguments):
    """0 and 1 in the type that a body computes in."""
    values = carray(arguments, 1)
    return values.dtype.type(0), values.dtype.type(1)


def compile_callback(function: Callable[..., Any], result: Any, *arguments: Any, as_written: bool = False) -> int:
    """Compile a C function, or read it from numba's cache on disk, and return its address.

    Parameters
    ----------
    function : Callable
        The function in Python.
    result, *arguments
        numba's types.
    as_written : bool
        Whether numbers are added and multiplied in the order in which that is written: then no sum is vectorised.

    Returns
    -------
    int
        The address, which stays valid.
    """
    options = {"error_model": "numpy"} if as_written else dict(OPTIONS)
    make = functools.partial(_Callback, _renamed(function, arguments, as_written), (arguments, result), {}, options)
    callback: Any = make()
    try:
        callback.enable_caching()
        callback.compile()
    except Exception:
        # no folder can be written to, the disk is full, or a file is damaged: what that raises depends on the damage
        with contextlib.suppress(Exception):
            callback._cache.flush()  # so that the next process writes it anew
        callback = make()
        callback.compile()
    _callbacks.append(callback)
    address: int = callback.address
    return address


class _Callback(CFunc):  # type: ignore[misc,unused-ignore]
    """Compiled code that says so where it is not on disk yet."""

    def _compile_uncached(self) -> object:
        _say_once()
        return super()._compile_uncached()  # type: ignore[misc,unused-ignore]


@functools.cache
def _say_once() -> None:
    _log.info("compiling operators, which takes up to half a minute; they are kept on disk if possible")


def _renamed(function: Callable[..., Any], *compiled_for: Any) -> Callable[..., Any]:
    """Return the function under a name of its own for each way of compiling it and each processor.

    numba's files are named after the function. In a file of several types or processors, two processes that write at
    once may leave one's code under the other's type. And numba does not see that a function which another calls has
    changed: the name tells the sources apart as well.
    """
    of_all = (*compiled_for, cpu_target.target_context.codegen().magic_tuple(), _sources())
    copy = FunctionType(function.__code__, function.__globals__)
    copy.__qualname__ = f"{function.__qualname__}_{hashlib.sha256(repr(of_all).encode()).hexdigest()[:12]}"
    return copy


@functools.cache
def _sources() -> str:
    """A digest of the sources of all that is compiled."""
    folder = Path(__file__).parents[1]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.rglob("*.py")))).hexdigest()


_callbacks: list[Any] = []
"""What was compiled: the code would be freed with the object."""


def compile_body(dtype: Any, function: Callable[..., Any], as_written: bool = False) -> int:
    """Compile a function that runs in a region, and return its address.

    It takes numbers, int64, and the address of the region's four words as a pointer to ``dtype``, by which compiled
    code knows in what it computes. See :func:`compile_callback`.
    """
    pointer = types.CPointer(_f32 if dtype == np.float32 else types.float64)
    numbers = [_i64] * (function.__code__.co_argcount - 1)
    return compile_callback(function, types.void, *numbers, pointer, as_written=as_written)
