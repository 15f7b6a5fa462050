"""Graphs that are one program, called and recorded without MXNet's executor.

In a small training step the executor takes as long as what it executes. MXNet's autograd sees the whole graph as one
function of its inputs. Where its first output is one number a row, as that of a bound, the negative of this is computed
as well: it is the loss of a training.
"""

from __future__ import annotations

import ctypes
import functools
import json
import math
import weakref
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np

from ..runtime import mx
from .heads import VALUE, Head, Pass
from .lines import LINE, WORDS, whole_lines
from .operator import DTYPES, Shape
from .program import Instruction, Program
from .programs import NAME, outputs_of, plan_of

CPU, DENSE = 1, 0
"""MXNet's numbers of a device and of a storage type."""
AXES = 8
"""Most axes of a tensor."""

PLAN, INPUTS, OUTPUTS, RESULTS, DTYPE, DEVICE, KEPT, BLOCK, SMALL_BLOCK = range(9)
VARIABLE, GRADIENT, BACKWARD, FREE, NO_BACKWARD, RELEASE = range(9, 15)
AT_SHAPES, AT_HIDDEN, AT_ALL, AT_FEW, AT_ZEROS, AT_ONES, AT_KNOWN = range(15, 22)
"""Words of a call:

- the address of the plan; the number of inputs, of outputs, and of outputs and hidden results together
- their dtype, and the number of the device
- the address of the word for the memory that is kept for the graph's next call, and the bytes that this call takes of
  it when it is recorded and when it is not
- the handles of a variable without a gradient, and of what MXNet takes for one
- the addresses of MXNet's callbacks
- those of the shapes of inputs and outputs, and of where in that memory hidden results are
- those of the requests of a pass that is recorded, and of one that is not
- those of zeros, the gradients of outputs that are constants to autograd, and of ones, the gradient of an output that
  is differentiated by itself, 0 where none is
- that of what MXNet asked of inputs in the last pass that it called
"""
NUMBER, PLACE, REQUEST, OF_EACH = 0, 1, 2, 3
"""Words for each input at AT_KNOWN, after one word for all: the number of a variable, the address of its gradient, and
what is asked of it."""
SHAPE = 1 + AXES
"""Words of a shape: the number of axes, and their sizes."""

OWN_CALL, OWN_BLOCK, LIST, RECORD = 0, 1, 2, 9
"""Words of what MXNet's autograd records: the addresses of the call and of its memory, and MXNet's list of callbacks
with these and their contexts."""
SIZE_OF_BLOCK, OWN_KEPT, COUNT, KEEPER, HANDLES = 0, 1, 2, 3, 10
"""Words of the memory of a call: its bytes, where it is kept, the number of handles, MXNet's list of callbacks of the
function that keeps it, with these and their contexts, and the handles of inputs and outputs; then the addresses of
tensors for a pass, what is asked of the gradients of inputs, some room for handles of inputs, and the hidden
results."""


def words_of_block(inputs: int, outputs: int, results: int) -> int:
    """Return how many words of that memory come before the hidden results, in whole cache lines."""
    return whole_lines(HANDLES + inputs + outputs + 2 * results + 4 * inputs, WORDS)


