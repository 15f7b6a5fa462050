"""MXNet's custom operators whose passes are regions: Python runs where a graph is made, and in none of its passes."""

from __future__ import annotations

import ctypes
import functools
import math
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..runtime import mx
from . import shared
from .widened import in_float32

Shape = tuple[int, ...]
Options = Mapping[str, str]
"""Options of an operator in a graph: text, as MXNet stores them."""

_int_p = ctypes.POINTER(ctypes.c_int)
_Function = ctypes.CFUNCTYPE(ctypes.c_int)
_List = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.POINTER(ctypes.c_char_p)), ctypes.c_void_p)
_InferShape = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, _int_p, ctypes.POINTER(_int_p), ctypes.c_void_p)
_InferType = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, _int_p, ctypes.c_void_p)
_Dependencies = ctypes.CFUNCTYPE(ctypes.c_int, *[_int_p] * 4, ctypes.POINTER(_int_p), ctypes.c_void_p)
_Callbacks = mx.operator.MXCallbackList
_Create = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(ctypes.c_uint)),
    _int_p,
    _int_p,
    ctypes.POINTER(_Callbacks),
    ctypes.c_void_p,
)
_Creator = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.POINTER(ctypes.c_char_p),
    ctypes.POINTER(_Callbacks),
)

DTYPES = {0: np.float32, 1: np.float64}
"""The dtypes that regions compute in, by MXNet's number."""

FORWARD, BACKWARD, FORWARD_TEAM, BACKWARD_TEAM, GRADIENTS, INPUTS, OUTPUTS = range(7)
SCRATCH, FORWARD_SCRATCH, SHARED, SIZES = range(7, 11)
"""Where the words of a plan are: both bodies, how many threads each can use, of how many outputs, the first ones, there
are gradients, the number of inputs and of outputs, the bytes of memory that the backward and the forward pass take for
themselves, the address of what all regions share, and the first of the operator's own sizes."""


SMALLEST, LARGEST = 16, 128
"""Rows of one matrix product. Of fewer than 16 or more than some 200 rows oneDNN adds up in another order, and what a
row comes to would depend on how many threads there are; 128 rows of activations stay in a core's cache."""


class Plan(NamedTuple):
    """How an operator computes inputs of certain shapes."""

    sizes: Sequence[int]
    """What its bodies read."""
    forward_team: int = 1
    """Threads that the forward pass can use."""
    backward_team: int = 1
    """Threads that the backward pass can use."""
    scratch: int = 0
    """Numbers of memory that the backward pass takes for itself."""
    forward_scratch: int = 0
    """Numbers of memory that the forward pass takes for itself."""


@dataclass(frozen=True)
class Region:
    """An operator of MXNet's that is made of regions.

    A body is compiled code that every thread of a team calls, with the address of four words: the plan, the addresses
    of the tensors (of the forward pass: inputs, outputs; of the backward pass: gradients of the outputs, inputs,
    outputs, gradients of the inputs), MXNet's requests for what is written, and the backward pass's memory.
    """

    name: str
    arguments: Callable[[Options], Sequence[str]]
    """Names of the inputs."""
    outputs: Callable[[Options], Sequence[str]]
    """Names of the outputs."""
    shapes: Callable[[Options, Sequence[Shape]], tuple[Sequence[Shape], Sequence[Shape]]]
    """Those of all inputs and outputs, of those of the inputs, which are () where they are not known."""
    plan: Callable[[Options, Sequence[Shape], Any], Plan]
    """Of the options, the shapes of all inputs and the dtype."""
    bodies: Callable[[Any], Sequence[int]]
    """Addresses of the forward and the backward body for a dtype."""
    gradients: Callable[[Options], int]
    """How many of the outputs, the first ones, the backward pass takes gradients of; the others only it reads."""


def register(region: Region) -> None:
    """Make an operator known to MXNet, as ``F.Custom(..., op_type=region.name)``."""

    @_Creator
    @_without_raising
    def create(op_type: bytes, count: int, keys: Any, values: Any, result: Any) -> None:
        options = [(keys[i].decode(), values[i].decode()) for i in range(count)]
        result[0] = definition_of(region, dict(options)).callbacks

    mx.base.check_call(mx.base._LIB.MXCustomOpRegister(region.name.encode(), create))
    _registered.append(create)


_registered: list[Any] = []
"""What MXNet calls, to be kept."""


def _without_raising(function: Callable[..., None]) -> Callable[..., int]:
    """Return a function that MXNet can call: 1 where it has succeeded, 0, of which MXNet makes an error, elsewhere."""

    def call(*arguments: Any) -> int:
        try:
            function(*arguments)
        except BaseException as error:  # a signal's, too: it would be lost in C
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 0
        return 1

    return call


