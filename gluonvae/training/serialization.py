"""The state of parameters, optimizer and schedules as arrays and plain values, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..backend.runtime import mx
from ..backend.structures import leaves
from ..backend.types import Block
from ..networks.blocks import parameter_names
from .checkpoint import CheckpointError

PARAMETERS, OPTIMIZER = "parameters/", "optimizer/"
"""How the names of arrays in a checkpoint begin."""

UNFIT_FOR_CHECKPOINTS = {"lbsgd"}
"""Optimizers of MXNet that keep gradients where they cannot be saved."""

DRAW_FROM_MXNET = {"sgld"}
"""Optimizers of MXNet that draw random numbers."""


def parameters_of(block: Block) -> dict[str, np.ndarray]:
    """Return the values of all parameters of a block, those without a gradient among them."""
    parameters = block._collect_params_with_prefix()
    return {f"{PARAMETERS}{name}": parameter.list_data()[0].asnumpy() for name, parameter in parameters.items()}


def set_parameters(block: Block, arrays: Mapping[str, np.ndarray]) -> None:
    """Set the parameters of a block to what :func:`parameters_of` returned.

    Raises
    ------
    CheckpointError
        If they are those of another model.
    """
    parameters = block._collect_params_with_prefix()
    saved = {name[len(PARAMETERS) :]: values for name, values in arrays.items() if name.startswith(PARAMETERS)}
    for name in sorted(parameters.keys() | saved.keys()):
        if name not in saved or name not in parameters:
            where = "checkpoint" if name not in saved else "model"
            raise CheckpointError(f"the checkpoint is of another model: {name} is not in the {where}")
        given, wanted = saved[name].shape, parameters[name].shape
        if given != wanted:
            raise CheckpointError(f"the checkpoint is of another model: {name} has shape {given}, not {wanted}")
    for name, values in saved.items():
        parameters[name].set_data(mx.nd.array(values, dtype=values.dtype))


class OptimizerState:
    """The state of an optimizer: momenta and the like of each parameter, and how often each was updated.

    Parameters
    ----------
    trainer : gluon.Trainer
        Its state is the same on all devices.
    block : Block
        What has the parameters.
    """

    def __init__(self, trainer: Any, block: Block) -> None:
        names = parameter_names(block)
        self._optimizer, self._updaters = trainer._optimizer, trainer._updaters
        self._parameters = {names[parameter]: (i, parameter) for i, parameter in enumerate(trainer._params)}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the momenta and the like."""
        return {
            f"{OPTIMIZER}{name}/{number}": tensor.asnumpy()
            for name, (index, _) in self._parameters.items()
            for number, tensor in enumerate(_tensors(self._updaters[0].states.get(index)))
        }

    def counts(self) -> dict[str, Any]:
        """Return the counts of updates, and the numbers that the optimizer changes from step to step."""
        counts = self._optimizer._index_update_count
        return {
            "updates": {name: counts[index] for name, (index, _) in self._parameters.items() if index in counts},
            "numbers": plain_attributes(self._optimizer),
        }

    def restore(self, arrays: Mapping[str, np.ndarray], counts: Mapping[str, Any]) -> None:
        """Set the state to what :meth:`arrays` and :meth:`counts` returned."""
        set_attributes(self._optimizer, counts["numbers"])
        for name, (index, parameter) in self._parameters.items():
            if name not in counts["updates"]:
                continue
            for updater, value in zip(self._updaters, parameter.list_data()):
                self._optimizer._set_current_context(value.context.device_id)
                self._optimizer._index_update_count[index] = counts["updates"][name]
                state = self._optimizer.create_state_multi_precision(index, value)
                for number, tensor in enumerate(_tensors(state)):
                    values = arrays[f"{OPTIMIZER}{name}/{number}"]
                    tensor[:] = mx.nd.array(values, tensor.context, dtype=values.dtype)
                updater.states[index], updater.states_synced[index] = state, True


def _tensors(state: Any) -> Iterable[Any]:
    return (leaf for leaf in leaves(tuple(state) if isinstance(state, list) else state) if leaf is not None)


def state_of(thing: Any) -> dict[str, Any]:
    """Return the state of a schedule: what it says itself, or :func:`plain_attributes`."""
    return thing.state() if hasattr(thing, "state") else plain_attributes(thing)


def set_state(thing: Any, state: Mapping[str, Any]) -> None:
    """Set what :func:`state_of` returned; nothing where there is none."""
    if hasattr(thing, "restore"):
        if state:
            thing.restore(state)
    else:
        set_attributes(thing, state)


def plain_attributes(thing: Any) -> dict[str, Any]:
    """Return the attributes of an object that are finite numbers, or lists of them: what a schedule or an optimizer
    may change from step to step."""
    found = {}
    for name, value in getattr(thing, "__dict__", {}).items():
        if _is_number(value) or (isinstance(value, list) and all(map(_is_number, value))):
            found[name] = value
    return found


def set_attributes(thing: Any, attributes: Mapping[str, Any]) -> None:
    """Set attributes to what :func:`plain_attributes` returned."""
    for name in getattr(thing, "__dict__", {}).keys() & attributes.keys():
        setattr(thing, name, attributes[name])


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, bool) and math.isfinite(value)
