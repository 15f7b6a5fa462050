"""Gradients summed over the devices of a process and over the workers of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

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
        self._parameters = [parameter for parameter in parameters if parameter.grad_req != "null"]
        self._store: Any = None

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
            for parameter in self._parameters:
                parameter.zero_grad()
            for value in values:
                value._fresh_grad = True  # a trainer refuses gradients of no backward pass

    def _over_devices(self, devices: Sequence[Sequence[Any]]) -> None:
        if self._store is None:
            self._store = mx.kv.create("device")
            for key, gradients in enumerate(devices):
                self._store.init(key, gradients[0])
        for key, gradients in enumerate(devices):
            self._store.pushpull(key, list(gradients), out=list(gradients))

    def _over_workers(self, devices: Sequence[Sequence[Any]], numbers: Sequence[float]) -> np.ndarray:
        dtype = "float64" if any(gradients[0].dtype == np.float64 for gradients in devices) else "float32"
        flat = [gradients[0].reshape(-1).astype(dtype, copy=False).as_in_context(mx.cpu()) for gradients in devices]
        if len(numbers):  # MXNet's arrays have no size of 0
            flat.append(mx.nd.array(np.asarray(numbers, dtype), dtype=dtype))
        together = mx.nd.concat(*flat, dim=0)
        if dtype == "float32":
            self.group.sum(together)
        else:  # MXNet's servers add up in float32
            together = mx.nd.array(self.group.sum_numbers(together.asnumpy()), dtype=dtype)
        start = 0
        for gradients in devices:
            end = start + gradients[0].size
            for gradient in gradients:
                summed = together[start:end].reshape(gradient.shape)
                gradient[:] = summed.astype(gradient.dtype, copy=False).as_in_context(gradient.context)
            start = end
        return together[start:].asnumpy().astype(np.float64) if len(numbers) else np.zeros(0)


def spread(parameters: Sequence[Any]) -> None:
    """Give the gradients of all devices the values that they have on the first."""
    for parameter in parameters:
        if parameter.grad_req != "null":
            first, *others = parameter.list_grad()
            for gradient in others:
                first.copyto(gradient)
