"""Gradients summed over the devices of a process and over the workers of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backend.memory import read_values, set_values
from ..backend.runtime import mx
from .group import Group


class GradientSum:
    """Sums the gradients of parameters, and some numbers beside them, in one message.

    Parameters
    ----------
    parameters : sequence of Parameter
        Those that are learnt are looked at, on all their devices.
    group : Group
        The workers.
    """

    def __init__(self, parameters: Sequence[Any], group: Group) -> None:
        self.group = group
        self._all = parameters
        self._store: Any = None
        self._together: Any = None

    @property
    def _parameters(self) -> list[Any]:
        """Those that are learnt now."""
        return [parameter for parameter in self._all if parameter.grad_req != "null"]

    def run(self, numbers: Sequence[float] = ()) -> np.ndarray:
        """Give each device of each worker the sum of all gradients, and return the sum of each number."""
        self._count_none_as_zero()
        devices = [parameter.list_grad() for parameter in self._parameters]
        if any(len(gradients) > 1 for gradients in devices):
            self._over_devices(devices)
        if self.group.is_alone:
            return np.asarray(numbers, np.float64)
        return self._over_workers(devices, numbers)

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

    def _over_workers(self, devices: Sequence[Sequence[Any]], numbers: Sequence[float]) -> np.ndarray:
        ends = np.cumsum([gradients[0].size for gradients in devices])
        together = self._room(devices, len(numbers))
        *parts, last = np.split(read_values(together), ends)
        for part, gradients in zip(parts, devices):
            part[:] = read_values(gradients[0]).reshape(-1)
        last[:] = numbers
        if together.dtype == np.float32:
            self.group.sum(together)
        else:  # MXNet's servers add up in float32
            read_values(together)[:] = self.group.sum_numbers(together.asnumpy())
        for part, gradients in zip(parts, devices):
            for gradient in gradients:
                set_values(gradient, part.reshape(gradient.shape))
        return last.astype(np.float64)

    def _room(self, devices: Sequence[Sequence[Any]], numbers: int) -> Any:
        """An array for all gradients and numbers, which is kept: memory that is new each time costs as much as both."""
        dtype = np.float64 if any(gradients[0].dtype == np.float64 for gradients in devices) else np.float32
        size = sum(gradients[0].size for gradients in devices) + numbers
        if self._together is None or (self._together.size, self._together.dtype) != (size, dtype):
            self._together = mx.nd.zeros(size, mx.cpu(), dtype)
        return self._together


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
