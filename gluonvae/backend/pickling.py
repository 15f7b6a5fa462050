"""Pickling and copying of what MXNet cannot pickle or copy: parameters with their gradients, and compiled graphs.

``pickle`` and ``copy.deepcopy`` look here for parameters, also for those of Gluon's own blocks and of a user's.
"""

from __future__ import annotations

import copyreg
from typing import Any

import numpy as np

from .operators import BFLOAT16, as_numpy
from .runtime import check_device, mx
from .types import Context, DType

NOT_KEPT = {"_data": None, "_grad": None, "_var": None, "_trainer": None, "_ctx_list": None, "_ctx_map": None}
"""What of a parameter is made anew from its values, or belongs to a trainer."""


def _reduce(parameter: Any) -> tuple[Any, tuple[Any, ...]]:
    state = {name: value for name, value in vars(parameter).items() if name not in NOT_KEPT}
    if isinstance(parameter, mx.gluon.Constant):
        del state["init"]  # known in this process alone
    values = None if parameter._data is None else [as_numpy(data) for data in parameter.list_data()]
    return _restored, (type(parameter), state, values, parameter._ctx_list)


def _restored(kind: Any, state: dict[str, Any], values: Any, contexts: Any) -> Any:
    """Make a parameter of its state, with gradients of its own; on the CPU where its device is not there."""
    of_constant = issubclass(kind, mx.gluon.Constant)
    parameter = kind(state["name"], state["value"]) if of_constant else kind.__new__(kind)
    vars(parameter).update({**NOT_KEPT, **state})
    if values is not None:
        present = [_present(ctx) for ctx in contexts]
        parameter._init_impl(_tensor(values[0], parameter.dtype), present)
        for data, of_device in zip(parameter._data, values):
            data[:] = _tensor(of_device, parameter.dtype).copyto(data.context)
    return parameter


def _tensor(values: np.ndarray, dtype: DType) -> Any:
    tensor = mx.nd.array(values, mx.cpu(), values.dtype)
    return tensor.astype(dtype) if np.dtype(dtype) == BFLOAT16 else tensor


def _present(ctx: Context) -> Context:
    try:
        check_device(ctx)
    except ValueError:
        return mx.cpu()
    return ctx


def _no_graph() -> None:
    """What a graph that MXNet has compiled is copied as: it is compiled anew at the next call."""


for _kind in (mx.gluon.Parameter, mx.gluon.Constant):
    copyreg.pickle(_kind, _reduce)
copyreg.pickle(mx.nd.CachedOp, lambda graph: (_no_graph, ()))