class DirectCall:
    """Calls of a graph that is one program.

    Parameters
    ----------
    options : mapping
        Those of the program's operator in the graph.
    of_losses : bool
        Whether the first output may be differentiated by itself. Memory for that is kept for good.
    """

    def __init__(self, options: Any, of_losses: bool = True) -> None:
        program = Program.decoded(options["program"])
        self._has_negative = of_losses and program.makes_numbers(0)
        if self._has_negative:
            options = {**options, "program": _with_negative(program).encoded()}
        self._options = options
        self._calls: dict[Any, Optional[_Call]] = {}
        self._last: Optional[_Call] = None
        self._kept = array("q", [0])
        _for_ever.append(self._kept)
        weakref.finalize(self, _compiled().close, self._kept.buffer_info()[0])

    def __call__(self, tensors: Sequence[Any], first_alone: bool = False) -> Optional[list[Any]]:
        """Compute the outputs of the inputs, NDArrays; None where MXNet has to look at them.

        That is where they do not fit each other, and where they are not on one CPU in one dtype of the regions'.
        Outputs beside the first are constants to autograd where ``first_alone`` is true.
        """
        handles = array("q", [tensor.handle.value for tensor in tensors])
        can_wait = first_alone and self._has_negative
        call = self._last
        made = call.run(handles, first_alone, can_wait) if call is not None else None
        if made is None:
            self._last = call = self._call_for(tensors)
            made = call.run(handles, first_alone, can_wait) if call is not None else None
        if made is None or call is None:
            return None
        outputs, memory = made
        if memory:
            return [Head.of(Pass(call, outputs[:2], memory), VALUE), *map(mx.nd.NDArray, outputs[2:])]
        tensors = list(map(mx.nd.NDArray, outputs))
        return [tensors[0], *tensors[1 + self._has_negative :]]

    def _call_for(self, tensors: Sequence[Any]) -> Optional[_Call]:
        key = _signature(tensors)
        if key not in self._calls:
            self._calls[key] = _made(self._options, self._kept, self._has_negative, *key)
        return self._calls[key]


def _with_negative(program: Program) -> Program:
    """Return a program with the negative of its first output as the second one."""
    first, *others = program.outputs
    negative = program.inputs + len(program.instructions)
    made = (*program.instructions, Instruction("scaled", (first,), {"factor": -1.0}))
    return Program(program.inputs, made, (first, negative, *others))


def direct_call(symbol: Any, of_losses: bool) -> Optional[DirectCall]:
    """Return what calls a graph, or None where it is not one program whose outputs are the graph's."""
    options = options_of(symbol)
    return None if options is None else DirectCall(options, of_losses)


def options_of(symbol: Any) -> Optional[Any]:
    """Return the options of the program that a graph is, or None where it is not one whose outputs are the graph's."""
    graph = json.loads(symbol.tojson())
    *inputs, node = graph["nodes"]
    if node["op"] != "Custom" or node["attrs"]["op_type"] != NAME or any(of["op"] != "null" for of in inputs):
        return None
    outputs = range(outputs_of(node["attrs"]))
    wanted = [[place, 0, 0] for place in range(len(inputs))], [[len(inputs), place, 0] for place in outputs]
    return node["attrs"] if (node["inputs"], graph["heads"]) == wanted else None


def _signature(tensors: Sequence[Any]) -> tuple[Any, ...]:
    """What a call depends on: shapes, dtypes, devices and storage types."""
    kinds = {(tensor.dtype, tensor.context, tensor.stype) for tensor in tensors}
    return tuple(tensor.shape for tensor in tensors), frozenset(kinds)


def _made(
    options: Any, kept: array[int], can_wait: bool, shapes: tuple[Shape, ...], kinds: frozenset[Any]
) -> Optional[_Call]:
    """Return how inputs are computed, or None where MXNet has to look at them."""
    (dtype, ctx, storage), *others = kinds
    codes = [code for code, known in DTYPES.items() if known == dtype]
    if others or not codes or ctx.device_type != "cpu" or storage != "default" or max(map(len, shapes)) > AXES:
        return None
    try:
        plan, fitting, results = plan_of(options, shapes, codes[0])
    except ValueError:
        return None
    count = outputs_of(options)
    outputs, hidden = results[:count], [math.prod(shape) * np.dtype(dtype).itemsize for shape in results[count:]]
    if list(map(tuple, fitting)) != list(shapes) or max(map(len, outputs)) > AXES:
        return None
    return _Call(plan, kept, shapes, outputs, hidden, codes[0], ctx.device_id, can_wait)


