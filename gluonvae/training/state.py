"""What a step of training changes: parameters by gradients, buffers by a forward pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..backend.operators import as_numpy
from ..backend.types import Tensor
from ..networks.blocks import parameter_names
from ..objectives import Objective
from ..weights import find_weights


class State(NamedTuple):
    """The values of some parameters before a step."""

    step: int
    """Counted from 1."""
    values: list[tuple[Any, Tensor]]
    """Of each parameter."""

    @classmethod
    def copy(cls, parameters: Iterable[Any], step: int) -> State:
        """Copy the values that parameters have."""
        return cls(step, [(p, p.list_data()[0].copy()) for p in parameters if p._data is not None])

    def is_finite(self) -> bool:
        """Return whether all values are finite."""
        return all(np.isfinite(as_numpy(values)).all() for _, values in self.values)

    def restore(self) -> None:
        """Give the parameters these values again."""
        for parameter, values in self.values:
            parameter.set_data(values)


class Trained:
    """The parameters of a bound and its model, but for its weights, which schedules change.

    Parameters
    ----------
    bound : Objective
        The bound.
    """

    def __init__(self, bound: Objective) -> None:
        owners: dict[str, Any] = {**find_weights(bound)}
        weights = {owner._reg_params[name] for name, owner in owners.items()}
        self.parameters: list[Any] = [p for p in bound.collect_params().values() if p not in weights]
        self._bound = bound

    def learned(self) -> list[Any]:
        """Return the parameters that have gradients."""
        return [p for p in self.parameters if p.grad_req != "null"]

    def buffers(self) -> list[Any]:
        """Return those that have none: a forward pass may change them, as it does running means and codebooks."""
        return [p for p in self.parameters if p.grad_req == "null"]

    def clear_gradients(self) -> None:
        """Set the gradients to 0."""
        for parameter in self.learned():
            parameter.zero_grad()

    def changed(self) -> list[Tensor]:
        """Return what a forward and a backward pass have written: gradients, and the values of buffers."""
        # of the first device: a bound is computed on one
        return [p.list_grad()[0] if p.grad_req != "null" else p.list_data()[0] for p in self.parameters]

    def changed_names(self) -> list[str]:
        """Return what messages call each of :meth:`changed`."""
        # a model's own names, as it saves them, hide those that it has in a bound
        names = {**parameter_names(self._bound), **parameter_names(self._bound.vae)}
        return [f"the gradient of {names[p]}" if p.grad_req != "null" else names[p] for p in self.parameters]
