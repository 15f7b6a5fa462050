"""MXNet's functions of NDArrays and of autograd, called with handles by compiled code: they return 0 but for errors."""

from __future__ import annotations

from typing import Any

from numba import types

from ...runtime import mx
from .native import address_in, compiled, external, words

_i32, _i64 = types.int32, types.int64


FLOAT32 = 0
"""MXNet's number of the dtype."""


def _of_mxnet(name: str, *arguments: Any) -> Any:
    return external(name, address_in(mx.base._LIB, name), _i32, *arguments)


data_of = _of_mxnet("MXNDArrayGetData", _i64, _i64)
"""Write the address of an NDArray's values: its handle, where to write."""
forget = _of_mxnet("MXNDArrayFree", _i64)
"""Free an NDArray's handle."""
is_fresh = _of_mxnet("MXNDArrayGetGradState", _i64, _i64)
"""Write whether the gradient of an NDArray is of a backward pass since it was used last: its handle, where to write."""
set_fresh = _of_mxnet("MXNDArraySetGradState", _i64, _i32)
"""Set it."""
dtype_of = _of_mxnet("MXNDArrayGetDType", _i64, _i64)
"""Write MXNet's number of an NDArray's dtype: its handle, where to write."""
storage_of = _of_mxnet("MXNDArrayGetStorageType", _i64, _i64)
"""Write MXNet's number of an NDArray's storage type: its handle, where to write."""
context_of = _of_mxnet("MXNDArrayGetContext", _i64, _i64, _i64)
"""Write the kind of an NDArray's device and the device's number: its handle, where to write each."""
shape_of = _of_mxnet("MXNDArrayGetShapeEx", _i64, _i64, _i64)
"""Write how many axes an NDArray has, and the address of their sizes: its handle, where to write each."""
make_tensor = _of_mxnet("MXNDArrayCreateEx", _i64, *[_i32] * 5, _i64)
"""Make an NDArray: address and number of its sizes, kind and number of its device, 0, dtype, where to write its
handle."""
detach = _of_mxnet("MXNDArrayDetach", _i64, _i64)
"""Make an NDArray of the same memory: the handle of the first, where to write that of the second."""
copy_handle = _of_mxnet("MXShallowCopyNDArray", _i64, _i64)
"""Make an NDArray of the same memory that is the same to autograd: see :data:`detach`."""
gradient_of_variable = _of_mxnet("MXNDArrayGetGrad", _i64, _i64)
"""Write a new handle of the gradient of a variable of autograd, or 0: the variable's handle, where to write."""
symbol_of = _of_mxnet("MXAutogradGetSymbol", _i64, _i64)
"""Write a new handle of the symbol by which autograd knows an NDArray: its handle, where to write."""
name_of_symbol = _of_mxnet("MXSymbolGetName", *[_i64] * 3)
"""Write the address of a symbol's name, and whether it has one: its handle, where to write each."""
forget_symbol = _of_mxnet("MXSymbolFree", _i64)
"""Free a symbol's handle."""
mark_variables = _of_mxnet("MXAutogradMarkVariables", _i32, *[_i64] * 3)
"""Make NDArrays variables of autograd: how many, and the addresses of their handles, of what is asked of their
gradients, and of the handles of these."""
is_recording = _of_mxnet("MXAutogradIsRecording", _i64)
"""Write, as one byte, whether MXNet's autograd records."""
set_recording = _of_mxnet("MXAutogradSetIsRecording", _i32, _i64)
"""Set whether MXNet's autograd records, and write whether it did."""
record = _of_mxnet("MXCustomFunctionRecord", *[_i32, _i64] * 2, _i64)
"""Have MXNet's autograd record a function: how many inputs, the address of their handles, the same of outputs, and a
list of callbacks."""


@compiled
def write_callbacks(place, backward, free, context):
    """Write MXNet's list of two callbacks, which it reads as long as it has what they are of."""
    word = words(place)
    word[0], word[1], word[2] = 2, place + 24, place + 40
    word[3], word[4], word[5], word[6] = backward, free, context, context
