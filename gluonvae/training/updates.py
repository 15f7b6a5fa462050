"""What is done with gradients before and after the optimizer: accumulated, clipped, and their results averaged."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np

from .. import checks
from ..backend.memory import address, read_values
from ..backend.runtime import is_gpu, mx
from ..backend.types import Block, Tensor
from ..networks.blocks import parameter_names
from .optimizer import FusedSGD

AVERAGES, GRADIENTS = "averages/", "gradients/"
"""How the names of arrays in a checkpoint begin."""


class Average:
    """An exponential moving average of parameters.

    After the first update it is the parameters. After update t it moves to them by 1 - d, where
    d = min(decay, t / (9 + t)), so that the first values are soon forgotten, as in TensorFlow's
    ``ExponentialMovingAverage``.

    Parameters
    ----------
    parameters : sequence of Parameter
        On one device.
    decay : float
        Above 0 and below 1, such as 0.999.
    """

    def __init__(self, parameters: Sequence[Any], decay: float) -> None:
        if not 0 < checks.finite_number("ema", decay) < 1:
            raise ValueError(f"ema must lie between 0 and 1, such as 0.999, got {decay}")
        self.parameters, self.decay = parameters, decay
        self.values: list[Tensor] = []
        """The averages, in the order of the parameters; none before the first update."""
        self.updates = 0
        self._optimizer: Any = None
        self._places: Sequence[int] = ()

    def update(self) -> None:
        """Take in what the parameters are after an update."""
        values = [parameter.list_data()[0] for parameter in self.parameters]
        if not self.values:
            self.values = [value.copy() for value in values]
        else:
            self._move(values, 1 - min(self.decay, (1 + self.updates) / (10 + self.updates)))
        self.updates += 1

    def _move(self, values: Sequence[Any], rate: float) -> None:
        """Subtract rate * (average - value) from the averages: a step of gradient descent on minus the values, with
        weight decay."""
        # where kernels are in memory may change between two steps, see InOneRegion
        places = [address(value) for value in values if value.ndim > 2]
        if self._optimizer is None or places != self._places:
            self._optimizer = mx.optimizer.create(FusedSGD.name, wd=1.0, rescale_grad=-1.0)
            self._places = places
        self._optimizer.set_learning_rate(rate)
        indices = list(range(len(values)))
        self._optimizer.update_multi_precision(indices, self.values, values, [None] * len(values))

    def set(self) -> None:
        """Give the parameters their averages."""
        for parameter, average in zip(self.parameters, self.values):
            parameter.set_data(average)


class Updates:
    """Updates of parameters, each by the gradients of one or several batches.

    Parameters
    ----------
    trainer : gluon.Trainer
        On one device.
    accumulate : int
        How many batches there are to an update.
    clip_norm : float, optional
        The largest norm that the gradients of an update, taken together and per data point, may have; larger ones are
        scaled to it. Pascanu et al. 2013, algorithm 1.
    ema : float, optional
        The decay of an :class:`Average` of the parameters.
    apply : callable, optional
        What updates the parameters by their gradients, divided by the number that it is called with; by default the
        trainer's ``step``.
    """

    def __init__(
        self,
        trainer: Any,
        accumulate: int = 1,
        clip_norm: Optional[float] = None,
        ema: Optional[float] = None,
        apply: Optional[Callable[[float], None]] = None,
    ) -> None:
        self._apply = trainer.step if apply is None else apply
        self.accumulate = checks.positive_int("accumulate", accumulate)
        self.clip_norm = None if clip_norm is None else checks.finite_number("clip_norm", clip_norm)
        if self.clip_norm is not None and self.clip_norm <= 0:
            raise ValueError(f"clip_norm must be positive, got {clip_norm}")
        self._parameters = [parameter for parameter in trainer._params if parameter.grad_req != "null"]
        self.average = None if ema is None else Average(self._parameters, ema)
        self.rows = self.batches = 0
        """Data points and batches since the last update."""
        self._sums: list[Any] = []
        """The sums of their gradients, where several are accumulated."""

    @property
    def have_effect(self) -> bool:
        """Whether anything is done beside the optimizer's update."""
        return self.accumulate > 1 or self.clip_norm is not None or self.average is not None

    def update(self, rows: int) -> None:
        """Take in the gradients of a batch of so many rows, and update the parameters where it is time."""
        self.rows += rows
        self.batches += 1
        if self.accumulate > 1:
            self._add()
        if self.batches == self.accumulate:
            self._update()

    def finish(self) -> None:
        """Update the parameters by what has been accumulated, at the end of an epoch."""
        if self.batches:
            self._update()

    def _gradients(self) -> list[Any]:
        return [parameter.list_grad()[0] for parameter in self._parameters]

    def _add(self) -> None:
        gradients = self._gradients()
        if self.batches == 1:
            self._sums = [gradient.copy() for gradient in gradients]
        else:
            for total, gradient in zip(self._sums, gradients):
                total += gradient

    def _update(self) -> None:
        gradients = self._gradients()
        if self.batches > 1:
            for gradient, total in zip(gradients, self._sums):
                total.copyto(gradient)
        self._apply(self.rows if self.clip_norm is None else self._clipped(gradients, self.clip_norm))
        if self.average is not None:
            self.average.update()
        self.rows = self.batches = 0

    def _clipped(self, gradients: Sequence[Any], clip_norm: float) -> float:
        """Return what the gradients are to be divided by, no less than the number of rows."""
        if is_gpu(gradients[0].context):  # without waiting for it
            mx.gluon.utils.clip_global_norm(gradients, clip_norm * self.rows, check_isfinite=False)
            return self.rows
        norm = math.sqrt(sum(float(np.square(read_values(gradient)).sum()) for gradient in gradients))
        return max(self.rows, norm / clip_norm)

    def state(self) -> dict[str, Any]:
        """Return what is counted, as plain values."""
        averaged = 0 if self.average is None else self.average.updates
        return {"rows": self.rows, "batches": self.batches, "averaged": averaged}

    def arrays(self, block: Block) -> dict[str, np.ndarray]:
        """Return the averages and the accumulated gradients, by the names of the parameters of ``block``."""
        averages = [] if self.average is None else self.average.values
        sums = self._sums if self.batches else []
        kinds = ((AVERAGES, averages), (GRADIENTS, sums))
        return {
            f"{kind}{name}": tensor.asnumpy()
            for kind, tensors in kinds
            for name, tensor in zip(self._names(block), tensors)
        }

    def restore(self, state: Mapping[str, int], arrays: Mapping[str, np.ndarray], block: Block) -> None:
        """Set what :meth:`state` and :meth:`arrays` returned."""
        self.rows, self.batches = state["rows"], state["batches"]
        if self.average is not None:
            self.average.updates = state["averaged"]
            self.average.values = self._read(AVERAGES, arrays, block) if state["averaged"] else []
        if self.batches:
            self._sums = self._read(GRADIENTS, arrays, block)
            for parameter, total in zip(self._parameters, self._sums):
                total.copyto(parameter.list_grad()[0])
                parameter.list_data()[0]._fresh_grad = True  # a trainer refuses gradients of no backward pass

    def _read(self, kind: str, arrays: Mapping[str, np.ndarray], block: Block) -> list[Any]:
        values = [arrays[f"{kind}{name}"] for name in self._names(block)]
        return [
            mx.nd.array(value, parameter.list_ctx()[0], dtype=value.dtype)
            for value, parameter in zip(values, self._parameters)
        ]

    def _names(self, block: Block) -> list[str]:
        names = parameter_names(block)
        return [names[parameter] for parameter in self._parameters]
