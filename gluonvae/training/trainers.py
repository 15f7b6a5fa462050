"""The trainer of a training: of an optimizer's name and options, of an optimizer, or the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Optional, Union

from .. import checks
from ..backend.runtime import mx
from ..networks.blocks import parameter_names
from ..objectives import Objective
from .schedules import Scheduled
from .trainer import Trainer

LEARNING_RATE = 1e-3
"""Of an optimizer that is given by its name."""

UNFIT_OPTIMIZERS = {"test", "groupadagrad"}
"""MXNet's own test, and one for the rows of embeddings only."""

_INTERNAL = {"self", "param_idx2name", "sym", "begin_num_update", "param_dict", "rescale_grad", "aggregate_num"}
"""Arguments of MXNet's optimizers that are not a user's, or set at each step."""

Optimizer = Union[str, Any]
"""The name of an optimizer, an ``mx.optimizer.Optimizer`` or a ``gluon.Trainer``."""


def make_trainer(
    bound: Objective,
    optimizer: Optimizer,
    options: Optional[Mapping[str, Any]] = None,
    learning_rate: Optional[Scheduled] = None,
) -> tuple[Any, Optional[Scheduled]]:
    """Return the trainer of a bound, and the learning rate that it is to be given at each step.

    Parameters
    ----------
    bound : Objective
        What is maximised.
    optimizer : str, mx.optimizer.Optimizer or gluon.Trainer
        A trainer may have some of the bound's parameters: the others are then not learnt.
    options : mapping, optional
        Options of an optimizer that is given by its name.
    learning_rate : float or callable, optional
        Left out, that of the optimizer.

    Returns
    -------
    trainer : gluon.Trainer
    learning_rate : float, callable or None
        None where the optimizer has its own.

    Raises
    ------
    ValueError, TypeError
        For an optimizer that cannot be used here, and for options that it does not have.
    """
    if not isinstance(optimizer, str):
        if options:
            raise ValueError("optimizer_params are for an optimizer that is given by its name")
        trainer = _trainer_of(bound, optimizer)
        if learning_rate is not None and trainer._optimizer.lr_scheduler is not None:
            raise ValueError("learning_rate is given, and the optimizer has an lr_scheduler: leave out one of them")
        return trainer, learning_rate
    known = set(mx.optimizer.Optimizer.opt_registry) - UNFIT_OPTIMIZERS
    name, options = checks.known_name("optimizer", optimizer, known), dict(options or {})
    _check_options(name, options)
    if learning_rate is not None and not {"learning_rate", "lr_scheduler"}.isdisjoint(options):
        raise ValueError("learning_rate and optimizer_params both say what the learning rate is: leave out one of them")
    scheduler = options.get("lr_scheduler")
    if scheduler is not None:
        options.setdefault("learning_rate", scheduler.base_lr)  # MXNet would set it to the optimizer's default
    elif learning_rate is None:
        learning_rate = options.get("learning_rate", LEARNING_RATE)
    try:
        # it is set at each step
        options = {"learning_rate": LEARNING_RATE, **options}
        return Trainer(bound.collect_params(), name, options, kvstore=None), learning_rate
    except TypeError as error:
        raise TypeError(f"the optimizer {name} does not take {options}: {error}") from error


def _check_options(name: str, options: Mapping[str, Any]) -> None:
    kind, name = mx.optimizer.Optimizer.opt_registry[name], name.replace("fused", "")
    known = {
        option: of.default
        for base in reversed(kind.__mro__[:-1])
        for option, of in inspect.signature(base.__init__).parameters.items()
    }
    for option, value in options.items():
        checks.known_name(f"an option of the optimizer {name}", option, known.keys() - _INTERNAL - {"args", "kwargs"})
        if isinstance(value, str) and not isinstance(known[option], str):
            raise TypeError(f"{option} of the optimizer {name} must be a number, got {value!r}")


def _trainer_of(bound: Objective, optimizer: Any) -> Any:
    """The user's own trainer, or one of his optimizer."""
    if isinstance(optimizer, mx.optimizer.Optimizer):
        kind = type(optimizer).__name__
        if kind.lower() in UNFIT_OPTIMIZERS:
            raise ValueError(f"the optimizer {kind} cannot train a model of dense parameters: name another")
        return Trainer(bound.collect_params(), optimizer, kvstore=None)
    if not isinstance(optimizer, mx.gluon.Trainer):
        raise TypeError(
            "optimizer must be the name of one, an mx.optimizer.Optimizer or a gluon.Trainer, "
            f"got {type(optimizer).__name__}"
        )
    names = parameter_names(bound)
    foreign = [parameter.name for parameter in optimizer._params if parameter not in names]
    if foreign:
        raise ValueError(f"the trainer has parameters that the bound has not, such as {foreign[0]}")
    store = optimizer._kvstore_params["kvstore"]
    if "dist" in getattr(store, "type", str(store)):
        raise ValueError(
            f"a trainer with the KVStore {store} would leave workers with different parameters: give fit one without it"
        )
    if hasattr(optimizer, "_amp_loss_scaler"):
        raise ValueError("the trainer scales its loss by amp, and fit does not: precision='float16' does it here")
    return optimizer
