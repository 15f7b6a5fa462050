"""Numbers that may change from step to step: the weight β of a bound, the temperature of a relaxation."""

from __future__ import annotations

import math
from collections import namedtuple
from functools import cache
from typing import Any, Optional

import numpy as np

from .backend.operators import is_symbol
from .backend.runtime import mx
from .backend.types import Block, Context, DType, Parameter, Tensor


class Weight:
    """A number of a block that may be set at any time, ``bound.beta = 0.5``.

    It is declared as a class attribute of a HybridBlock and set in the constructor. In a graph it is a
    parameter without a gradient, so that nothing is traced anew when it changes, and it is saved with the
    block's parameters.

    Parameters
    ----------
    minimum, maximum : float
        The range that it may have.
    positive : bool
        Whether ``minimum`` itself is excluded.
    """

    def __init__(self, minimum: float = 0.0, maximum: float = math.inf, positive: bool = False) -> None:
        self.minimum, self.maximum, self.positive = minimum, maximum, positive

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, block: Any, owner: Optional[type] = None) -> Any:
        if block is None:
            return self
        if self.name not in block._reg_params:
            raise AttributeError(f"{self.name} of {type(block).__name__} is not set yet")
        value, parameter = block.__dict__[f"_{self.name}"], block._reg_params[self.name]
        if parameter._data is None:
            return value
        stored = parameter.list_data()[0].asnumpy().item()
        # the float that was set, not its nearest float32, unless other parameters were loaded since
        return value if _as(parameter.dtype, value) == stored else stored

    def __set__(self, block: Any, value: float) -> None:
        if isinstance(value, str):
            raise TypeError(f"{self.name} must be a {self.wanted}, got {value!r}")
        with np.errstate(over="ignore"):
            stored = float(np.float32(value))  # what a graph computes with: 1e39 is infinite there, and 1e-50 is 0
        inside = self.minimum < min(stored, value) if self.positive else self.minimum <= value
        if not (math.isfinite(stored) and inside and value <= self.maximum):
            raise ValueError(f"{self.name} must be a {self.wanted}, got {value}")
        block.__dict__[f"_{self.name}"] = float(value)
        parameter = block._reg_params.get(self.name)
        if parameter is None:
            parameter = block.params.get(self.name, shape=(1,), grad_req="null")
            block._reg_params[self.name] = parameter
        parameter.init = mx.init.Constant(float(value))
        if parameter._data is not None:
            parameter.set_data(mx.nd.full((1,), value, dtype="float64"))

    @property
    def wanted(self) -> str:
        """What the number may be, in words."""
        if self.positive:
            return "positive number"
        if math.isinf(self.maximum):
            return "finite number" + (", not negative" if self.minimum == 0 else f", at least {self.minimum:g}")
        if math.isinf(self.minimum):
            return f"finite number, at most {self.maximum:g}"
        return f"finite number from {self.minimum:g} to {self.maximum:g}"


def _as(dtype: DType, value: float) -> float:
    return float(np.asarray(value, "float64" if np.dtype(dtype) == np.float64 else "float32"))


@cache
def weight_names(kind: type) -> list[str]:
    """Return the names of a class's weights, those of its bases first."""
    return [name for base in reversed(kind.__mro__) for name, of in vars(base).items() if isinstance(of, Weight)]


def weights_type(kind: type) -> Any:
    """Return the named tuple that a bound's ``combine`` is given its weights as."""
    return namedtuple("Weights", weight_names(kind))


def set_weight(block: Block, name: str, value: float) -> None:
    """Set a weight without reading it: Gluon's own assignment looks at what it replaces, which waits for a GPU."""
    getattr(type(block), name).__set__(block, value)


def find_weights(block: Block) -> dict[str, Block]:
    """Return the block, ``block`` or one inside it, that has each weight, by the weight's name."""
    found: dict[str, Block] = {}
    for child in block._children.values():
        found.update(find_weights(child))
    return {**found, **dict.fromkeys(weight_names(type(block)), block)}


def value_of(parameter: Parameter, like: Tensor) -> Tensor:
    """Return a parameter's values for a computation with ``like``: a variable of its graph, or an NDArray."""
    return parameter.var() if is_symbol(like) else parameter.data(like.context)


def prepare(block: Any, contexts: list[Context], dtype: DType) -> None:
    """Initialise the weights of a block where they are not yet on these devices, in this dtype."""
    kind: type = type(block)
    for name in weight_names(kind):
        parameter = block._reg_params[name]
        if parameter._data is None:
            parameter.initialize(ctx=contexts)
        elif contexts[0] not in parameter._ctx_list:
            parameter.reset_ctx(contexts)
        if np.dtype(parameter.dtype) != np.dtype(dtype):
            parameter.cast(dtype)
            setattr(block, name, block.__dict__[f"_{name}"])