class _Call:
    """How inputs of certain shapes are computed."""

    def __init__(
        self,
        plan: array[int],
        kept: array[int],
        shapes: Sequence[Shape],
        outputs: Sequence[Shape],
        hidden: Sequence[int],
        dtype: int,
        device: int,
        can_wait: bool,
    ) -> None:
        results = len(outputs) + len(hidden)
        before = 8 * words_of_block(len(shapes), len(outputs), results)
        places, end = [], before
        for size in hidden:
            places.append(end)
            end += whole_lines(size, LINE)
        of_shapes = [word for shape in (*shapes, *outputs) for word in _words_of(shape)]
        every, few = array("i", [1] * results), array("i", [1] * len(outputs) + [0] * len(hidden))
        zeros = np.zeros(max(map(math.prod, outputs)))  # which takes no memory until somebody writes to it
        ones = np.ones(outputs[0], DTYPES[dtype]) if can_wait else None
        known = array("q", [0] * (1 + OF_EACH * len(shapes)))
        arrays = [plan, kept, array("q", of_shapes), array("q", places), every, few, known]
        at_plan, at_kept, *others, at_known = (of.buffer_info()[0] for of in arrays)
        counts = [len(shapes), len(outputs), results, dtype, device]
        tensors = [mx.nd.zeros(1, ctx=mx.cpu(device)) for _ in range(2)]
        words = array("q", [at_plan, *counts, at_kept, end, before])
        words.extend([*(tensor.handle.value for tensor in tensors), *_compiled().callbacks, *others])
        words.extend([zeros.ctypes.data, 0 if ones is None else ones.ctypes.data, at_known])
        _for_ever.append((words, arrays, zeros, ones, tensors))
        self._place, self._outputs, self._functions = words.buffer_info()[0], len(outputs), _compiled()

    def run(self, handles: array[int], first_alone: bool, can_wait: bool) -> Optional[tuple[list[Any], int]]:
        """Compute outputs of inputs, given their handles; None where these have other shapes, dtypes or devices.

        Parameters
        ----------
        handles : array of int
            The inputs.
        first_alone : bool
            Whether other outputs than the first are constants to autograd.
        can_wait : bool
            Whether autograd need not record the pass at once.

        Returns
        -------
        list of NDArrayHandle
            The outputs.
        int
            The address of the memory of a pass that waits, or 0.

        Raises
        ------
        MXNetError
            Where MXNet does not record the call.
        """
        made = array("q", [0] * (self._outputs + 1))
        recorded = 1 if first_alone else self._outputs
        place = made.buffer_info()[0]
        done = self._functions.run(self._place, handles.buffer_info()[0], place, recorded, can_wait)
        if done == 0:
            return None
        if done < 0:
            mx.base.check_call(done)
        *outputs, memory = made
        return list(map(mx.base.NDArrayHandle, outputs)), memory

    def record(self, memory: int, outputs: Sequence[Any]) -> None:
        """Have autograd record a pass, see :class:`gluonvae.backend.regions.heads.Call`."""
        handles = array("q", [output.value for output in outputs])
        mx.base.check_call(self._functions.record(self._place, memory, handles.buffer_info()[0], len(outputs)))

    def differentiate(self, memory: int, which: int) -> bool:
        """Compute gradients, see :class:`gluonvae.backend.regions.heads.Call`."""
        return bool(self._functions.differentiate(self._place, memory, which))

    def release(self, memory: int) -> None:
        """Release the memory of a pass."""
        self._functions.release(memory)


_for_ever: list[Any] = []
"""What recorded calls have the addresses of: who has kept a loss may differentiate it when its graph is gone."""


def _words_of(shape: Shape) -> list[int]:
    return [len(shape), *shape, *[0] * (AXES - len(shape))]


class _Functions:
    """The compiled functions."""

    def __init__(self) -> None:
        from .bodies import direct

        run, close, record, differentiate, *self.callbacks = direct.addresses()
        self.run = _function(run, 5)
        self.close = _function(close, 1)
        self.record = _function(record, 4)
        self.differentiate = _function(differentiate, 3)
        self.release = _function(self.callbacks[-1], 1)


def _function(address: int, arguments: int) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_int64] * arguments)(address)


@functools.cache
def _compiled() -> _Functions:
    return _Functions()
