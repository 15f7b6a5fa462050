"""Losses whose backward pass goes around MXNet's autograd, where nothing else was done with them.

In a small training step autograd takes as long as half of the products: it makes a graph of what it has recorded, and
runs it. What it would do is known for the output of one compiled function of variables: write their gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Protocol

import numpy as np

from ..runtime import mx
from .checks import are_opposite


class Call(Protocol):
    """What has computed a pass."""

    def record(self, memory: int, outputs: Sequence[Any]) -> None:
        """Tell autograd of the pass and of its outputs."""

    def differentiate(self, memory: int, which: int) -> bool:
        """Compute the gradients of the sum of an output, and release the memory; false where it cannot be done."""

    def release(self, memory: int) -> None:
        """Release the memory of a pass that is not differentiated."""


class Pass:
    """A forward pass whose first output's negative was computed as well.

    Parameters
    ----------
    call : Call
        What has computed it.
    outputs : sequence of NDArray
        The first output, and its negative.
    memory : int
        The address of the memory of a pass that autograd was not told of; 0 where there is nothing to tell.
    """

    __slots__ = ("_call", "_waiting", "outputs")

    def __init__(self, call: Call, outputs: Sequence[Any], memory: int) -> None:
        self._call, self.outputs, self._waiting = call, outputs, memory

    def __del__(self) -> None:
        if self._waiting:
            self._call.release(self._waiting)

    def record(self) -> None:
        """Tell autograd of the pass, unless that was done."""
        if self._waiting:
            memory, self._waiting = self._waiting, 0
            self._call.record(memory, self.outputs)

    def differentiate(self, which: int) -> bool:
        """Compute the gradients of the sum of an output; false where that is left to autograd."""
        memory, self._waiting = self._waiting, 0  # before a signal's handler can raise: it is released only once
        if memory and self._call.differentiate(memory, which):
            return True
        self._waiting = memory
        return False


class Head(mx.nd.NDArray):  # type: ignore[misc,unused-ignore]
    """An output of a pass, of which MXNet's autograd is told where something else than ``backward`` may need it.

    It is made by :meth:`of`: what NDArray makes of the class of a tensor, as a slice of it, is an NDArray.
    """

    __slots__ = ["_pass", "_which"]

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        """Return an NDArray."""
        return mx.nd.NDArray(*arguments, **options)

    @classmethod
    def of(cls, made: Pass, which: int) -> Head:
        """Return an output of a pass."""
        head = object.__new__(cls)
        head._pass, head._which, head.writable = made, which, True
        return head

    def __del__(self) -> None:
        """Leave the handle to the tensor whose it is."""

    @property
    def handle(self) -> Any:
        """MXNet's handle, by which its functions ask for a tensor."""
        self._pass.record()
        return self._tensor.handle

    @property
    def _tensor(self) -> Any:
        return self._pass.outputs[self._which]

    def __repr__(self) -> str:
        return repr(self._tensor)

    def asnumpy(self) -> np.ndarray:
        """Return the values."""
        values: np.ndarray = self._tensor.asnumpy()
        return values

    def __neg__(self) -> Any:
        # somebody may have written to the first output
        if self._which == 0 and mx.autograd.is_recording() and are_opposite(*self._pass.outputs):
            return Head.of(self._pass, 1)
        return super().__neg__()

    def backward(self, out_grad: Optional[Any] = None, retain_graph: bool = False, train_mode: bool = True) -> None:
        """Compute the gradients, see ``NDArray.backward``."""
        if out_grad is not None or retain_graph or not self._pass.differentiate(self._which):
            super().backward(out_grad, retain_graph, train_mode)
