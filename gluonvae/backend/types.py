"""Names that read as types: MXNet itself has no annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import c_void_p
from typing import Any, Optional, Protocol, Union

import numpy as np

Number = Union[int, float]
DType = Union[str, type, "np.dtype[Any]"]
"""A dtype as NumPy takes it: ``"float32"``, ``np.float32``, ``np.dtype("float32")``."""


class Context(Protocol):
    """A device, ``mx.cpu()`` or ``mx.gpu(0)``."""

    device_type: str
    device_id: int

    def __enter__(self) -> Context: ...
    def __exit__(self, *exception: object) -> None: ...


Contexts = Union[Context, Sequence[Context]]


class Tensor(Protocol):
    """An ``mx.nd.NDArray`` or an ``mx.sym.Symbol``.

    Code for both uses arithmetic and the operators of F. Shape, dtype, context, length and items are
    an NDArray's alone.
    """

    shape: tuple[int, ...]
    dtype: DType
    context: Context
    stype: str
    ndim: int
    size: int
    grad: Tensor
    handle: c_void_p

    def __add__(self, other: Operand) -> Tensor: ...

    def __radd__(self, other: Operand) -> Tensor: ...
    def __sub__(self, other: Operand) -> Tensor: ...
    def __rsub__(self, other: Operand) -> Tensor: ...
    def __mul__(self, other: Operand) -> Tensor: ...
    def __rmul__(self, other: Operand) -> Tensor: ...
    def __truediv__(self, other: Operand) -> Tensor: ...
    def __rtruediv__(self, other: Operand) -> Tensor: ...
    def __mod__(self, other: Operand) -> Tensor: ...
    def __gt__(self, other: Operand) -> Tensor: ...
    def __lt__(self, other: Operand) -> Tensor: ...
    def __ge__(self, other: Operand) -> Tensor: ...
    def __le__(self, other: Operand) -> Tensor: ...

    def __neg__(self) -> Tensor: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __getitem__(self, key: object) -> Tensor: ...
    def asnumpy(self) -> np.ndarray: ...
    def asscalar(self) -> float: ...
    def astype(self, dtype: DType, copy: bool = True) -> Tensor: ...
    def as_in_context(self, context: Context) -> Tensor: ...
    def reshape(self, *shape: Union[int, Sequence[int]]) -> Tensor: ...
    def detach(self) -> Tensor: ...
    def copy(self) -> Tensor: ...
    def backward(self) -> None: ...


Operand = Union[Tensor, Number]
ArrayLike = Union[Tensor, np.ndarray, Sequence[Any]]
"""An NDArray, a NumPy array, or nested sequences of numbers."""
Label = Union[ArrayLike, Number]
"""Classes or conditions, one for each data point or one for all: see :class:`gluonvae.ConditionalVAE`."""


class Operators(Protocol):
    """The F of ``hybrid_forward``: ``mx.nd`` or ``mx.sym``."""

    contrib: Operators
    linalg: Operators

    def __getattr__(self, name: str) -> Callable[..., Any]: ...


class Parameter(Protocol):
    """A ``gluon.Parameter``."""

    name: str
    shape: tuple[int, ...]
    init: object
    _data: object
    _deferred_init: tuple[object, ...]

    def data(self, ctx: Optional[Context] = None) -> Tensor: ...
    def var(self) -> Tensor: ...
    def set_data(self, data: Tensor) -> None: ...
    def list_ctx(self) -> list[Context]: ...
    def list_data(self) -> list[Tensor]: ...


class Block(Protocol):
    """A ``gluon.HybridBlock``."""

    params: Any
    _children: Mapping[str, Block]

    def __call__(self, *tensors: Tensor) -> Any: ...
    def collect_params(self, select: Optional[str] = None) -> Mapping[str, Parameter]: ...
    def _collect_params_with_prefix(self) -> Mapping[str, Parameter]: ...
    def save_parameters(self, filename: str) -> None: ...


class Weights(Protocol):
    """The weights of a bound by name, tensors ``(1,)``."""

    def __getattr__(self, name: str) -> Tensor: ...


class Model(Protocol):
    """A model, as its parts see it when they are bound to each other."""

    generator: Any
    inference_net: Any
    prior: Any
    data_dims: int
    label_size: int


Structure = Any
"""A tensor, or a tuple of structures (usually a named tuple): see :mod:`gluonvae.backend.structures`."""
