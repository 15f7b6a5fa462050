"""Losses whose backward pass goes around MXNet's autograd, where nothing else was done with them.

In a small training step autograd takes as long as half of the products: it makes a graph of what it has recorded, and
runs it. The first backward pass of a call is autograd's own. From it the call learns which inputs are variables, where
their gradients are and what is asked of them, see ``bodies.variables``. Later passes of the same variables wait: they
are recorded when something asks for the handle of an output, and not at all where ``backward`` comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any, Optional, Protocol

from ..runtime import mx

VALUE, NEGATIVE = range(2)
"""The outputs of a pass that waits: that of its graph, and its negative."""


class Call(Protocol):
    """What computes passes."""

    def record(self, memory: int, outputs: Sequence[Any]) -> None:
        """Have autograd record a pass, of whose outputs the handles are given."""

    def differentiate(self, memory: int, which: int) -> bool:
        """Compute the gradients of the sum of an output, and release the memory; false where it cannot be done."""

    def release(self, memory: int) -> None:
        """Release the memory of a pass that is not differentiated."""


class Pass:
    """A forward pass that autograd has not recorded yet.

    Parameters
    ----------
    call : Call
        What has computed it.
    outputs : list of NDArrayHandle
        Those of its value and of the negative, which are its own as long as nobody has asked for them.
    memory : int
        The address of its memory.
    """

    __slots__ = ("_call", "_has_negative", "_lock", "_memory", "_outputs")

    def __init__(self, call: Call, outputs: list[Any], memory: int) -> None:
        self._call, self._outputs, self._memory = call, outputs, memory
        self._lock = RLock()  # a signal's handler may look at a loss
        self._has_negative = True

    def __del__(self) -> None:
        if self._memory:
            self._call.release(self._memory)
        for handle in filter(None, self._outputs):
            mx.base.check_call(mx.base._LIB.MXNDArrayFree(handle))

    def gives_negative(self) -> bool:
        """Return whether the negative may be taken: once, as two tensors would share its memory, and while it waits."""
        given, self._has_negative = self._has_negative and self._memory != 0, False
        return given

    def differentiate(self, which: int) -> bool:
        """Compute the gradients of the sum of an output; false where that is left to autograd."""
        with self._lock:
            # before a signal's handler can raise: the memory is released only once
            memory, self._memory = self._memory, 0
            if memory and self._call.differentiate(memory, which):
                return True
            self._memory = memory
            return False

    def settle(self, head: Head) -> Any:
        """Have autograd record the pass, if it waits; make an output a plain NDArray, and return its handle."""
        with self._lock:
            own = _of_head(head)
            if not isinstance(own, tuple):  # another thread was here
                return own
            memory, self._memory = self._memory, 0
            if memory:
                self._call.record(memory, self._outputs)
            handle, self._outputs[own[1]] = self._outputs[own[1]], None
            _set_head(head, handle)
            head.__class__ = mx.nd.NDArray
            return handle


class _Kind(type):
    """The type of Head, which is NDArray to who compares types, as NDArray does when one is assigned to another."""

    def __eq__(cls, other: object) -> bool:
        return other is mx.nd.NDArray or super().__eq__(other)

    def __hash__(cls) -> int:
        return super().__hash__()


class Head(mx.nd.NDArray, metaclass=_Kind):  # type: ignore[misc,unused-ignore]
    """An output of a pass that waits. It becomes a plain NDArray when anything but ``backward`` asks for its handle.

    Made with :meth:`of`.
    """

    __slots__ = ()  # so that it can become an NDArray

    @classmethod
    def of(cls, made: Pass, which: int) -> Head:
        """Return an output of a pass."""
        head: Head = object.__new__(cls)
        _set_head(head, (made, which))
        head.writable = True
        return head

    def __del__(self) -> None:
        """Leave the handle to the pass, unless it is the tensor's own already."""
        if not isinstance(_of_head(self), tuple):
            mx.nd.NDArray.__del__(self)

    @property
    def handle(self) -> Any:
        """MXNet's handle, by which its functions ask for a tensor."""
        own = _of_head(self)
        return own[0].settle(self) if isinstance(own, tuple) else own

    def __neg__(self) -> Any:
        own = _of_head(self)
        waits = isinstance(own, tuple) and own[1] == VALUE
        if waits and mx.autograd.is_recording() and own[0].gives_negative():
            return Head.of(own[0], NEGATIVE)
        return mx.nd.NDArray.__neg__(self)  # super() would not do: it may be one by now

    def backward(self, out_grad: Optional[Any] = None, retain_graph: bool = False, train_mode: bool = True) -> None:
        """Compute the gradients, see ``NDArray.backward``."""
        own = _of_head(self)
        plain = out_grad is None and not retain_graph and isinstance(own, tuple)
        if not (plain and own[0].differentiate(own[1])):
            mx.nd.NDArray.backward(self, out_grad, retain_graph, train_mode)


_of_head, _set_head = mx.nd.NDArray.handle.__get__, mx.nd.NDArray.handle.__set__
"""Read and write where a tensor has its handle; a head that waits has its pass there, and which output it is."""
