"""Gradients summed over the devices of a process and over the workers of a group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from ..backend.memory import read_values, set_values
from ..backend.regions.shared import announcing
from ..backend.runtime import engine_is_naive, mx
from .group import Group
from .message import Message, Sending
from .senders import COMPLETE


class GradientSum:
    """Sums the gradients of parameters, and some numbers beside them, in one message.

    Parameters
    ----------
    parameters : sequence of Parameter
        Those that are learnt are looked at, on all their devices.
    group : Group
        The workers.
    numbers : int
        How many numbers there are beside the gradients.
    """

    def __init__(self, parameters: Sequence[Any], group: Group, numbers: int = 0) -> None:
        self.group, self._numbers = group, numbers
        self._all = parameters
        self._store: Any = None
        self._message: Optional[Message] = None
        self._sending: Optional[Sending] = None
        self.early = 0
        """How many pieces of messages were on their way before the backward pass that computed them had ended."""

    @property
    def _parameters(self) -> list[Any]:
        """Those that are learnt now."""
        return [parameter for parameter in self._all if parameter.grad_req != "null"]

    @contextmanager
    def while_computed(self) -> Iterator[None]:
        """Context manager of the one backward pass before a :meth:`run`: gradients are sent when they are computed."""
        parameters = self._parameters
        if self.group.is_alone or not engine_is_naive() or not _are_simple(parameters):
            yield
            return
        message = self._message_of(parameters)
        if len(message.pieces) == 1:
            yield
            return
        self._begin(message, parameters)
        with announcing(self.group.senders.file):
            yield

    def run(self, numbers: Sequence[float] = ()) -> np.ndarray:
        """Give each device of each worker the sum of all gradients, and return the sum of each number."""
        self._count_none_as_zero()
        parameters = self._parameters
        devices = [parameter.list_grad() for parameter in parameters]
        if any(len(gradients) > 1 for gradients in devices):
            self._over_devices(devices)
        if self.group.is_alone:
            return np.asarray(numbers, np.float64)
        if any(gradients[0].dtype == np.float64 for gradients in devices):
            parts, sums = self._in_float64(devices, numbers)
        else:
            message = self._message_of(parameters)
            message.numbers[:] = numbers
            self._send(message, parameters)
            parts, sums = message.parts, message.numbers.astype(np.float64)
        for part, gradients in zip(parts, devices):
            for gradient in gradients:
                set_values(gradient, part)
        return sums

    def _count_none_as_zero(self) -> None:
        """A worker that has had no data point, and so no backward pass since the last sum, adds nothing."""
        values = [value for parameter in self._parameters for value in parameter.list_data()]
        if not self.group.is_alone and not any(value._fresh_grad for value in values):
            clear(self._parameters)

    def _over_devices(self, devices: Sequence[Sequence[Any]]) -> None:
        if self._store is None:
            self._store = mx.kv.create("device")
            for key, gradients in enumerate(devices):
                self._store.init(key, gradients[0])
        for key, gradients in enumerate(devices):
            self._store.pushpull(key, list(gradients), out=list(gradients))

    def _in_float64(
        self, devices: Sequence[Sequence[Any]], numbers: Sequence[float]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the sums of gradients and of numbers; MXNet's servers add up in float32."""
        firsts = [gradients[0] for gradients in devices]
        values = np.concatenate([*(read_values(gradient).reshape(-1) for gradient in firsts), numbers])
        ends = np.cumsum([gradient.size for gradient in firsts])
        *parts, sums = np.split(self.group.sum_numbers(values), ends)
        return [part.reshape(gradient.shape) for part, gradient in zip(parts, firsts)], sums

    def _message_of(self, parameters: Sequence[Any]) -> Message:
        shapes = [parameter.shape for parameter in parameters]
        if self._message is None or self._message.shapes != shapes:
            self._message = Message(shapes, self._numbers, self.group)
        return self._message

    def _begin(self, message: Message, parameters: Sequence[Any]) -> Sending:
        self._sending = Sending(message, parameters)
        self.group.senders.begin(self._sending)
        return self._sending

    def _send(self, message: Message, parameters: Sequence[Any]) -> None:
        """Send what was not sent while it was computed, and wait for all sums."""
        if len(message.pieces) == 1:
            Sending(message, parameters).take(COMPLETE)
            self.group.sum(message.pieces[0])
            return
        sending, self._sending = self._sending or self._begin(message, parameters), None
        with self.group.waiting():
            self.group.senders.finish(len(message.pieces))
        self.early += sending.early


def _are_simple(parameters: Sequence[Any]) -> bool:
    """Whether gradients are those of one device, in float32: what a backward pass writes is summed as it is."""
    return all(len(of := parameter.list_grad()) == 1 and of[0].dtype == np.float32 for parameter in parameters)


def clear(parameters: Sequence[Any]) -> None:
    """Set gradients to 0, those of no data point."""
    for parameter in parameters:
        parameter.zero_grad()
        for value in parameter.list_data():
            value._fresh_grad = True  # a trainer refuses gradients of no backward pass


def spread(parameters: Sequence[Any]) -> None:
    """Give the gradients of all devices the values that they have on the first."""
    for parameter in parameters:
        if parameter.grad_req != "null":
            first, *others = parameter.list_grad()
            for gradient in others:
                first.copyto(gradient)