class _Definition:
    """An operator with certain options, and what MXNet asks about it.

    All that MXNet is given stays where it is: definitions are kept, as is each answer, by what was asked.
    """

    def __init__(self, region: Region, options: Options) -> None:
        own = {name: value for name, value in options.items() if name != "op_type"}
        self.region, self.options = region, own
        inputs, outputs = region.arguments(own), region.outputs(own)
        self.inputs, self.outputs = len(inputs), len(outputs)
        self.gradients = region.gradients(own)
        # outputs as well: where what was computed of one has no gradient, MXNet makes zeros like it for the backward
        # pass, and crashes where it was not kept
        self.read = [*range(self.gradients), *range(self.outputs, 2 * self.outputs + self.inputs)]
        self._answers = [_names(names) for names in (inputs, outputs, ())]
        self._dependencies = (ctypes.c_int * len(self.read))()
        callbacks = passes()
        functions = [
            callbacks.nothing,
            *(_List(_without_raising(functools.partial(self._list, names))) for names in self._answers),
            _InferShape(_without_raising(self._infer_shape)),
            _Dependencies(_without_raising(self._declare)),
            _Create(_without_raising(self._create)),
            _InferType(_without_raising(self._infer_type)),
            callbacks.storage,
            callbacks.backward_storage,
        ]
        self._functions = functions
        self.callbacks = _callback_list([_address(function) for function in functions], [0] * len(functions))

    def _list(self, names: Any, result: Any, _: object) -> None:
        result[0] = names

    def _infer_shape(self, count: int, dimensions: Any, shapes: Any, _: object) -> None:
        given = tuple(tuple(shapes[i][: dimensions[i]]) for i in range(self.inputs))
        for i, (size, memory) in enumerate(self._shapes(given)):
            dimensions[i], shapes[i] = size, memory

    @functools.cache  # noqa: B019  definitions are kept for ever
    def _shapes(self, given: tuple[Shape, ...]) -> list[tuple[int, Any]]:
        inputs, outputs = self.region.shapes(self.options, given)
        return [(len(shape), (ctypes.c_int * max(len(shape), 1))(*shape)) for shape in (*inputs, *outputs)]

    def _infer_type(self, count: int, kinds: Any, _: object) -> None:
        known = next((kinds[i] for i in range(count) if kinds[i] >= 0), 0)
        for i in range(count):
            kinds[i] = known

    def _declare(self, gradients: Any, inputs: Any, outputs: Any, count: Any, result: Any, _: object) -> None:
        places = [*gradients[: self.outputs], *inputs[: self.inputs], *outputs[: self.outputs]]
        self._dependencies[:] = [places[i] for i in self.read]
        count[0], result[0] = len(self.read), self._dependencies

    def _create(self, context: bytes, count: int, shapes: Any, sizes: Any, kinds: Any, result: Any, _: object) -> None:
        given = tuple(tuple(shapes[i][: sizes[i]]) for i in range(self.inputs))
        result[0] = self._operator(given, kinds[0])[1] if kinds[0] in DTYPES else self._in_float32

    @functools.cached_property
    def _in_float32(self) -> Any:
        """Callbacks for bfloat16, which no region computes in."""
        functions = in_float32(self.region.name, self.options, self.inputs, self.outputs, self.gradients)
        self._functions += functions
        return _callback_list([passes().nothing, *map(_address, functions)], [0] * 3)

    def plan(self, shapes: tuple[Shape, ...], kind: int) -> Any:
        """Return the words of the plan of a pass, which are kept."""
        return self._operator(shapes, kind)[0]

    @functools.cache  # noqa: B019
    def _operator(self, shapes: tuple[Shape, ...], kind: int) -> tuple[Any, Any]:
        """Return the plan, to be kept, and MXNet's callbacks."""
        dtype = DTYPES[kind]
        plan = self.region.plan(self.options, shapes, dtype)
        words = [0] * SIZES
        words[FORWARD], words[BACKWARD] = self.region.bodies(dtype)
        words[FORWARD_TEAM], words[BACKWARD_TEAM] = plan.forward_team, plan.backward_team
        words[GRADIENTS], words[INPUTS], words[OUTPUTS] = self.gradients, self.inputs, self.outputs
        words[SCRATCH] = plan.scratch * np.dtype(dtype).itemsize
        words[FORWARD_SCRATCH] = plan.forward_scratch * np.dtype(dtype).itemsize
        words[SHARED] = shared.address()
        memory = array("q", [*words, *plan.sizes])
        address, callbacks = memory.buffer_info()[0], passes()
        return memory, _callback_list([callbacks.nothing, callbacks.forward, callbacks.backward], [0, address, address])


def definition_of(region: Region, options: Options) -> _Definition:
    """Return an operator with certain options, always the same."""
    return _definition(region, tuple(sorted(options.items())))


@functools.cache
def _definition(region: Region, options: tuple[tuple[str, str], ...]) -> _Definition:
    return _Definition(region, dict(options))


def _names(names: Sequence[str]) -> Any:
    return (ctypes.c_char_p * (len(names) + 1))(*(name.encode() for name in names), None)


def _address(function: Any) -> int:
    return function if isinstance(function, int) else ctypes.cast(function, ctypes.c_void_p).value or 0


def _callback_list(functions: Sequence[int], contexts: Sequence[int]) -> Any:
    count = len(functions)
    addresses = (ctypes.c_void_p * count)(*functions)
    callbacks = _Callbacks(
        count,
        ctypes.cast(addresses, ctypes.POINTER(_Function)),
        ctypes.cast((ctypes.c_void_p * count)(*contexts), ctypes.POINTER(ctypes.c_void_p)),
    )
    callbacks.kept = addresses
    return callbacks


class Passes(NamedTuple):
    """Addresses of the functions that are the same for all operators."""

    forward: int
    backward: int
    storage: int
    backward_storage: int
    nothing: int


@functools.cache
def passes() -> Passes:
    """Compile what is the same for all operators."""
    from .bodies import passes as compiled

    return Passes(*compiled.addresses())


def team(count: int, numbers: int) -> int:
    """Return how many threads can share ``count`` rows, that many numbers in all to be computed by a dozen operations.

    A second thread is worth its waiting from some 10 µs on.
    """
    return max(min(count, numbers // 20_000), 1)


def rows_of(shape: Shape) -> int:
    """Return the number of rows of a tensor ``(..., D)``."""
    return math.prod(shape[:-1])
