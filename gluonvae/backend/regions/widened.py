"""Regions for bfloat16: converted to float32 and back, in Python."""

from __future__ import annotations

import ctypes
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..runtime import mx

_int_p = ctypes.POINTER(ctypes.c_int)
_Pass = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), _int_p, _int_p, ctypes.c_int, ctypes.c_void_p
)
NULL, ADD = 0, 3
"""Requests of MXNet's: a result that is not wanted, and one that is added to what is there."""


def in_float32(name: str, options: Mapping[str, str], inputs: int, outputs: int, gradients: int) -> list[Any]:
    """Return MXNet's callbacks for the forward and the backward pass of an operator, by its passes in float32.

    Parameters
    ----------
    name : str
        The operator.
    options : Mapping[str, str]
        Its options.
    inputs, outputs : int
        How many it has.
    gradients : int
        Of how many outputs, the first ones, the backward pass is given gradients.
    """

    def compute(tensors: Sequence[Any]) -> list[Any]:
        made = mx.nd.Custom(*tensors, op_type=name, **options)
        return list(made) if isinstance(made, (list, tuple)) else [made]

    def forward(tensors: Sequence[Any], requests: Sequence[int]) -> None:
        with mx.autograd.pause():
            _write(tensors[inputs:], compute(list(map(_wide, tensors[:inputs]))), requests)

    def backward(tensors: Sequence[Any], requests: Sequence[int]) -> None:
        wide = list(map(_wide, tensors[outputs : outputs + inputs]))
        for tensor in wide:
            tensor.attach_grad()
        with mx.autograd.record():
            made = compute(wide)
        mx.autograd.backward(made[:gradients], list(map(_wide, tensors[:gradients])))
        _write(tensors[2 * outputs + inputs :], [tensor.grad for tensor in wide], requests)

    return [_Pass(_called(forward, outputs)), _Pass(_called(backward, inputs))]


def _called(function: Callable[[Sequence[Any], Sequence[int]], None], results: int) -> Callable[..., int]:
    """Return a function as MXNet calls it."""

    def call(count: int, handles: Any, tags: Any, requests: Any, is_train: int, context: object) -> int:
        try:
            tensors = [mx.nd.NDArray(ctypes.cast(handles[i], mx.base.NDArrayHandle)) for i in range(count)]
            function(tensors, requests[:results])
        except Exception:  # nothing may be raised through MXNet, which turns the 0 into an error of its own
            traceback.print_exc(file=sys.stderr)
            return 0
        return 1

    return call


def _wide(tensor: Any) -> Any:
    return mx.nd.amp_cast(tensor, dtype="float32")


def _write(to: Sequence[Any], values: Sequence[Any], requests: Sequence[int]) -> None:
    for tensor, value, request in zip(to, values, requests):
        if request != NULL:
            before = _wide(tensor) if request == ADD else 0
            tensor[:] = mx.nd.amp_cast(value + before, dtype=tensor.dtype)
